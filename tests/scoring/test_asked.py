"""Need asked directly, the third rule: where it leads, where it stands beside, and that rules are never mixed."""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from proactivebench.anchors import anchors_of
from proactivebench.board.site import when
from proactivebench.board.site.difficulty import Spoke, difficulty_tables, flat_moments
from proactivebench.board.site.facts import Facts
from proactivebench.board.site.pages import _environment
from proactivebench.board.site.pairs import Candidate, pair_tables
from proactivebench.board.site.rows import Known
from proactivebench.cli import main
from proactivebench.cli.tables import print_report
from proactivebench.evaluation import task_identity
from proactivebench.judging import create_judge
from proactivebench.judging.spec import default_spec
from proactivebench.lm_eval_plugin.columns import cell, columns, higher_is_better
from proactivebench.records import OFFER_RULES, Event, MomentLabels, NeedRule, Report, Task, TaskVotes, Trace
from proactivebench.scoring import build_report
from proactivebench.scoring.chance import beats_chance
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.registry import metric_for
from proactivebench.scoring.timing import timed, timing_of
from tests.scoring.runs import JUDGE, make_judge, make_manifest, make_run

UNANIMOUS, MAJORITY, ASKED = NeedRule
KEY = "need_detection_balanced_accuracy"


def label(turn, *, asked, offers, seed):
    """Help is wanted at every third event, says whoever is asked; the votes on an offer say something else."""
    random = np.random.default_rng([seed, turn])
    votes = tuple(bool(v) for v in random.random(3) < 0.6)
    return MomentLabels(
        need=all(votes) if offers else None,
        need_majority=sum(votes) > 1 if offers else None,
        tasks=(TaskVotes(task=f"offer {turn}", votes=votes, annotators=("a", "b", "c")),) if offers else (),
        asked=(turn % 3 == 1, True, False) if asked else (),
        asked_by=("a", "b", "c") if asked else (),
    ) if asked or offers else None  # fmt: skip


def make(asked=1.0, offers=1.0, traces=6, moments=10):
    """A task on which that share of each trace's moments has direct answers, or votes on an offer."""
    return Task(
        name="asked", version="1", revision="r", licence="MIT", date="2026-11-01", source="here",
        traces=tuple(
            Trace(
                trace_id=f"t{g}", split=("coding", "writing")[g % 2],
                events=tuple(Event(time=str(60.0 * i), event=f"e{i}") for i in range(moments)),
                labels=tuple(label(i, asked=i < asked * moments, offers=i >= (1 - offers) * moments, seed=g)
                             for i in range(moments)),
            )
            for g in range(traces)
        ),
    )  # fmt: skip


FULL, MOST, HALF, ONLY = make(), make(0.9), make(0.5), make(offers=0)


@pytest.mark.parametrize(
    ("task", "rules"),
    [
        (make(asked=0), OFFER_RULES),
        (FULL, (ASKED, *OFFER_RULES)),
        (MOST, (ASKED, *OFFER_RULES)),
        (make(0.8), (*OFFER_RULES, ASKED)),
        (HALF, (*OFFER_RULES, ASKED)),
        (ONLY, (ASKED,)),
        (make(asked=0, offers=0), OFFER_RULES),
    ],
)
def test_direct_answers_lead_where_nine_moments_in_ten_have_one(task, rules):
    assert task.need_rules == rules
    assert task.part(task.traces[:1]).need_rules == rules
    kept = task.model_copy(update={"traces": make(asked=0).traces})
    assert kept.need_rules == OFFER_RULES


def test_a_moment_without_a_value_under_a_rule_is_unlabelled_for_it_alone():
    only = ONLY.traces[0].labels[1]
    assert [only.needs(rule) for rule in NeedRule] == [None, None, True]
    assert HALF.traces[0].labels[9].needs(ASKED) is None
    assert [HALF.lacking(rule) for rule in NeedRule] == [0, 0, 30]
    assert [ONLY.lacking(rule) for rule in NeedRule] == [60, 60, 0]
    assert ONLY.labelled
    assert MOST.labelled
    assert not make(0.8, offers=0).labelled


