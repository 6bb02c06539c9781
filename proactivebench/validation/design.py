"""What measuring a judge on these labels amounts to: by what it records, or what is said, of its training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proactivebench.judging.base import Judge
from proactivebench.judging.measurement import fallible_members
from proactivebench.judging.spec import STRATA
from proactivebench.judging.training_data import RELEASE, said_of
from proactivebench.records import Design, JudgeIdentity, Trace
from proactivebench.traces import which_release_trace
from proactivebench.validation.leaks import read_training
from proactivebench.validation.people import LabelSet

_WORST: tuple[Design, ...] = ("leaked", "unknown", "leave-one-trace-out", "direct")
_FILES = (".jsonl", ".json", ".gz")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a judge stands to labels: the design of a measurement on the sessions that it was not trained on, and the
    names of those it was (all of them where it is `leaked`)."""

    design: Design
    seen: frozenset[str] = frozenset()


def standing(judge: Judge, labels: LabelSet) -> Standing:
    """How one judge that can be wrong stands to `labels`. It knows by itself what its weights were trained on, or its
    card says; sessions that its declared training data share are leaked, and where nobody says anything all is unknown.

    Raises `DataError` where declared training data cannot be read.
    """
    traces = labels.traces
    own = judge.design(tuple(traces.values()))
    if own is not None:
        return Standing(own)
    card = judge.identity.card
    told = said_of(card)
    if told is None:
        return Standing("unknown")
    seen = frozenset(name for word in told for name in _seen(word, traces, labels))
    if seen == traces.keys():
        return Standing("leaked", seen)
    left_out = card.get("validation") == "leave-one-trace-out" and labels.data is None
    return Standing("leave-one-trace-out" if left_out else "direct", seen)


def design_by_card(identity: JudgeIdentity) -> Design:
    """What measuring a judge on the release's labels amounts to by the words of its cards alone: for judges of others,
    whose words lead to no file. Names of training data that are not the release's are taken for what they say."""
    cards = [card for stratum in STRATA for _, card in fallible_members(identity, stratum)]
    told = [said_of(card) for card in cards]
    if any(words and RELEASE in words for words in told):
        return "leaked"
    if any(words is None for words in told):
        return "unknown"
    return "leave-one-trace-out" if any(c.get("validation") == "leave-one-trace-out" for c in cards) else "direct"


def whole_standing(judge: Judge, labels: LabelSet) -> Standing:
    """How a composition stands to `labels`: as the member that knows most of them."""
    deciders = {decider.identity.id: decider for stratum in STRATA for decider in judge.deciders(stratum)}
    found = [standing(decider, labels) for decider in deciders.values()] or [standing(judge, labels)]
    seen = frozenset(name for one in found for name in one.seen)
    designs = {one.design for one in found} | ({"leaked"} if seen == labels.traces.keys() else set())
    return Standing(next(design for design in _WORST if design in designs), seen)


def _seen(word: str, traces: dict[str, Trace], labels: LabelSet) -> Iterable[str]:
    """The sessions that training data named `word` share with these."""
    if word == RELEASE:
        return traces if labels.data is None else (n for n, trace in traces.items() if which_release_trace(trace))
    if labels.data is not None and word in (labels.data.name, labels.data.revision, labels.hash):
        return traces
    if not (word.endswith(_FILES) or word.startswith("hf:")):
        return ()  # a name alone, and not of these
    moments = {row.events for row in read_training(word)}
    return (
        name
        for name, trace in traces.items()
        if any(tuple(event.event for event in trace.events[:length]) in moments for length in _lengths(trace))
    )


def _lengths(trace: Trace) -> range:
    return range(1, len(trace.events) + 1)
