"""What the lexical baseline sees of a proposal or a silence: overlap with recent events, and what those events are.

Every feature is a number near 0–1, computed from text alone; `MOMENT_FEATURES` (both heads), `PROPOSAL_FEATURES` and
`SILENCE_FEATURES` (one head each) say what each one means. Nothing is learned here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from proactivebench.records import Event
from proactivebench.text import normalised

RECENT = 3  # events that count as recent
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_IDENTIFIER = re.compile(r"['\"`][^'\"`]+['\"`]|\b\w+\.\w{1,5}\b|\b[a-z]+_[a-z_]+\b|\b[a-z]+[A-Z]\w*\b")
_NAMING = re.compile(r"['\"`._]|[a-z][A-Z]")  # what every identifier has in it
_STOP = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been by can could do does for from has have her his i if in into is it its may more
        need of on or our out s so some than that the their them then there these they this to up use used user
        users using was we were what when where which while who will with within would you your""",
    )
)
_SUFFIX = re.compile(r"(?:ations?|ings?|edly|ers?|ed|es|s)$")

# What kind of event it is, told by words people use for it. Order matters nowhere: kinds may overlap. Compiled when the
# first event is looked at.
_KINDS: dict[str, str] = {
    "types": r"\b(?:typ(?:e|es|ed|ing)|writ\w+|enter\w*|input\w*|key ?press\w*|edit\w*|add(?:s|ed|ing)?)\b",
    "clicks": r"\b(?:(?:double-)?click\w*|mouse|scroll\w*|select\w*|hover\w*)\b",
    "switches": r"\b(?:switch\w*|open\w*|navigat\w*|return\w*|clos\w+|tab|window|launch\w*)\b",
    "searches": r"\b(?:search\w*|quer(?:y|ies)|google|brows\w+|look\w* (?:for|up))\b",
    "reads": r"\b(?:read\w*|view\w*|review\w*|scan\w*|watch\w*|examin\w*)\b",
    "trouble": r"\b(?:error\w*|fail\w*|exception\w*|bug\w*|debug\w*|traceback|undefined|crash\w*|issue\w*)\b",
    "runs": r"\b(?:run|runs|running|execut\w*|compil\w*|test\w*|terminal|install\w*|build\w*|commit\w*)\b",
    "code": r"\b(?:code|function|class|def|import|python|script|method|variable\w*|file|api)\b|[{}();=<>]",
    "copies": r"\b(?:cop(?:y|ies|ied)|past(?:e|es|ed|ing)|ctrl|save\w*|sav(?:e|es|ing))\b",
    "idles": r"\b(?:idle|no specific|inactiv\w*|paus\w*|away|active on|was active|not active)\b",
}

PROPOSAL_FEATURES: dict[str, str] = {
    "in_last": "share of the proposal's words that stand in the last event",
    "in_recent": f"share of the proposal's words that stand in the last {RECENT} events",
    "in_past": "share of the proposal's words that stand in any event so far",
    "last_in": "share of the last event's words that stand in the proposal",
    "jaccard_recent": f"Jaccard similarity of the proposal's words and those of the last {RECENT} events",
    "new_words": "number of the proposal's words in no event so far, logarithmic",
    "length": "number of words in the proposal, logarithmic",
    "identifiers": "share of the proposal's names (quoted, files, identifiers) that stand in an event so far",
    "has_identifier": "1 if the proposal names anything",
    "asks": "1 if the proposal is a question",
}
MOMENT_FEATURES: dict[str, str] = {
    "repeats_previous": "share of the last event's words that stood in the event before",
    "event_length": "number of words in the last event, logarithmic",
    "event_identifiers": "number of names in the last event, logarithmic",
    "cjk": "1 if the last event holds Chinese, Japanese or Korean",
    **{f"last_{kind}": f"1 if the last event {kind} (a list of words)" for kind in _KINDS},
    **{f"recent_{kind}": f"share of the last {RECENT} events that are of kind {kind}" for kind in _KINDS},
}
SILENCE_FEATURES: dict[str, str] = {
    "digits": "number of digits in the last event, logarithmic",
    "first": "1 at the first event of a trace",
}


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return _SUFFIX.sub("", word) if len(word) > 5 else word


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The content words of a text: folded, crudely stemmed, without stop words; each CJK character is a word."""
    folded = text.lower() if text.isascii() else _CJK.sub(r" \1 ", normalised(text).casefold())
    return frozenset(_stem(word) for word in _WORD.findall(folded) if word not in _STOP)


@lru_cache(maxsize=4096)
def _identifiers(text: str) -> frozenset[str]:
    if not _NAMING.search(text):  # most texts name nothing, and this is told much sooner
        return frozenset()
    return frozenset(match.strip("'\"`").casefold() for match in _IDENTIFIER.findall(text))


@lru_cache(maxsize=4096)
def _kinds(text: str) -> frozenset[str]:
    folded = text.casefold()
    return frozenset(kind for kind, pattern in _KINDS.items() if re.search(pattern, folded))


@dataclass(frozen=True)
class _Context:
    """What a moment's events say to every proposal made there: worked out once for all of them."""

    texts: tuple[str, ...]

    @cached_property
    def recent(self) -> frozenset[str]:
        """Words of the recent events."""
        return frozenset[str]().union(*map(words, self.texts[-RECENT:]))

    @cached_property
    def past(self) -> frozenset[str]:
        """Words of all events."""
        return frozenset[str]().union(*map(words, self.texts))

    @cached_property
    def folded(self) -> str:
        """All events as one text, case folded."""
        return " ".join(self.texts).casefold()

    @cached_property
    def features(self) -> list[float]:
        """In the order of `MOMENT_FEATURES`."""
        last = self.texts[-1]
        here = words(last)
        previous = words(self.texts[-2]) if len(self.texts) > 1 else frozenset[str]()
        recent = [_kinds(text) for text in self.texts[-RECENT:]]
        values = [
            _share(here, previous),
            _log(len(here)),
            _log(len(_identifiers(last))),
            float(bool(_CJK.search(last))),
        ]
        values += [float(kind in recent[-1]) for kind in _KINDS]
        values += [sum(kind in kinds for kinds in recent) / len(recent) for kind in _KINDS]
        return values


_context = lru_cache(maxsize=1024)(_Context)


def _context_of(events: Sequence[Event]) -> _Context:
    return _context(tuple([event.event for event in events]))


def silence_features(events: Sequence[Event]) -> list[float]:
    """The features of a silence, in the order of `SILENCE_FEATURES`, then those of its moment."""
    digits = sum(character.isdigit() for character in events[-1].event)
    return [_log(digits), float(len(events) == 1), *_context_of(events).features]


def proposal_features(events: Sequence[Event], proposal: str) -> list[float]:
    """The features of a proposal, in the order of `PROPOSAL_FEATURES`, then those of its moment."""
    context = _context_of(events)
    offered, last = words(proposal), words(events[-1].event)
    recent, past = context.recent, context.past
    names = _identifiers(proposal)
    size, known, near = len(offered), len(offered & past), len(offered & recent)
    values = [
        _share(offered, last),
        near / max(1, size),
        known / max(1, size),
        _share(last, offered),
        near / max(1, size + len(recent) - near),
        _log(size - known),
        _log(size),
        sum([name in context.folded for name in names]) / max(1, len(names)),
        float(bool(names)),
        float(proposal.rstrip().endswith(("?", "？"))),
    ]
    return values + context.features


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / max(1, len(part))


def _log(count: float) -> float:
    return math.log1p(count) / 3