def test_need_that_nobody_stated_is_never_made_up():
    assert MomentLabels(asked=(True,)).need is None
    with pytest.raises(ValidationError, match="neither"):
        MomentLabels()
    with pytest.raises(ValidationError, match="without `need`"):
        MomentLabels(asked=(True,), tasks=(TaskVotes(task="x", votes=(True,)),))
    again = Trace.model_validate_json(ONLY.traces[0].model_dump_json())
    assert again == ONLY.traces[0]


@pytest.mark.parametrize(
    ("task", "spec"),
    [
        (FULL, "silence=labels:asked,proposals=labels+lexical"),
        (MOST, "silence=labels:asked+lexical,proposals=labels+lexical"),
        (HALF, "silence=labels,proposals=labels+lexical"),
        (ONLY, "silence=labels:asked,proposals=labels+lexical"),
        (make(asked=0), "silence=labels,proposals=labels+lexical"),
        (make(0.5, offers=0), "lexical"),
    ],
)
def test_the_default_source_of_silence_is_the_rule_that_leads(task, spec):
    assert default_spec(task) == spec
    create_judge(None, task=task)


def test_labels_asked_alone_is_refused_where_answers_are_missing():
    create_judge("silence=labels:asked,proposals=lexical", task=FULL)
    for task, word, why in ((HALF, "labels:asked", "30 of 60 moments of asked have no direct answer on need"),
                            (ONLY, "labels", "60 of 60 moments of asked have no votes on offers")):  # fmt: skip
        with pytest.raises(Exception, match=why):
            create_judge(f"silence={word},proposals=lexical", task=task)


ROWS = {f"t{g}": "".join("Aa"[(g + i) % 2] for i in range(10)) for g in range(6)}
OFFERED = {name: ("".join("01"[letter == "A"] for letter in row),) for name, row in ROWS.items()}


def report_on(rows, *, task, judge=JUDGE):
    replies, verdicts = make_run(task, rows)
    verdicts = [v.model_copy(update={"judge": judge.silence}) if v.candidate < 0 else v for v in verdicts]
    return build_report(task, make_manifest(task, judge), replies, {judge.id: verdicts})


def asked_judge(rule=ASKED):
    judge = make_judge(silence="labels")
    members = [m.model_copy(update={"rule": rule}) if m.people and m.stratum == "silence" else m for m in judge.members]
    return judge.model_copy(update={"members": tuple(members), "silence": f"labels:{rule}"})


def by_hand(task, rule):
    """Balanced accuracy of the offers of ROWS against need by a rule, where people said."""
    hits, needs, right, free = 0, 0, 0, 0
    for trace in task.traces:
        for letter, found in zip(ROWS[trace.trace_id], trace.labels, strict=True):
            need = found.needs(rule) if found else None
            needs, hits = needs + (need is True), hits + (need is True and letter == "A")
            free, right = free + (need is False), right + (need is False and letter == "a")
    return (hits / needs + right / free) / 2


def test_the_report_reads_every_metric_by_each_rule_and_leads_with_the_answers():
    one = report_on(ROWS, task=FULL, judge=asked_judge()).judges[0]
    metrics = one.overall.metrics
    assert (one.rule, one.beside) == (ASKED, ("unanimous", "majority"))
    assert metrics[KEY].value == pytest.approx(by_hand(FULL, ASKED))
    for rule in OFFER_RULES:
        assert metrics[f"{KEY}_{rule}"].value == pytest.approx(by_hand(FULL, rule))
        assert f"f1_{rule}" in metrics
    assert f"{KEY}_asked" not in metrics
    assert list(one.overall.chance) == ["asked", "unanimous", "majority"]
    assert Report.model_validate_json(report_on(ROWS, task=FULL).model_dump_json()).judges[0].beside == one.beside


def test_a_judge_of_silence_changes_nothing_of_when_it_spoke():
    one, other = (report_on(ROWS, task=FULL, judge=judge).judges[0] for judge in (JUDGE, asked_judge()))
    assert one.rule is ASKED
    assert one.overall.metrics[KEY] == other.overall.metrics[KEY]
    assert one.overall.chance == other.overall.chance


