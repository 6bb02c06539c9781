"""Where reasoning ends and the answer begins."""

import pytest

from proactivebench.protocols.parser import parse_reply
from proactivebench.protocols.reasoning import split_reasoning
from proactivebench.records import ReplyStatus

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
