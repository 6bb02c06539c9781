"""Failures inside a 200 in the words of servers that do not say `error`, sizes in new words, and spelled-out keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proactivebench.models.endpoint.errors import Meaning, meaning
from proactivebench.models.endpoint.reply import error_status, read
from proactivebench.models.endpoint.stream import Stream
from proactivebench.models.server_words import scrub
from proactivebench.records import Note

KEY = "sk/secret+key1234567890"
SILENT = '{"Proactive Task": null}'
DONE = b"data: [DONE]\n\n"


def _completion(**top: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": SILENT}, "finish_reason": "stop"}], **top}


@pytest.mark.parametrize(
    "body",
    [
        _completion(base_resp={"status_code": 1002, "status_msg": "rate limit"}),
        _completion(object="error", message="out of memory"),
        _completion(type="error"),
        {"detail": "overloaded"},
        {"status": 500, "message": "overloaded"},
    ],
)
def test_a_body_that_says_it_failed_is_a_failure_whatever_the_word(body: dict[str, Any]) -> None:
    assert error_status(body) == 500


@pytest.mark.parametrize(
    "body",
    [
        _completion(base_resp={"status_code": 0, "status_msg": ""}, message="ok"),
        {"data": [{"probs": [0.1, 0.9]}], "message": "ok"},
        {},
    ],
)
def test_words_beside_an_answer_are_no_failure(body: dict[str, Any]) -> None:
    assert error_status(body) is None


@pytest.mark.parametrize(
    "late",
    [
        b'event: error\ndata: {"type": "x", "detail": "overloaded"}\n\n',
        b"event: error\ndata: overloaded\n\n",
        b'data: {"choices": [], "base_resp": {"status_code": 1002}}\n\n',
    ],
)
def test_a_failure_announced_late_in_a_stream_is_one(late: bytes) -> None:
    stream = Stream()
    said = {"choices": [{"delta": {"content": SILENT}, "finish_reason": "stop"}]}
    stream.feed(b"data: " + json.dumps(said).encode() + b"\n\n" + late + DONE)
    assert error_status(stream.body()) is not None


def test_a_finish_reason_that_is_no_text_is_recorded_as_unknown() -> None:
    body = _completion()
    body["choices"][0]["finish_reason"] = 7
    answer = read(body)
    assert (answer.finish_reason, answer.notes) == ("7", (Note.FINISH_UNKNOWN,))


@pytest.mark.parametrize(
    "said",
    [
        "The conversation has 9000 tokens while this engine was built for 4096",
        "Sequence does not fit in KV cache",
        "La requête dépasse la longueur de contexte maximale",
        "Your text is over the allowance of 2048 tokens",
        "not enough space left in context window",
    ],
)
def test_a_size_refusal_is_known_in_words_nobody_listed(said: str) -> None:
    assert meaning(400, said) is Meaning.TOO_LARGE


@pytest.mark.parametrize(
    "said", ["the value does not fit the schema", "max_tokens must be above 0", "no room for the cache"]
)
def test_other_refusals_are_not_about_size(said: str) -> None:
    assert meaning(400, said) is Meaning.REFUSED


@pytest.mark.parametrize(
    "spelled",
    ["".join(f"\\u{ord(c):04X}" for c in KEY), KEY.replace("/", "\\/"), KEY.replace("+", "\\u002b")],
)
def test_a_key_spelled_in_json_escapes_is_cut_out_too(spelled: str) -> None:
    text = f'{{"Proactive Task": "Use {spelled} now"}}'
    answer = read({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}, key=KEY)
    assert answer.text == '{"Proactive Task": "Use [key] now"}'
    assert answer.notes == (Note.KEY_CUT,)
    assert KEY not in json.loads(scrub(text, KEY))["Proactive Task"]
