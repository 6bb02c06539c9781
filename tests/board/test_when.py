"""The table of when to speak: who stands in it and where, what is ranked, and what nobody can claim by words."""

import csv
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.publish.seeding import seed_board
from proactivebench.board.site.row import SORTED_BY
from proactivebench.board.site.rows import Known
from proactivebench.board.site.when import counts_of, when_tables
from proactivebench.errors import DataError
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.records import OFFER_RULES, NeedRule
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.comparison import pair_up
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.signflip import holm, joint_signflip
from proactivebench.scoring.timing import needs_of
from proactivebench.traces import load_task

from .conftest import DECLARED
from .forging import as_served
from .vouching import reproduced

released = pytest.mark.skipif(
    not Path(os.environ.get("PROACTIVEBENCH_MIRROR", ""), "dataset").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset"
)
ANCHORS = {
    "need-oracle",
    "one human",
    "lexical-need",
    "best-candidate",
    "skip-first",
    "parrot",
    "always",
    "never",
    "random",
}
ORACLE, BLURTER, QUIET = "acme__oracular/r1", "acme__blurter/r1", "acme__quiet/r1"


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Runs of agents that tell the moments apart very well, not at all, and never speak."""
    root = tmp_path_factory.mktemp("answers")
    for name in ("oracle", "parrot", "never", "random"):
        settings = Settings(model=name, tasks="proactivebench_sample", judge="silence=labels,proposals=lexical")
        evaluation = prepare(settings)
        run_async(evaluation.run(root / name))
    return root


def submit(root, run, key):
    organisation, _, model = key.partition("/")[0].partition("__")
    store = as_served(run, root / "run", model)
    folder = root / "entries" / key
    named = DECLARED.model_copy(update={"organisation": organisation, "model": model})
    prepare_entry(store, folder, named, folder.name)
    shutil.rmtree(store.path)


@pytest.fixture(scope="module")
def submitted(answers, tmp_path_factory):
    root = tmp_path_factory.mktemp("submitted")
    for run, key in (("oracle", ORACLE), ("parrot", BLURTER), ("never", QUIET)):
        submit(root, answers / run, key)
    return root


@pytest.fixture
def root(submitted, tmp_path):
    return Path(shutil.copytree(submitted, tmp_path / "board"))


def table(root):
    (found,) = build_board(root).when
    return found


def lines(root):
    return {line.key: line for line in table(root).lines}


def words(line):
    return [word for word, _ in line.badges]


def test_the_anchors_stand_in_the_table_and_are_never_ranked(root):
    reproduced(root)
    anchors = [line for line in table(root).lines if line.trivial]
    assert {line.name for line in anchors} == ANCHORS
    assert all(line.rank is None and not line.family and not line.reported for line in anchors)


def test_a_submitted_run_of_a_trivial_agent_is_no_line_and_in_no_family(root, board):
    before = table(root)
    shutil.copytree(board / "entries" / "proactivebench__always", root / "entries" / "proactivebench__always")
    after = table(root)
    assert [line.key for line in after.lines] == [line.key for line in before.lines]
    assert after.family == before.family == 3
    assert [line.chance for line in after.lines] == [line.chance for line in before.lines]


def test_rows_are_reported_without_a_rank_until_their_models_were_asked_again(root):
    found = lines(root)
    for key in (ORACLE, BLURTER, QUIET):
        assert found[key].reported
        assert found[key].rank is None
        assert "reported" in words(found[key])
    reproduced(root, ORACLE, BLURTER)
    found = lines(root)
    assert (found[ORACLE].rank, found[BLURTER].rank, found[QUIET].rank) == ((1, 1), (2, 2), None)
    assert found[ORACLE].leading
    assert not found[BLURTER].leading
    assert "reproduced" in words(found[ORACLE])
    assert "agrees on offer or silence at 92% [0.80, 0.98]" in dict(found[ORACLE].badges)["reproduced"]
    assert [line.key for line in table(root).lines][:2] == [ORACLE, BLURTER], "ranked lines first"


def test_what_was_reproduced_is_that_evidence_and_no_other(root):
    reproduced(root, ORACLE, digest="0" * 64)
    assert lines(root)[ORACLE].reported
    reproduced(root, ORACLE)
    shutil.move(root / "reproduced" / "acme__oracular", root / "reproduced" / "acme__blurter")
    assert lines(root)[BLURTER].reported, "a record of another entry"


def test_a_model_that_speaks_elsewhere_when_asked_again_is_not_ranked(root):
    reproduced(root, ORACLE, passed=False, agreed=12, reason="too few agree")
    line = lines(root)[ORACLE]
    assert line.reported
    assert line.rank is None
    assert "too few agree" in dict(line.badges)["not reproduced"]


def test_an_entry_nearer_to_the_labels_than_any_reproduced_one_is_flagged_and_stands_last(root):
    reproduced(root, BLURTER)
    found = table(root).lines
    near = next(line for line in found if line.key == ORACLE)
    assert "near the labels" in words(near)
    assert near.agreement > 0.9
    assert [line.name for line in found[-2:]] == ["oracular", "need-oracle"]
    reproduced(root, ORACLE)
    assert all("near the labels" not in words(line) for line in table(root).lines)


def test_where_nothing_is_reproduced_only_what_no_model_reaches_is_flagged(root):
    flagged = {line.name for line in table(root).lines if "near the labels" in words(line)}
    assert flagged == {"oracular"}


def test_chance_is_corrected_over_the_entries_of_the_data_version(root):
    found, task = table(root), load_task("proactivebench_sample")
    keys = (ORACLE, BLURTER, QUIET)
    names = [trace.trace_id for trace in task.traces]
    for rule, needs in needs_of(task).items():
        plain = np.array([beats_chance(found.timings[key].flags(names), needs).p for key in keys])
        corrected = holm(plain)
        assert [lines(root)[key].chance[rule] for key in keys] == pytest.approx(list(corrected))
    assert "1 by the unanimous rule (oracular) and 1 by the majority rule (oracular)" in found.finding


def test_offers_of_few_texts_have_no_rank_and_stay_in_the_family(root, answers):
    submit(root, answers / "random", "acme__stuck/r1")
    reproduced(root)
    line = lines(root)["acme__stuck/r1"]
    assert "few texts" in words(line)
    assert line.rank is None
    assert line.family
    assert not line.reported


def test_figures_are_those_of_the_replies_whatever_the_report_or_the_verdicts_say(root):
    built = build_board(root)
    entry = next(entry for entry in built.entries if entry.key == ORACLE)
    report = entry.report.judges[0].overall.metrics
    assert lines(root)[ORACLE].metrics[SORTED_BY].value == pytest.approx(report[SORTED_BY].value)


def test_the_page_heads_the_table_and_puts_what_is_reported_in_brackets(root, tmp_path):
    reproduced(root, ORACLE)
    built = build_board(root)
    publish(built, tmp_path / "site")
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "these labels are public, and they say nothing about what was offered" in text
    found = {line.key: line for line in built.when[0].lines}
    assert f"({found[QUIET].metrics[SORTED_BY].value:.3f})" in text
    assert f">{found[ORACLE].metrics[SORTED_BY].value:.3f} " in text
    assert f"({found[ORACLE].metrics[SORTED_BY].value:.3f})" not in text
    headings = re.findall(r'<h2 id="[^"]+">(.+?)</h2>', text)
    assert headings[0].startswith("When to speak")
    assert headings[1].startswith("Overlap F1"), "a baseline comes after people's labels, named for what it is"
    delay = found[QUIET].metrics["help_delay_events"].value
    assert f"({delay:.3f})" in text
    page = (tmp_path / "site" / "entries" / QUIET / "index.html").read_text(encoding="utf-8")
    in_time = page.partition('id="in-time"')[2].partition("</table>")[0]
    rows = dict(re.findall(r'<tr><th scope="row">(.+?)</th>(.+?)</tr>', in_time))
    assert f"{delay:.3f}" in rows[METRICS["help_delay_events"].title]
    assert rows[METRICS["help_delay_events"].title].count("<td") == 2, "by both rules of need"
    assert re.search(r"<td[^>]+>0\.\d+", rows[METRICS["boundary_needless_offer_rate"].title])
    users = list(csv.DictReader((tmp_path / "site" / "entries" / QUIET / "users.csv").open(encoding="utf-8")))
    for_whom = page.partition('id="for-whom"')[2].partition("</table>")[0]
    assert re.findall(r'<tr><th scope="row">([^<]+?)(?: <span|<)', for_whom) == [user["user"] for user in users]
    assert found[QUIET].metrics["user_balanced_accuracy"].value == 0.5
    human = next(line for line in built.when[0].lines if line.people)
    assert "pooled" in (human.metrics["help_delay_events"].reason or "")


def test_data_whose_release_is_gone_has_no_table(root, monkeypatch):
    built = build_board(root)
    monkeypatch.setattr("proactivebench.board.site.when.load_task", _gone)
    badges = {entry.key: () for entry in built.entries}
    assert when_tables(built.entries, [], Known(), badges) == []


def _gone(name):
    raise DataError(f"{name} is not here")


@pytest.fixture(scope="module")
def of_the_release(tmp_path_factory):
    """The board of the released models."""
    return seed_board(tmp_path_factory.mktemp("site"), work_path=tmp_path_factory.mktemp("work")).board


@released
def test_the_released_models_stand_as_documented(of_the_release):
    (found,) = of_the_release.when
    own = [line for line in found.lines if not line.trivial]
    assert len(own) == found.family == 15
    assert found.lines[0].name == "qwen2-72b-instruct"
    assert found.lines[0].sorted_by() == pytest.approx(0.693, abs=5e-4)
    assert found.lines[0].sorted_by(f"{SORTED_BY}_majority") == pytest.approx(0.637, abs=5e-4)
    beating = {rule: [line.name for line in own if line.chance[rule] <= 0.05] for rule in OFFER_RULES}
    best = ["qwen2-72b-instruct", "claude-3-sonnet-20240229", "deepseek-7b-chat", "activellama"]
    assert beating == {NeedRule.UNANIMOUS: best, NeedRule.MAJORITY: best[:1]}
    assert [round(line.sorted_by(), 3) for line in own if line.name in best] == [0.693, 0.617, 0.586, 0.554]
    assert all(line.reported and line.rank is None for line in own), "nobody can ask them again"
    assert {line.name: line.sorted_by() for line in found.lines if line.name in ("always", "parrot", "never")} == {
        "always": 0.5,
        "parrot": 0.5,
        "never": 0.5,
    }


@released
@pytest.mark.parametrize(
    ("rule", "difference", "p"), [(NeedRule.UNANIMOUS, 0.166, 0.021), (NeedRule.MAJORITY, 0.140, 0.136)]
)
def test_the_best_released_model_against_gpt_4o_is_as_documented(of_the_release, rule, difference, p):
    (found,) = of_the_release.when
    keys = [line.key for line in found.lines if not line.trivial]
    paired = pair_up(METRICS[SORTED_BY].measure, counts_of(found.data, keys, found.timings, rule))
    adjusted = joint_signflip(paired.values)
    assert len(adjusted) == 105
    places = list(zip(paired.first, paired.second, strict=True))
    best, other = keys.index("thunlp__qwen2-72b-instruct/released"), keys.index("thunlp__gpt-4o/released")
    pair = places.index((min(best, other), max(best, other)))
    assert abs(paired.difference[pair]) == pytest.approx(difference, abs=5e-4)
    assert adjusted[pair] == pytest.approx(p, abs=1e-3)
    assert (adjusted <= 0.05).sum() == (6 if rule is NeedRule.UNANIMOUS else 0)