def test_below_nine_in_ten_the_answers_stand_beside_with_a_suffix_of_their_own():
    one = report_on(ROWS, task=HALF, judge=make_judge(silence="labels")).judges[0]
    metrics = one.overall.metrics
    assert (one.rule, one.beside) == (UNANIMOUS, ("majority", "asked"))
    assert metrics[KEY].value == pytest.approx(by_hand(HALF, UNANIMOUS))
    assert metrics[f"{KEY}_asked"].value == pytest.approx(by_hand(HALF, ASKED))
    assert list(one.overall.chance) == ["unanimous", "majority"]
    assert metric_for(f"{KEY}_asked").title.endswith("by direct answers")


def test_no_figure_mixes_two_rules():
    """Silences where nobody was asked are not decided by votes on offers in a figure of the rule `asked`."""
    one = report_on(ROWS, task=HALF, judge=make_judge(silence="labels")).judges[0]
    table = one.tables["asked"]
    silent = {name: row[:5].count("a") for name, row in ROWS.items()}
    at = {column: place for place, column in enumerate(table.columns)}
    for name, row in table.rows.items():
        assert row[at["tn"]] + row[at["fn"]] == silent[name]
        assert row[at["unasked_silences"]] == ROWS[name].count("a") - silent[name]


def test_data_without_direct_answers_have_no_trace_of_the_rule():
    one = report_on(ROWS, task=make(asked=0))
    assert "asked" not in json.loads(one.model_dump_json())["judges"][0]["tables"]
    assert "need_rules" not in json.loads(one.model_dump_json())["judges"][0]
    assert not any(key.endswith("_asked") for key in one.judges[0].overall.metrics)
    assert not any("asked" in column for column, _, _ in columns(("coding",)))


def test_chance_leaves_out_moments_where_nobody_was_asked():
    offers = [np.array([True, False, True, False, True])]
    known = beats_chance([offers[0][[0, 1, 2, 4]]], [np.array([False, True, True, False])])
    assert beats_chance(offers, [np.array([0, 1, 1, -1, 0], dtype=np.int8)]) == known


def printed(one):
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_report(one, console, anchors=())
    return console.file.getvalue()


def test_surfaces_lead_with_the_answers_and_show_each_rule_once():
    one = report_on(ROWS, task=FULL, judge=asked_judge())
    text = printed(one)
    assert text.index("what they said when asked") < text.index("by the unanimous rule")
    assert "by the asked rule" not in text.replace("p = ", "p=").split("placed at random")[0]
    only = printed(report_on(ROWS, task=ONLY))
    assert "unanimous" not in only
    assert "majority" not in only
    found = compare([one, report_on(ROWS, task=FULL, judge=asked_judge())], KEY)
    assert (found.rule, list(found.rules)) == ("asked", ["unanimous", "majority"])


def test_lm_eval_has_a_column_for_each_rule_beside_the_leading_one():
    one = report_on(ROWS, task=FULL, judge=asked_judge()).judges[0]
    found = {column: cell(one, column, key, split) for column, key, split in columns((), FULL.need_rules)}
    assert found[f"pb_{KEY}"].value == pytest.approx(by_hand(FULL, ASKED))
    assert found[f"pb_{KEY}_unanimous"].value == pytest.approx(by_hand(FULL, UNANIMOUS))
    assert found["pb_chance_p"].value == one.overall.chance["asked"]
    assert found["pb_chance_p_majority"].value == one.overall.chance["majority"]
    assert higher_is_better((), FULL.need_rules)["pb_chance_p_unanimous"] is False
    half = [column for column, _, _ in columns((), HALF.need_rules)]
    assert f"pb_{KEY}_asked" in half
    assert f"pb_{KEY}_unanimous" not in half


@pytest.mark.parametrize("task", [FULL, MOST, HALF, ONLY])
def test_anchors_have_every_rule_and_the_oracle_of_each_is_perfect_under_its_own(task):
    anchors = {anchor.name: anchor for anchor in anchors_of(task, 0.5)}
    keys = [KEY + (f"_{rule}" if place else "") for place, rule in enumerate(task.need_rules)]
    assert [anchors["need-oracle"].metrics[key].value for key in keys] == [1.0] * len(keys)
    assert set(keys) <= set(anchors["one human"].metrics)
    assert [anchors["always"].metrics[key].value for key in keys] == [0.5] * len(keys)


