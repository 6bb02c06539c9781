"""A forger against a board: whatever an entry says of its judge or itself, it stands above no honest one."""

import json

import pytest

from proactivebench.judging import create_judge
from proactivebench.records import FINGERPRINT

from . import vouching
from .asked_again import FORGED, HONEST, copied, submitted
from .calling import call
from .forging import declared, edited, verdict_name, write_declared

SPEC = "silence=labels,proposals=llm"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return submitted(tmp_path_factory.mktemp("submitted"))


@pytest.fixture
def board(made, tmp_path, monkeypatch):
    """A board on a machine whose maintainers have measured the judge `first`."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    llm = judge("llm", "first")
    vouching.measured(llm.id, llm.hash)
    return copied(made, tmp_path / "board")


def test_an_honest_entry_is_ranked_once_its_model_and_its_judge_were_asked_again(board):
    """What the forgers below are after."""
    vouching.reproduced(board, HONEST)
    vouching.decided(board, HONEST)
    row = rows(board)[HONEST]
    assert row["rank"] == [1, 1]
    assert "unmeasured judge" not in badges(row)


def test_a_forged_row_with_all_verdicts_accepted_stands_below_an_honest_one(board):
    vouching.reproduced(board, HONEST)
    vouching.decided(board, HONEST)
    found = rows(board)
    assert found[FORGED]["metrics"]["f1"]["value"] > found[HONEST]["metrics"]["f1"]["value"]
    assert list(found) == [HONEST, FORGED]
    assert found[FORGED]["rank"] is None
    assert {"reported", "not re-judged"} <= set(badges(found[FORGED]))
    first = board.parent / "site" / "index.html"
    text = first.read_text(encoding="utf-8")
    assert text.index(f"entries/{HONEST}") < text.index(f"entries/{FORGED}")


def test_what_an_entry_says_of_its_judges_errors_is_its_makers_word(board, monkeypatch, tmp_path):
    """Measurements and fingerprints in a manifest are read by nobody who ranks."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "another"))  # these maintainers measured nothing
    llm, whole = judge("llm", "first"), judge(SPEC, "first")
    claimed = [vouching.measured(name, of.hash) for name, of in ((llm.id, llm), (whole.id, whole))]
    for file in (tmp_path / "another" / "judges").rglob("*.json"):
        file.unlink()
    counts = {name: {"correct": right, "items": 30} for name, right in FINGERPRINT.items()}
    print_of = {"judge": whole.id, "judge_hash": whole.hash, "data_hash": "e" * 64, "date": "2026-01-01"}
    folder = board / "entries" / FORGED
    edited("manifest", "measured", value=[json.loads(one.model_dump_json()) for one in claimed])(folder)
    edited("manifest", "fingerprints", value=[print_of | {"counts": counts}])(folder)
    assert call("leaderboard", "validate", folder).code == 0, "or the board never reads it"
    vouching.reproduced(board)
    vouching.decided(board)
    row = rows(board)[FORGED]
    assert "unmeasured judge" in badges(row)
    assert row["rank"] is None


def test_the_cards_of_a_measured_judge_lift_no_verdicts_of_another(board):
    """The hash is that of a judge nobody measured, whose verdicts the maintainers decided again alike; its cards are
    those of the measured one."""
    weak, strong = judge(SPEC, "lenient"), declared(board / "entries" / HONEST)["manifest"]["judges"]
    (card,) = (one["card"] for one in strong.values())
    rejudged_by(board / "entries" / FORGED, weak.model_copy(update={"card": card}))
    assert call("leaderboard", "verify", board / "entries" / FORGED).code == 0, "or the board never reads it"
    vouching.reproduced(board)
    vouching.decided(board)
    found = rows(board)
    assert "unmeasured judge" in badges(found[FORGED])
    assert found[FORGED]["rank"] is None
    assert found[HONEST]["rank"] == [1, 1]


def test_a_spoilt_card_takes_nothing_from_those_who_name_the_same_judge(board):
    """Whichever entry is read first."""
    spoiler, other = sorted((HONEST, FORGED))
    folder = board / "entries" / spoiler
    (identity,) = declared(folder)["manifest"]["judges"].values()
    identity["card"]["members"] = {name: {**one, "version": "x"} for name, one in identity["card"]["members"].items()}
    identity["card"]["proposals"] = ["llm-00000000"]
    identity["card"]["members"]["llm-00000000"] = {"name": "llm", "kind": "llm"}
    edited("manifest", "judges", value={identity["id"]: identity})(folder)
    assert call("leaderboard", "verify", folder).code == 0, "or the board never reads it"
    assert "unmeasured judge" not in badges(rows(board)[other])


def judge(spec, model):
    """The identity of a judge over a served model of this name."""
    args = {"base_url": "http://127.0.0.1:9/v1", "model": model}
    return create_judge(spec, model="endpoint", model_args=args).identity


def rejudged_by(folder, identity):
    """Let an entry say that this judge gave its verdicts."""
    content, old = declared(folder), verdict_name(folder)
    content["manifest"]["judges"] = {identity.id: json.loads(identity.model_dump_json(exclude={"words"}))}
    content["evidence"][f"verdicts/{identity.id}.jsonl.gz"] = content["evidence"].pop(old)
    content["claims"] = {}
    (folder / old).rename(folder / f"verdicts/{identity.id}.jsonl.gz")
    write_declared(folder, content)


def rows(board):
    """The judged rows of the built board, in their order."""
    done = call("leaderboard", "build", board, "--output_path", board.parent / "site", "--allow_refused")
    assert done.code == 0, done.err
    content = json.loads((board.parent / "site" / "board.json").read_text(encoding="utf-8"))
    return {row["entry"]: row for group in content["groups"] for row in group}


def badges(row):
    return {badge["badge"]: badge["meaning"] for badge in row["badges"]}
