"""Judged tables: which judge's rows may be ranked, in which order they stand, and what a forger gains by verdicts."""

import shutil

import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.row import SORTED_BY
from proactivebench.board.verify.worth import worth_of
from proactivebench.records import JudgeIdentity, MeasurementStatus

from .conftest import DECLARED
from .forging import as_served, declared, judged_by_a_model, lines, verdict_name, write_declared, write_lines
from .vouching import decided, fingerprinted, measured, reproduced

HONEST, FORGED = "acme__honest/r1", "acme__aaa-forged/r1"  # the forger comes first by name
WEIGHTS = "YancyLee/ProactiveAgent@" + "0123456789" * 4


@pytest.fixture(autouse=True)
def _own_judges(tmp_path, monkeypatch):
    """What the maintainers measured, in each test by itself."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def submitted(runs, tmp_path_factory):
    """An honest entry that tells the moments apart, and one that always offers and says that everything it offers was
    accepted: both under a model as judge."""
    root = tmp_path_factory.mktemp("judged")
    for key, run in ((HONEST, "oracle"), (FORGED, "parrot")):
        model = key.partition("__")[2].partition("/")[0]
        folder = root / "entries" / key
        prepare_entry(
            as_served(runs / run, root / "run", model), folder, DECLARED.model_copy(update={"model": model}), "r1"
        )
        shutil.rmtree(root / "run")
        judged_by_a_model(folder)
        with_card(folder, {"kind": "llm", "name": "strict-judge"})
    everything_accepted(root / "entries" / FORGED)
    return root


@pytest.fixture
def root(submitted, tmp_path):
    return shutil.copytree(submitted, tmp_path / "board")


def with_card(folder, card, **more):
    content = declared(folder)
    for identity in content["manifest"]["judges"].values():
        identity |= {"card": card, **more}
    write_declared(folder, content)


def everything_accepted(folder):
    name = verdict_name(folder)
    write_lines(folder, name, [verdict | {"status": "accepted"} for verdict in lines(folder, name)])


def judge_of(root, key=HONEST):
    (identity,) = declared(root / "entries" / key)["manifest"]["judges"].values()
    return identity["id"], identity["hash"]


def as_the_papers(root, weights=WEIGHTS):
    """Both entries say that the paper's prompt judged, with these weights declared."""
    for key in (HONEST, FORGED):
        with_card(root / "entries" / key, {"kind": "reward-model", "name": "strict-judge"}, weights=weights)


def group(root):
    built = build_board(root)
    assert built.refusals == []
    (found,) = built.groups
    return found


def standing(root):
    return [(row.key, row.rank) for row in group(root)]


def words(row):
    return [word for word, _ in row.badges]


def test_under_a_judge_that_nobody_measured_nothing_is_ranked(root):
    reproduced(root)
    decided(root)
    rows = group(root)
    assert {row.measurement.status for row in rows} == {MeasurementStatus.UNMEASURED}
    assert [row.rank for row in rows] == [None, None]
    assert all("unmeasured judge" in words(row) for row in rows)


def test_under_a_measured_judge_rows_whose_verdicts_were_decided_again_are_ranked(root):
    measured(*judge_of(root))
    reproduced(root)
    assert standing(root) == [(HONEST, None), (FORGED, None)]
    decided(root, HONEST)
    assert standing(root) == [(HONEST, (1, 1)), (FORGED, None)]
    assert [row.reported for row in group(root)] == [False, True]
    decided(root)
    assert standing(root) == [(HONEST, (1, 1)), (FORGED, (2, 2))]


def test_decided_again_is_not_enough_where_nobody_asked_the_model_again(root):
    measured(*judge_of(root))
    decided(root)
    assert standing(root) == [(HONEST, None), (FORGED, None)]
    assert all(row.reported for row in group(root))


def test_what_falls_short_against_people_is_not_measured(root):
    measured(*judge_of(root), lower=0.49)
    reproduced(root)
    decided(root)
    assert standing(root) == [(HONEST, None), (FORGED, None)]
    assert "lower end must be above" in dict(group(root)[0].badges)["unmeasured judge"]


def test_what_an_entry_says_of_its_judges_errors_counts_for_nothing(root, tmp_path):
    found = measured(*judge_of(root)).model_dump(mode="json")
    shutil.rmtree(tmp_path / "cache")
    for key in (HONEST, FORGED):
        content = declared(root / "entries" / key)
        content["manifest"]["measured"] = [found]
        write_declared(root / "entries" / key, content)
    reproduced(root)
    decided(root)
    assert {row.measurement.status for row in group(root)} == {MeasurementStatus.UNMEASURED}


