"""Properties of the parser over any text."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.protocols.contract import render_reply, reply_text
from proactivebench.protocols.own_texts import OwnTexts
from proactivebench.protocols.parser import Extraction, parse_reply
from proactivebench.records import Note, ReplyStatus
from proactivebench.text import split_reasoning

ANSWERS = ('{"Proactive Task": ', '"Proactive Task"', '{"Proactive Task": "do it"}', '{"Proactive Task": null}')
MARKS = ("```json\n", "\n```", "<think>", "</think>", "[THINK]", "[/THINK]", "\ufeff", "\ud800", "\\ud800")
WORDS = ("NaN", "1e999", '"Confidence": 0.5', "null", '"null"', '"a task"', " prose ")
PIECES = st.sampled_from([*ANSWERS, *MARKS, *WORDS, *':{}[],"\\\n'])
TEXT = st.text(st.characters(codec=None), max_size=60)
SOUP = st.lists(PIECES | TEXT, max_size=14).map("".join)
ENCODABLE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
TASK = ENCODABLE.filter(lambda task: not OwnTexts().taken(task) and task.strip().casefold() not in ("null", "none"))
PROSE = st.text(st.characters(codec="utf-8", exclude_characters="{}<[`"), max_size=40)
RULES = st.sampled_from(list(Extraction))


@given(SOUP, st.integers(1, 3), st.booleans(), RULES)
def test_no_text_raises_and_only_offers_have_proposals(text: str, k: int, confidence: bool, rule: Extraction) -> None:
    parsed = parse_reply(text, candidates=k, confidence=confidence, extraction=rule)
    assert (parsed.status is ReplyStatus.PROPOSED) == bool(parsed.proposals)
    assert parsed.status in (ReplyStatus.PROPOSED, ReplyStatus.SILENT, ReplyStatus.EMPTY, ReplyStatus.UNPARSABLE)
    assert len(parsed.proposals) <= k
    assert parsed.confidence is None or 0 <= parsed.confidence <= 1


@given(SOUP, st.integers(1, 3), RULES)
def test_a_proposal_is_a_text_that_literally_occurs(text: str, k: int, rule: Extraction) -> None:
    for proposal in parse_reply(text, candidates=k, extraction=rule).proposals:
        assert proposal.strip().casefold() not in ("", "null", "none")
        assert proposal in text or _escaped_somewhere(proposal, text)


def _escaped_somewhere(proposal: str, text: str) -> bool:
    """Whether some JSON string in `text` spells the proposal with escapes."""
    decoder = json.JSONDecoder(strict=False)
    for start in (place for place, character in enumerate(text) if character == '"'):
        try:
            if decoder.raw_decode(text, start)[0] == proposal:
                return True
        except json.JSONDecodeError:
            continue
    return False


@given(st.lists(TASK, max_size=3), st.integers(1, 3), RULES)
def test_what_is_rendered_is_read_back(proposals: list[str], k: int, rule: Extraction) -> None:
    parsed = parse_reply(render_reply(proposals[:k], candidates=k), candidates=k, extraction=rule)
    assert parsed.proposals == tuple(proposals[:k])
    assert parsed.status is (ReplyStatus.PROPOSED if proposals[:k] else ReplyStatus.SILENT)
    assert set(parsed.notes) <= {Note.NO_TASK_WORDS}


VALUES = st.none() | ENCODABLE | st.integers() | st.lists(ENCODABLE | st.none() | st.integers(), max_size=4)


@given(VALUES, PROSE, PROSE, st.sampled_from(["", "json", "JSON", "yaml"]), st.integers(1, 3))
def test_fences_and_prose_around_a_reply_change_nothing(
    value: object, before: str, after: str, tag: str, k: int
) -> None:
    bare = reply_text(value)
    assert parse_reply(f"{before}\n```{tag}\n{bare}\n```\n{after}", candidates=k) == parse_reply(bare, candidates=k)
    assert parse_reply(before + bare + after, candidates=k) == parse_reply(bare, candidates=k)


@given(VALUES, SOUP.filter(lambda text: "think" not in text.lower()), RULES)
def test_reasoning_before_a_reply_changes_nothing_but_is_kept(value: object, draft: str, rule: Extraction) -> None:
    bare = reply_text(value)
    thought = parse_reply(f"<think>{draft}</think>\n{bare}", extraction=rule)
    plain = parse_reply(bare, extraction=rule)
    assert (thought.status, thought.proposals, thought.notes) == (plain.status, plain.proposals, plain.notes)
    assert thought.reasoning == draft.strip()


@given(SOUP)
def test_a_text_without_reasoning_is_its_own_answer(text: str) -> None:
    reasoning, answer = split_reasoning(text)
    assert reasoning is not None or answer == text


@pytest.mark.parametrize(
    "unit",
    [
        "{",
        '{"',
        '{"a":',
        '{"\\',
        "{}",
        '{"Proactive Task": null}',
        '"Proactive Task" ',
        "<think>",
        "</think>",
        "```json\n",
        "[",
        "\\u",
    ],
)
@pytest.mark.parametrize("rule", list(Extraction))
def test_huge_replies_are_read_in_time(unit: str, rule: Extraction) -> None:
    started = time.process_time()
    parse_reply(unit * (400_000 // len(unit)), candidates=3, extraction=rule)
    assert time.process_time() - started < 30  # seconds of work; what is quadratic takes many minutes


@pytest.mark.parametrize("depth", [70, 990, 100_000])
@pytest.mark.parametrize("rule", list(Extraction))
def test_deep_nesting_is_unparsable_whatever_the_stack_allows(depth: int, rule: Extraction) -> None:
    text = '{"Proactive Task": "a", "deep": ' + "[" * depth + "]" * depth + "}"
    assert parse_reply(text, extraction=rule).status is ReplyStatus.UNPARSABLE