@pytest.mark.parametrize("task", [FULL, MOST, HALF, ONLY])
def test_a_board_ranks_pairs_and_tells_moments_by_the_leading_rule(task):
    timing = timed(task, OFFERED)
    silent = timed(task, dict.fromkeys(ROWS, ("0" * 10,)))
    one = report_on(ROWS, task=task)
    tables = pair_tables([Candidate("a", "a", one, timing), Candidate("b", "b", one, silent)], {task.data_hash: task})
    suffixes = ["", *(f"_{rule}" for rule in task.need_rules[1:])]
    assert [tests.key for tests in tables[0].tests] == [KEY + suffix for suffix in suffixes]
    identity = task_identity(task, "asked.jsonl")
    (moments,) = difficulty_tables({task.data_hash: [Spoke("a", "a", timing)]}, {task.data_hash: (identity, task)})
    assert moments.rules == task.need_rules
    flat = next(flat_moments(moments))
    assert [name for name in flat if name.startswith("need_")] == [f"need_{rule}" for rule in task.need_rules]
    met = {rule: moments.met(rule)[0] for rule in task.need_rules}
    labels = [found for trace in task.traces for found in trace.labels if found]
    assert met == {rule: sum(found.needs(rule) is True for found in labels) for rule in task.need_rules}


def test_when_to_speak_is_told_where_nine_in_ten_were_asked():
    assert timing_of(MOST, ()) is None  # nothing answered
    assert timed(MOST, OFFERED).metrics[KEY].value == pytest.approx(by_hand(MOST, ASKED))
    assert list(timed(MOST, OFFERED).chance) == [ASKED, *OFFER_RULES]


def test_the_need_oracle_offers_by_the_answers_where_it_is_told_to(tmp_path, capsys):
    file = tmp_path / "only.jsonl"
    file.write_text("".join(trace.model_dump_json() + "\n" for trace in ONLY.traces))
    run = ["run", "--model", "need-oracle", "--tasks", str(file), "--output_path"]
    for folder, more, code in (("a", ("--model_args", "rule=asked", "--json"), 0), ("b", (), 2)):
        with pytest.raises(SystemExit) as ended:
            main([*run, str(tmp_path / folder), *more])
        assert ended.value.code == code
        said = capsys.readouterr()
        if code == 0:
            (judged,) = json.loads(said.out)["judges"]
            assert judged["overall"]["metrics"][KEY]["value"] == 1
            assert judged["judge"]["silence"] == "labels:asked"
    assert "rule=asked" in said.err


@pytest.mark.parametrize(
    ("task", "heads"),
    [
        (FULL, ["By all", "By majority", "Chance p", "Chance p, by all", "Chance p, by majority"]),
        (HALF, ["By majority", "By asking", "Chance p", "Chance p, by majority"]),
        (ONLY, ["Chance p"]),
    ],
)
def test_the_boards_table_has_a_column_for_each_rule_and_no_empty_one(task, heads, monkeypatch):
    monkeypatch.setattr(when, "load_task", lambda _: task)
    entry = SimpleNamespace(
        key="a/x", report=report_on(ROWS, task=task), timing=timed(task, OFFERED, 1.0), facts=Facts(), sealed=False,
        declared=SimpleNamespace(model="x", organisation="a"),
    )  # fmt: skip
    monkeypatch.setattr(Known, "reproduced", lambda *_: True)
    (table,) = when.when_tables([entry], [], Known(), {"a/x": ()})
    html = str(_environment().get_template("when.html.j2").module.when_table(table, "id"))
    shown = [re.sub("<[^>]+>", "", head).strip() for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html, re.S)]
    assert [head for head in shown if head.startswith(("By ", "Chance"))] == heads
    rows = re.findall(r"<tr class.*?</tr>", html, re.S)
    assert {len(re.findall("<t[dh]", row)) for row in rows} == {len(shown)}
    line = next(line for line in table.lines if line.name == "x")
    assert line.sorted_by() == pytest.approx(by_hand(task, task.need_rules[0]))
    assert f"by the {task.need_rules[0]} rule" in table.finding
