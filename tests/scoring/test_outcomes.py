"""What a moment counts as."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.errors import DataError
from proactivebench.records import (
    Moment,
    MomentLabels,
    Note,
    Reply,
    ReplyStatus,
    Session,
    Usage,
    Verdict,
    VerdictStatus,
    question_hash,
)
from proactivebench.scoring import build_report
from proactivebench.scoring.efficiency import Prices
from proactivebench.scoring.questions import contexts, question
from proactivebench.scoring.similarity import jaccard, tokens
from tests.scoring.runs import (
    JUDGE,
    LABELS,
    letters,
    make_judge,
    make_manifest,
    make_run,
    make_task,
    make_verdict,
    report_on,
)

A, R, U = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED, VerdictStatus.UNSCORED


def decide(task, reply, *statuses, judge_repeat=0, judge="fair"):
    moment = Moment(task.traces[0], reply.turn)
    return [
        Verdict(
            trace_id=reply.trace_id, turn=reply.turn, repeat=reply.repeat, round=reply.round,
            candidate=place if reply.proposals else -1, judge_repeat=judge_repeat, status=status, judge=judge,
            question=question_hash(moment, reply.proposals[place] if reply.proposals else None),
        )
        for place, status in enumerate(statuses)
    ]  # fmt: skip


def several(k, rounds=0, **sessions):
    task = make_task({"t": 4})
    manifest = make_manifest(task)
    protocol = manifest.protocol.model_copy(update={"candidates": k, "feedback_rounds": rounds})
    return task, manifest.model_copy(update={"protocol": protocol, **sessions})


def offer(turn, *texts, **fields):
    return Reply(trace_id="t", turn=turn, status=ReplyStatus.PROPOSED, proposals=texts, **fields)


def test_candidates_combine_as_on_the_page():
    task, manifest = several(3)
    replies = [offer(0, "a", "b", "c"), offer(1, "a", "b"), offer(2, "a", "b"), offer(3, "a", "b")]
    statuses = [(R, A, R), (A, U), (R, U), (R, R)]
    verdicts = [v for reply, given in zip(replies, statuses, strict=True) for v in decide(task, reply, *given)]
    judged = build_report(task, manifest, replies, {JUDGE.id: verdicts}).judges[0]
    table = judged.overall.confusion
    assert (table.tp, table.unscored, table.fp) == (2, 1, 1)
    assert judged.outcomes["t"] == ("AAUR",)
    metrics = judged.overall.metrics
    assert metrics["candidate_precision"].value == pytest.approx(2 / 7)
    assert metrics["precision_pred1"].value == pytest.approx(1 / 4)
    assert metrics["precision_pred2"].value == pytest.approx(2 / 3)
    assert "precision_pred3" not in metrics


def test_the_last_round_counts_and_the_first_is_reported():
    task, manifest = several(1, rounds=2)
    first, second = offer(0, "poor"), offer(0, "better", round=1)
    replies = [
        first,
        second,
        offer(1, "fine"),
        offer(2, "poor"),
        Reply(trace_id="t", turn=3, status=ReplyStatus.SILENT),
    ]
    given = [(R,), (A,), (A,), (R,), (A,)]
    verdicts = [v for reply, statuses in zip(replies, given, strict=True) for v in decide(task, reply, *statuses)]
    metrics = build_report(task, manifest, replies, {JUDGE.id: verdicts}).judges[0].overall.metrics
    assert metrics["precision"].value == pytest.approx(2 / 3)
    assert metrics["precision_round0"].value == pytest.approx(1 / 3)


def test_the_judge_that_advises_and_scores_is_named_in_a_warning():
    task, manifest = several(1, rounds=1)
    protocol = manifest.protocol.model_copy(update={"feedback_judge": JUDGE.id})
    report = build_report(task, manifest.model_copy(update={"protocol": protocol}), [offer(0, "a")], {JUDGE.id: []})
    assert any("advised" in warning for warning in report.judges[0].warnings)


def test_judge_repeats_pool_with_equal_weight_and_the_jth_verdicts_go_together():
    task, manifest = several(2)
    reply = offer(0, "a", "b")
    verdicts = decide(task, reply, A, R) + decide(task, reply, R, R, judge_repeat=1)
    judged = build_report(task, manifest, [reply], {JUDGE.id: verdicts}).judges[0]
    assert (judged.overall.confusion.tp, judged.overall.confusion.fp) == (0.5, 0.5)
    assert judged.judge_repeats == 2


def test_a_label_verdict_holds_for_every_judge_repeat():
    task, manifest = several(1)
    voted, judged_by_model = offer(0, "a"), offer(1, "b")
    verdicts = decide(task, voted, A, judge="labels") + decide(task, judged_by_model, R)
    verdicts += decide(task, judged_by_model, A, judge_repeat=1)
    judge = make_judge(proposals="labels+fair")
    manifest = manifest.model_copy(update={"judges": {judge.id: judge}})
    table = build_report(task, manifest, [voted, judged_by_model], {judge.id: verdicts}).judges[0].overall.confusion
    assert (table.tp, table.fp, table.unscored) == (1.5, 0.5, 0)


def test_a_later_reply_and_a_later_verdict_replace_earlier_ones():
    task = make_task({"t": 1})
    first, later = offer(0, "old"), offer(0, "new")
    verdicts = decide(task, first, R) + decide(task, later, R) + decide(task, later, A)
    judged = build_report(task, make_manifest(task), [first, later], {JUDGE.id: verdicts}).judges[0]
    assert judged.overall.confusion.tp == 1
    assert judged.valid


def test_silences_without_a_source_are_not_asked():
    judge = make_judge(silence=None)
    metrics = report_on({"t": "AARaar"}, judge=judge).judges[0].overall.metrics
    assert metrics["precision"].value == pytest.approx(2 / 3)
    assert (metrics["f1"].value, metrics["f1"].reason) == (None, "no silence verdicts")
    assert metrics["need_detection_f1"].reason == "no need labels"


def test_both_need_rules_are_reported_and_a_label_source_needs_no_verdicts():
    task = make_task({"t": 4})
    given = [(False, True), (False, True), (True, True), (False, False)]
    trace = task.traces[0].model_copy(
        update={"labels": tuple(MomentLabels(need=one, need_majority=two) for one, two in given)}
    )
    task = task.model_copy(update={"traces": (trace,)})
    replies, verdicts = make_run(task, {"t": "aaaA"})
    judged = build_report(task, make_manifest(task, LABELS), replies, {LABELS.id: verdicts[3:]}).judges[0]
    assert judged.overall.metrics["accuracy"].value == pytest.approx(3 / 4)
    assert judged.overall.metrics["accuracy_majority"].value == pytest.approx(1 / 4)
    assert judged.outcomes["t"] == ("aarA",)
    assert judged.unscored_share == 0


def test_too_many_unscored_verdicts_make_a_run_invalid():
    assert report_on({"t": letters(48, 0, 50, 0) + "UU"}).judges[0].valid
    judged = report_on({"t": letters(48, 0, 49, 0) + "UUu"}).judges[0]
    assert not judged.valid
    assert judged.unscored_share == pytest.approx(0.03)


def test_streaks_repeats_and_alarms_per_hour():
    task = make_task({"t": 8})
    texts = [
        "Run the tests",
        "run the TESTS!",
        None,
        "Write a summary",
        "Book a flight",
        "book a flight now",
        None,
        "x",
    ]
    replies = [
        offer(turn, text) if text else Reply(trace_id="t", turn=turn, status=ReplyStatus.SILENT)
        for turn, text in enumerate(texts)
    ]
    verdicts = [make_verdict(task, reply, "R") for reply in replies]
    metrics = build_report(task, make_manifest(task), replies, {JUDGE.id: verdicts}).judges[0].overall.metrics
    assert metrics["longest_streak"].value == 3
    assert metrics["repeat_rate"].value == pytest.approx(2 / 5)
    assert metrics["false_alarms_per_hour"].value == pytest.approx(6 / (7 / 60))
    assert metrics["utility_2_0"].value == pytest.approx(-2 * 6 / 8)


def test_break_even_costs_of_the_page():
    rows = {"t0": letters(2, 1, 2, 0), "t1": letters(1, 2, 1, 1), "t2": letters(2, 1, 1, 1), "t3": letters(1, 1, 2, 1)}
    always_rows = {
        name: "A" * accepted + "R" * (5 - accepted) for name, accepted in zip(rows, (3, 2, 2, 2), strict=True)
    }
    left, needs = 3, {}
    for name, row in rows.items():  # need at the three rejected silences and at five offers
        needs[name] = [letter == "r" for letter in row]
    left = 5
    for name, row in rows.items():
        for turn, letter in enumerate(row):
            if letter in "AR" and left:
                needs[name][turn], left = True, left - 1
    task = make_task(dict.fromkeys(rows, 5), needs=needs)
    reports = {}
    for kind, letters_of in (("always", always_rows), ("agent", rows)):
        replies, verdicts = make_run(task, letters_of)
        anchors = {"always": reports["always"]} if kind == "agent" else {}
        manifest = make_manifest(task, LABELS)
        reports[kind] = build_report(task, manifest, replies, {LABELS.id: verdicts}, anchors=anchors)
    metrics = reports["agent"].judges[0].overall.metrics
    assert metrics["utility_1_0.5"].value == pytest.approx(-0.025)
    assert metrics["break_even_never_0.5"].value == pytest.approx(1.7)
    assert metrics["break_even_always_0.5"].value == pytest.approx(0.75)


def test_cost_tokens_and_waiting_cover_all_rounds():
    task, manifest = several(1, rounds=1)
    usage = Usage(prompt_tokens=1000, completion_tokens=100, cached_tokens=500)
    replies = [
        offer(0, "a", usage=usage, latency_s=1.0),
        offer(0, "b", usage=usage, latency_s=3.0, round=1),
        offer(1, "c", usage=usage, latency_s=2.0),
    ]
    verdicts = decide(task, replies[0], R) + decide(task, replies[1], A) + decide(task, replies[2], R)
    prices = Prices(prompt=2.0, completion=10.0, cached=0.2)
    report = build_report(task, manifest, replies, {JUDGE.id: verdicts}, prices=prices)
    metrics = report.judges[0].overall.metrics
    assert metrics["accepted_per_1k_tokens"].value == pytest.approx(1000 / 3300)
    assert metrics["cost_per_accepted"].value == pytest.approx(3 * (500 * 2 + 500 * 0.2 + 100 * 10) / 1e6)
    assert metrics["latency_p50"].value == pytest.approx(3.0)
    assert metrics["latency_p95"].value == pytest.approx(np.quantile([2.0, 4.0], 0.95))
    unpriced = build_report(task, manifest, replies, {JUDGE.id: verdicts}).judges[0].overall.metrics
    assert unpriced["cost_per_accepted"].reason == "no prices given"
    unsaid = build_report(task, manifest, [offer(0, "a")], {JUDGE.id: []}).judges[0].overall.metrics
    assert unsaid["accepted_per_1k_tokens"].reason == "no usage"


def test_stated_confidence_is_scored_on_offers():
    task, manifest = several(1)
    replies = [offer(0, "a", confidence=0.9), offer(1, "b", confidence=0.4), offer(2, "c")]
    verdicts = [v for reply, s in zip(replies, (A, R, R), strict=True) for v in decide(task, reply, s)]
    metrics = build_report(task, manifest, replies, {JUDGE.id: verdicts}).judges[0].overall.metrics
    assert metrics["confidence_brier"].value == pytest.approx((0.1**2 + 0.4**2) / 2)
    assert metrics["confidence_ece"].value == pytest.approx((0.1 + 0.4) / 2)


def test_null_strings_and_every_status_are_counted():
    task = make_task({"t": 3})
    replies = [
        Reply(trace_id="t", turn=0, status=ReplyStatus.SILENT, notes=(Note.NULL_STRING,)),
        Reply(trace_id="t", turn=1, status=ReplyStatus.TRUNCATED),
        Reply(trace_id="t", turn=2, status=ReplyStatus.REFUSED),
    ]
    overall = build_report(task, make_manifest(task), replies, {}).judges[0].overall
    assert overall.notes == {"null_string": 1}
    assert {name: count for name, count in overall.statuses.items() if count} == {
        "silent": 1, "truncated": 1, "refused": 1,
    }  # fmt: skip
    assert overall.metrics["clean_rate"].value == pytest.approx(1 / 3)


def test_the_first_traces_are_expected_under_a_limit():
    task = make_task({"a": 2, "b": 3})
    sessions = (Session(started="2026-01-01T00:00:00Z", versions={}, limit=1, repeats=2),)
    manifest = make_manifest(task).model_copy(update={"sessions": sessions})
    replies, verdicts = make_run(task, {"a": ["AR", "AA"]})
    report = build_report(task, manifest, replies, {JUDGE.id: verdicts})
    assert report.complete
    assert (report.moments_expected, report.repeats) == (4, 2)


@given(st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_a_question_hashed_on_the_way_is_the_question_hashed_whole(first, second, proposal):
    task = make_task({"t": 2})
    events = tuple(
        event.model_copy(update={"event": text})
        for event, text in zip(task.traces[0].events, (first, second), strict=True)
    )
    trace = task.traces[0].model_copy(update={"events": events})
    for turn, context in enumerate(contexts(trace)):
        assert f"{question(context, proposal):016x}" == question_hash(Moment(trace, turn), proposal)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run the Tests!", {"run", "the", "tests"}),
        ("ｆｕｌｌ width", {"full", "width"}),
        ("写总结 now", {"写", "总", "结", "now"}),
        ("snake_case v2.0", {"snake", "case", "v2", "0"}),
        ("Straße", {"strasse"}),
        ("…", set()),
    ],
)
def test_tokens_are_runs_of_letters_and_digits_and_single_cjk_characters(text, expected):
    assert tokens(text) == expected


def test_two_empty_offers_are_the_same():
    assert jaccard(frozenset(), frozenset()) == 1
    assert jaccard(frozenset("ab"), frozenset()) == 0


def test_a_run_without_any_reply_has_a_report_that_says_so():
    task = make_task({"t": 3, "s": 2}, needs={"t": [True] * 3, "s": [False] * 2})
    report = build_report(task, make_manifest(task, LABELS), [], {LABELS.id: []})
    assert not report.complete
    assert report.judges[0].outcomes == {"t": ("...",), "s": ("..",)}
    for found in report.judges[0].overall.metrics.values():
        assert found.value is None
        assert found.reason


def test_a_task_without_traces_is_refused():
    task = make_task({"t": 1}).model_copy(update={"traces": ()})
    with pytest.raises(DataError, match="no traces"):
        build_report(task, make_manifest(task), [], {})


def test_verdicts_of_nonsense_are_refused_or_ignored():
    task = make_task({"t": 1})
    reply = offer(0, "a")
    good = decide(task, reply, A)[0]
    for change in ({"turn": 7}, {"trace_id": "nobody"}, {"question": "not a hash"}, {"candidate": 5}, {"round": 3}):
        judged = build_report(task, make_manifest(task), [reply], {JUDGE.id: [good.model_copy(update=change)]}).judges[
            0
        ]
        assert judged.overall.confusion.unscored == 1
    with pytest.raises(DataError, match="judge again"):
        build_report(task, make_manifest(task), [reply], {JUDGE.id: [good.model_copy(update={"judge_repeat": 10**9})]})
    with pytest.raises(DataError, match="judge again"):
        build_report(task, make_manifest(task), [reply], {JUDGE.id: [good.model_copy(update={"turn": 10**30})]})
