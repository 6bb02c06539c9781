"""The page of a job's agreement: whole in one file, safe with foreign texts, and readable for everybody."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from proactivebench.annotation.agreement import agreement_of
from proactivebench.annotation.agreement_page import page
from proactivebench.annotation.job import JobFolder
from proactivebench.records import Answer, Plan
from proactivebench.store import write_whole
from proactivebench.text import write_lines
from tests.annotation.jobs import make_job
from tests.annotation.voters import answer, seat
from tests.board.calling import call

ATTACK = "<img src=x onerror=\"document.title='owned'\">"
NAMES = ("ann", "bob", "cid")


def voted(path: Path, people: int = 3) -> JobFolder:
    """A job whose offers and sessions are attacks; people answer by where they sit, so that they differ."""
    made = make_job(path, sessions=6, plan=Plan(annotators=people, overlap=people, repeats=0.3))
    items = [
        item.model_copy(update={"offers": tuple(o.model_copy(update={"text": ATTACK + o.text}) for o in item.offers)})
        for item in made.items.values()
    ]
    write_whole(path / "items.jsonl", write_lines(items).decode())
    traces = (path / "traces.jsonl").read_text().replace("The user does", "</p><script>1</script>The user does")
    write_whole(path / "traces.jsonl", traces)
    folder = JobFolder(path)
    seat(folder, *NAMES[:people])
    for divisor, name in enumerate(NAMES[:people], start=2):
        answer(
            folder,
            name,
            lambda item, offer, _, divisor=divisor: (
                (Answer.YES if item.turn % divisor else Answer.NO)
                if offer is None
                else (Answer.ACCEPT if (item.turn + len(offer.offer_id)) % divisor else Answer.REJECT)
            ),
        )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """Three people on thirty moments."""
    return voted(tmp_path_factory.mktemp("jobs") / "job")


@pytest.fixture(scope="module")
def text(folder: JobFolder) -> str:
    """The page of that job."""
    return page(folder, agreement_of(folder))


def test_foreign_text_is_escaped_and_the_page_asks_for_nothing(text: str) -> None:
    assert "&lt;img src=x onerror" in text
    assert "<img" not in text
    assert "<script>1" not in text
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    assert "style=" not in text, "the policy would drop it"


def test_every_picture_is_there_for_both_kinds_and_its_figures_in_a_table(text: str, folder: JobFolder) -> None:
    for title in ("Agreement beyond chance", "Who accepts how often", "Who changes on the way", "Who agrees with whom"):
        assert text.count(f"<strong>{title}.</strong>") == 2
    assert text.count("<strong>One against the others, and the ceiling.</strong>") == 2
    for kind in agreement_of(folder).kinds:
        assert f"{kind.alpha.value:.3f}".replace("-", "−") in text
        assert f"{kind.ceiling.auc_within:.3f}" in text
    for name in NAMES:
        assert text.count(f'<tr><th scope="row">{name}</th>') >= 2


def test_the_items_people_disagree_on_come_most_apart_first(text: str) -> None:
    shares = [int(share) for share in re.findall(r'class="quiet">(\d+) % of \d+ pairs? apart', text)]
    assert len(shares) == 20
    assert shares == sorted(shares, reverse=True)
    assert "“because”" in text


def test_two_people_have_no_pictures_of_what_needs_three(tmp_path: Path) -> None:
    folder = voted(tmp_path / "two", people=2)
    text = page(folder, agreement_of(folder))
    assert "Two people or fewer: of what people share, α only." in text
    assert "<strong>Who accepts how often.</strong>" in text
    for title in ("Who agrees with whom", "One against the others"):
        assert title not in text


def test_the_page_is_written_over_a_page_alone_and_never_into_the_job(folder: JobFolder, tmp_path: Path) -> None:
    target = tmp_path / "new" / "page.html"
    for _ in range(2):
        done = call("annotate", "agreement", folder.path, "--output_path", target)
        assert done.code == 0, done.err
    assert f"{target}: these figures as pictures" in done.out
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    for where, why in (
        (notes, "is no page"),
        (tmp_path, "is a folder"),
        (folder.path / "page.html", "the job's folder"),
    ):
        refused = call("annotate", "agreement", folder.path, "--output_path", where)
        assert (refused.code, len(refused.err.splitlines())) == (2, 1)
        assert why in refused.err
    assert notes.read_text() == "mine"


def test_the_page_of_a_sealed_job_is_its_owners_alone(folder: JobFolder, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    (sealed / "votes").mkdir()
    for file in folder.path.rglob("*.json*"):
        (sealed / file.relative_to(folder.path)).write_bytes(file.read_bytes())
    write_whole(sealed / "job.json", folder.job.model_copy(update={"sealed": True}).model_dump_json())
    target = tmp_path / "page.html"
    assert call("annotate", "agreement", sealed, "--output_path", target, "--most", 0).code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "This job is sealed" in target.read_text()
