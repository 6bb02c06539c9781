"""Where reasoning ends and the answer begins."""

from re import _parser as parser  # type: ignore[attr-defined]

import pytest

from proactivebench.protocols.parser import parse_reply
from proactivebench.records import ReplyStatus
from proactivebench.text import split_reasoning
from proactivebench.text.reasoning import _MARK

ANSWER = '{"Proactive Task": "Tidy up"}'


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        (f"<think>hm</think>{ANSWER}", "hm"),
        (f"\n <THINK>\nhm\n</THINK>\n\n{ANSWER}\n", "hm"),
        (f"<thinking>hm</thinking>{ANSWER}", "hm"),
        (f"[THINK]hm[/THINK]{ANSWER}", "hm"),
        (f"hm, the template opened the block</think>{ANSWER}", "hm, the template opened the block"),
        (f"<think>a</think><think>b</think>{ANSWER}", "a\nb"),
        (f"<think>a <think>b</think> c</think>{ANSWER}", "a\nb\nc"),
        (f"<think></think>{ANSWER}", ""),
        (f"{ANSWER}<think>was that right?", "was that right?"),
        (f"Well.<think>hm</think>{ANSWER}", "hm"),
    ],
)
def test_reasoning_is_kept_apart_from_the_answer(text: str, reasoning: str) -> None:
    assert split_reasoning(text)[0] == reasoning
    assert parse_reply(text).proposals == ("Tidy up",)
    assert parse_reply(text).reasoning == reasoning


def test_a_draft_in_reasoning_never_counts() -> None:
    draft = '{"Proactive Task": "Delete all files"}'
    assert parse_reply(f"<think>{draft}</think>{ANSWER}").proposals == ("Tidy up",)
    assert parse_reply(f"{draft} no, rather not</think>{ANSWER}").proposals == ("Tidy up",)
    assert parse_reply(f'<think>{draft} or {{"Proactive Task": "unfin</think>{ANSWER}').proposals == ("Tidy up",)
    assert parse_reply(f"<think>{draft}").status is ReplyStatus.EMPTY
    assert parse_reply(f"<think>{draft}</think>").status is ReplyStatus.EMPTY


def test_a_tag_inside_the_answer_is_text() -> None:
    text = '{"Thoughts": "they typed <think>", "Proactive Task": "Explain what </think> closes"}'
    assert split_reasoning(text) == (None, text)
    assert parse_reply(text).proposals == ("Explain what </think> closes",)
    assert parse_reply(f"<think>hm</think>{text}").proposals == ("Explain what </think> closes",)


def test_a_text_without_tags_is_left_as_it_is() -> None:
    assert split_reasoning(" \n plain \n") == (None, " \n plain \n")


PAIRS = [
    ("<think>", "</think>"),
    ("<THINK>", "</Think>"),
    ("<seed:think>", "</seed:think>"),
    ("<|think|>", "<|/think|>"),
    ("<|think|>", "</|think|>"),
    ("< think >", "< / think >"),
    ("<|think|>", "<|end|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<think_start>", "<think_end>"),
    ("<antThinking>", "</antThinking>"),
    ('<thinking budget="low">', "</thinking >"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<analysis>", "</analysis>"),
    ("<cot>", "</cot>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("[THINK]", "[/THINK]"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<思考>", "</思考>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel|>analysis\n", "<|channel|>final <|constrain|>json<|message|>"),
    ("<|channel|>commentary to=functions.x <|message|>", "<|call|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),  # the same where the server drops special tokens
]
DRAFT = 'They could want {"Proactive Task": "Delete all files"} or {"Proactive Task": "unfin'


@pytest.mark.parametrize(("opens", "closes"), PAIRS)
def test_reasoning_is_known_by_what_its_tag_is_called(opens: str, closes: str) -> None:
    parsed = parse_reply(f"{opens}{DRAFT}{closes}{ANSWER}")
    assert parsed.proposals == ("Tidy up",)
    assert DRAFT in (parsed.reasoning or "")


@pytest.mark.parametrize(("opens", "closes"), PAIRS)
def test_what_was_cut_off_inside_reasoning_is_no_answer(opens: str, closes: str) -> None:
    assert parse_reply(f"{opens}{DRAFT}").status is ReplyStatus.EMPTY
    assert parse_reply(f"{opens}They want {ANSWER}").status is ReplyStatus.EMPTY


@pytest.mark.parametrize(
    ("opens", "closes"), [pair for pair in PAIRS if pair[1] not in ("<|end|>", "<channel|>", "assistantfinal")]
)
def test_a_template_may_have_opened_the_block_itself(opens: str, closes: str) -> None:
    parsed = parse_reply(f"{DRAFT}{closes}{ANSWER}")
    assert parsed.proposals == ("Tidy up",)


@pytest.mark.parametrize(
    "tag",
    ["<answer>", "<b>", "<br/>", "<List<int>>", "a < b > c", "[x]", "<output>", "<ThinClient", "<think/>", "【注】"],
)
def test_other_tags_around_an_answer_are_prose(tag: str) -> None:
    assert split_reasoning(tag + ANSWER) == (None, tag + ANSWER)


def test_only_the_final_channel_is_the_answer() -> None:
    draft = '{"Proactive Task": "Delete all files"}'
    text = (
        f"<|channel|>commentary<|message|>{draft}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
    )
    assert parse_reply(text).proposals == ("Tidy up",)
    assert parse_reply(f"<|channel|>commentary<|message|>{draft}<|end|>").status is ReplyStatus.EMPTY
    twice = f"<|channel|>final<|message|>{draft}<|end|><|channel|>analysis<|message|>no<|end|>" + text
    assert parse_reply(twice).proposals == ("Tidy up",)


def test_the_word_analysis_in_prose_opens_nothing() -> None:
    for text in (
        f"analysis: they are stuck. {ANSWER}",
        f"Analysis of the events follows. {ANSWER}",
        f"analysis\n{ANSWER}",
    ):
        assert parse_reply(text).proposals == ("Tidy up",)


def test_a_tag_is_looked_for_within_a_bounded_stretch() -> None:
    """So a text full of what could begin a tag costs its length times a constant: no part repeats without a bound."""
    assert max(_widths(parser.parse(_MARK.pattern, _MARK.flags))) <= 200


def _widths(pattern: object) -> list[int]:
    found: list[int] = []
    for operation, argument in pattern:  # type: ignore[attr-defined]
        if str(operation) in ("MAX_REPEAT", "MIN_REPEAT"):
            found.append(int(argument[1]))
            found += _widths(argument[2])
        elif str(operation) == "SUBPATTERN":
            found += _widths(argument[3])
        elif str(operation) == "BRANCH":
            for branch in argument[1]:
                found += _widths(branch)
    return found