@pytest.mark.parametrize("vouched", [(), (HONEST,)])
@pytest.mark.parametrize("paper", [False, True])
def test_a_forged_row_with_all_verdicts_accepted_never_stands_above_an_honest_one(root, vouched, paper):
    if paper:
        as_the_papers(root)
        fingerprinted(*judge_of(root))
    else:
        measured(*judge_of(root))
    reproduced(root)
    if vouched:
        decided(root, *vouched)
    rows = group(root)
    assert [row.key for row in rows] == [HONEST, FORGED]
    forged = rows[1]
    assert forged.metrics["f1"].value == 1, "as far as its verdicts go it is perfect"
    assert forged.rank is None
    assert forged.reported


def test_verdicts_that_came_out_otherwise_are_disputed_and_not_ranked(root):
    measured(*judge_of(root))
    reproduced(root)
    decided(root, HONEST)
    decided(root, FORGED, otherwise=60)
    assert standing(root) == [(HONEST, (1, 1)), (FORGED, None)]
    assert "disputed" in words(group(root)[1])


def test_the_papers_measure_is_for_its_own_judge_by_weights_and_fingerprint(root, tmp_path):
    as_the_papers(root)
    fingerprinted(*judge_of(root))
    reproduced(root)
    decided(root)
    rows = group(root)
    assert {row.measurement.status for row in rows} == {MeasurementStatus.PAPER}
    assert all(row.rank for row in rows)
    assert [row.key for row in rows] == [HONEST, FORGED], "by F1, and where that is the same by people's labels"
    text = page(root, tmp_path)
    assert "The paper's measure ·" in text
    assert "trained on these very moments" in text
    heads = [
        title for title in ("Recall", "Precision", "Accuracy", "False alarm (paper)", "F1") if f">{title}<" in text
    ]
    places = [text.index(f">{title}</abbr>", text.index("The paper's measure ·", text.index("<h2"))) for title in heads]
    assert len(heads) == 5
    assert places == sorted(places), "in the paper's order"


@pytest.mark.parametrize(("weights", "off"), [("undeclared", 0), (WEIGHTS, 3), (WEIGHTS, None)])
def test_the_papers_prompt_on_unproven_weights_stands_outside_its_table(root, tmp_path, weights, off):
    as_the_papers(root, weights)
    if off is not None:
        fingerprinted(*judge_of(root), off=off)
    reproduced(root)
    decided(root)
    rows = group(root)
    assert {row.measurement.status for row in rows} == {MeasurementStatus.UNMEASURED}
    assert [row.rank for row in rows] == [None, None]
    text = page(root, tmp_path)
    assert "the paper&#39;s prompt, unproven weights" in text
    assert "The paper's measure" not in text


def test_a_measured_judges_word_stands_beside_when_to_speak(root, tmp_path):
    measured(*judge_of(root))
    reproduced(root)
    decided(root, HONEST)
    (table,) = build_board(root).when
    by_key = {line.key: line for line in table.lines}
    assert not by_key[HONEST].offered.reported
    assert by_key[FORGED].offered.reported
    assert by_key[HONEST].offered.judge == judge_of(root)[0]
    text = page(root, tmp_path)
    assert ">F1, judged</abbr>" in text
    assert "(1.000)" in text, "the forger's F1 stands in brackets"


def test_baselines_come_last_and_are_named_for_what_they_are(root, board, tmp_path):
    shutil.copytree(board / "entries" / "acme__helper-7b", root / "entries" / "other__helper-7b")
    content = declared(root / "entries" / "other__helper-7b" / "r1")
    content["declared"]["organisation"] = "other"
    write_declared(root / "entries" / "other__helper-7b" / "r1", content)
    groups = build_board(root).groups
    assert [rows[0].measurement.status for rows in groups] == [MeasurementStatus.UNMEASURED, MeasurementStatus.BASELINE]
    text = page(root, tmp_path)
    assert text.index('<h2 id="group-1">Unmeasured F1') < text.index('<h2 id="group-2">Overlap F1')
    assert ">Overlap F1</abbr>" in text
    assert ">Overlap precision</abbr>" in text


def test_whoever_calls_itself_peoples_votes_without_being_them_is_unmeasured():
    claimed = JudgeIdentity(
        id="labels-0badcafe", name="labels", hash="0badcafe" + "0" * 56, silence="labels", proposals="labels"
    )
    assert worth_of(claimed).measurement.status is MeasurementStatus.UNMEASURED


def test_a_card_of_no_known_form_is_unmeasured_and_breaks_nothing():
    identity = JudgeIdentity(id="x-0badcafe", name="x", hash="0badcafe" + "0" * 56, silence="x", proposals="x")
    broken = identity.model_copy(update={"card": {"spec": "x", "silence": ["y"], "members": 3}})
    assert worth_of(broken).measurement.status is MeasurementStatus.UNMEASURED


def page(root, tmp_path):
    publish(build_board(root), tmp_path / "site")
    return (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_rows_are_sorted_by_need_detection(root):
    values = [row.sorted_by() for row in group(root)]
    assert values == sorted(values, reverse=True)
    assert all(row.sorted_by() == row.metrics[SORTED_BY].value for row in group(root))
