"""The agents that put every score in its place."""

import pytest

from proactivebench.agents import baseline
from proactivebench.agents.baselines import GENERIC_OFFER, BaselineAgent
from proactivebench.errors import UsageError
from proactivebench.judging.lexical.need import hears_need
from proactivebench.protocols import load_protocol
from proactivebench.records import Moment, Task
from proactivebench.traces import load_task
from tests.agents.moments import answers, labels, request, task_of, trace_of, votes

PROTOCOL = load_protocol("standard")
VOTED = trace_of(
    "voted",
    "opens a file",
    "reads",
    "saves",
    given=(
        labels(votes("one of two", True, False), votes("two of three", True, True, False)),
        labels(votes("no", False, False), votes("half", True, False)),
        labels(),
    ),
)


def offers(name: str, task: Task, seed: int = 0, repeat: int = 0, **args: str) -> list[tuple[str, ...]]:
    agent = BaselineAgent(baseline(name), args, protocol=PROTOCOL, task=task)
    asked = [
        request(trace, turn, seed=seed, repeat=repeat) for trace in task.traces for turn in range(len(trace.events))
    ]
    return [PROTOCOL.parse(answer.text or "").proposals for answer in answers(agent, *asked)]


def test_never_is_silent_and_always_makes_one_offer() -> None:
    assert offers("never", task_of(VOTED)) == [(), (), ()]
    assert offers("always", task_of(VOTED)) == [(GENERIC_OFFER,)] * 3


def test_parrot_offers_the_last_event_back() -> None:
    assert offers("parrot", task_of(VOTED)) == [("opens a file",), ("reads",), ("saves",)]


def test_oracle_offers_the_best_voted_task_where_a_majority_accepts_it() -> None:
    assert offers("oracle", task_of(VOTED)) == [("two of three",), (), ()]


def test_best_candidate_offers_the_best_voted_task_wherever_there_is_one() -> None:
    assert offers("best-candidate", task_of(VOTED)) == [("two of three",), ("half",), ()]


def test_skip_first_is_silent_at_first_events_alone() -> None:
    assert offers("skip-first", task_of(VOTED)) == [(), (GENERIC_OFFER,), (GENERIC_OFFER,)]


def test_need_oracle_offers_where_help_was_needed_by_the_rule_it_is_given() -> None:
    most = labels(votes("x", True, True, False)).model_copy(update={"need_majority": True})
    first = labels(votes("x", True, True)).model_copy(update={"need_majority": True})
    needed = trace_of(
        "t", "a", "b", "c",
        given=(first, most, labels(votes("x", False, False))),
    )  # fmt: skip
    assert [bool(made) for made in offers("need-oracle", task_of(needed))] == [True, False, False]
    assert [bool(made) for made in offers("need-oracle", task_of(needed), rule="majority")] == [True, True, False]
    with pytest.raises(UsageError, match="unanimous or majority"):
        offers("need-oracle", task_of(needed), rule="all")
    with pytest.raises(UsageError, match="2 of 2 moments"):
        offers("need-oracle", task_of(trace_of("bare", "a", "b")))


def test_lexical_need_offers_where_the_lexical_judge_hears_a_need() -> None:
    sample = load_task("proactivebench_sample")
    heard = [hears_need(Moment(trace, turn)) for trace in sample.traces for turn in range(len(trace.events))]
    assert [made == (GENERIC_OFFER,) for made in offers("lexical-need", sample)] == heard
    assert 0 < sum(heard) < len(heard)


def test_a_baseline_of_another_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="endpoint: no such baseline; there are never, always"):
        baseline("endpoint")


def test_ties_go_to_more_votes_and_then_to_the_earlier_task() -> None:
    tied = labels(votes("two", True, True), votes("three", True, True, True), votes("again", True, True, True))
    assert offers("oracle", task_of(trace_of("t", "e", given=(tied,)))) == [("three",)]


@pytest.mark.parametrize("name", ["oracle", "best-candidate"])
def test_agents_that_need_votes_refuse_moments_without_labels_with_the_count(name: str) -> None:
    task = task_of(VOTED, trace_of("bare", "a", "b"), trace_of("half", "a", "b", given=(labels(), None)))
    with pytest.raises(UsageError, match="3 of 7 moments"):
        BaselineAgent(baseline(name), {}, protocol=PROTOCOL, task=task)
    with pytest.raises(UsageError, match="none of the 1 moments"):
        BaselineAgent(baseline(name), {}, protocol=PROTOCOL, task=task_of(trace_of("t", "e", given=(labels(),))))


LONG = task_of(*(trace_of(f"t{number}", *"abcdefghij") for number in range(100)))


def test_random_offers_at_the_rate_asked_for() -> None:
    for p in (0.0, 0.2, 0.5, 1.0):
        share = sum(map(len, offers("random", LONG, p=str(p)))) / LONG.moments
        assert abs(share - p) <= 4 * (p * (1 - p) / LONG.moments) ** 0.5


def test_random_depends_on_seed_repeat_and_moment_but_not_on_the_order_asked() -> None:
    agent = BaselineAgent(baseline("random"), {}, protocol=PROTOCOL, task=LONG)
    asked = [request(trace, turn) for trace in LONG.traces for turn in range(10)]
    forward, backward = answers(agent, *asked), answers(agent, *reversed(asked))
    assert forward == backward[::-1]
    drawn = [tuple(offers("random", LONG, seed=seed, repeat=repeat)) for seed, repeat in ((0, 0), (1, 0), (0, 1))]
    assert len(set(drawn)) == 3
    one, other = drawn[0], drawn[1]
    assert 0.4 < sum(a == b for a, b in zip(one, other, strict=True)) / LONG.moments < 0.6


def test_repeats_under_neighbouring_seeds_are_independent() -> None:
    assert offers("random", LONG, seed=1, repeat=0) != offers("random", LONG, seed=0, repeat=1)


@pytest.mark.parametrize("p", ["-0.1", "1.5", "nan", "half", ""])
def test_a_rate_that_is_no_share_is_refused(p: str) -> None:
    with pytest.raises(UsageError, match="p="):
        BaselineAgent(baseline("random"), {"p": p}, protocol=PROTOCOL, task=LONG)


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="never: takes no argument p"):
        BaselineAgent(baseline("never"), {"p": "1"}, protocol=PROTOCOL, task=LONG)
    with pytest.raises(UsageError, match="rate; it has p"):
        BaselineAgent(baseline("random"), {"rate": "1"}, protocol=PROTOCOL, task=LONG)


def test_the_same_rate_written_two_ways_is_the_same_agent() -> None:
    one, other = (
        BaselineAgent(baseline("random"), {"p": p}, protocol=PROTOCOL, task=LONG).identity for p in ("0.5", "0.50")
    )
    assert one == other == BaselineAgent(baseline("random"), {}, protocol=PROTOCOL, task=LONG).identity


def test_baselines_speak_a_protocol_of_several_candidates() -> None:
    protocol = load_protocol("standard", candidates=3)
    agent = BaselineAgent(baseline("always"), {}, protocol=protocol, task=LONG)
    assert protocol.parse(answers(agent, request(LONG.traces[0], 0))[0].text or "").proposals == (GENERIC_OFFER,)
