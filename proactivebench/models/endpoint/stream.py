"""A completion that comes as a stream of server-sent events, put together into the body of an ordinary one."""

from __future__ import annotations

import json
from typing import Any

from proactivebench.models.endpoint.errors import Transient
from proactivebench.models.endpoint.http_client import MOST_BYTES, too_much
from proactivebench.models.endpoint.reply import error_inside
from proactivebench.records import Cause

Json = dict[str, Any]

_MOST_STREAMED = 8 * MOST_BYTES  # a token of a few letters comes in an event of hundreds
ENOUGH = 8  # bytes of a body that tell whether it is a stream
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def head(body: bytes | bytearray) -> bytes:
    """How a body begins, blanks aside: enough of it to tell a stream of events, once there are `ENOUGH` bytes."""
    return bytes(body.lstrip(b"\xef\xbb\xbf \t\r\n")[:ENOUGH])


def looks_streamed(content_type: str, start: bytes) -> bool:
    """Whether a body is a stream of events, whatever was asked for: by its type, else by its `head`."""
    named = content_type.strip().lower().startswith("text/event-stream")
    return (named and not start.startswith(b"{")) or start.startswith((b"data:", b"event:", b": ", b"id:", b"retry:"))


class Stream:
    """Takes the bytes of a stream as they come. `done` is set once its end was announced; `body` is then as good as
    the body of a completion that came in one piece."""

    def __init__(self) -> None:
        self.done = False
        self.replaced = False  # broken UTF-8
        self._bytes = self._kept = self._waiting = 0
        self._line = bytearray()
        self._data: list[str] = []
        self._parts: dict[str, list[str]] = {name: [] for name in _TEXTS}
        self._pieces: list[Any] = []  # content given as parts
        self._logprobs: list[Any] = []
        self._choice: Json = {}
        self._top: Json = {}
        self._begun = self._fails = False  # an answer began; the event at hand is named an error

    def feed(self, piece: bytes) -> None:
        """Take more bytes. Raises `Transient` where they are too many or no events."""
        self._bytes += len(piece)
        if self._bytes > _MOST_STREAMED:
            raise too_much(_MOST_STREAMED)
        self._line += piece
        if b"\n" in piece:
            *lines, rest = self._line.split(b"\n")
            self._line = rest
            for line in lines:
                self._take(bytes(line.rstrip(b"\r")))
        if len(self._line) > MOST_BYTES:
            raise too_much()

    def body(self) -> Json:
        """The completion. Raises `Transient` where the stream broke off before its end."""
        self._take(bytes(self._line.rstrip(b"\r")))
        self._take(b"")
        if not self._begun and "error" not in self._top:
            raise Transient("a stream without a completion in it")
        if not self.done and "finish_reason" not in self._choice and not self._failed:
            raise Transient("a stream that broke off", kind=Cause.FAILED_INSIDE)
        message: Json = {name: "".join(parts) for name, parts in self._parts.items() if parts}
        if self._pieces:
            texts = [{"type": "text", "text": message["content"]}] if "content" in message else []
            message["content"] = texts + self._pieces
        message.setdefault("content", None)
        choice = {"message": message, "finish_reason": None, **self._choice}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._top, "choices": [choice] if self._begun else []}

    @property
    def _failed(self) -> bool:
        return bool(self._top.get("error") or self._choice.get("error"))

    def _take(self, line: bytes) -> None:
        if line:
            name, _, value = line.partition(b":")
            if name.lstrip(b"\xef\xbb\xbf") == b"data":
                self._data.append(self._decoded(value.removeprefix(b" ")))
                self._waiting += len(value)
            elif name == b"event":
                self._fails = value.strip() == b"error"
            if self._waiting > MOST_BYTES:
                raise too_much()
            return
        data, self._data, self._waiting = "\n".join(self._data).strip(), [], 0
        fails, self._fails = self._fails, False
        if data == "[DONE]":
            self.done = True
        elif data and not self.done:
            self._event(data, fails)

    def _decoded(self, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.replaced = True
            return value.decode("utf-8", "replace")

    def _event(self, data: str, fails: bool) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            if fails:
                self._top["error"] = data
                return
            raise Transient("a stream whose events are no JSON") from None
        if not isinstance(event, dict):
            if fails and event:
                self._top["error"] = event
                return
            raise Transient(f"a stream of JSON {type(event).__name__}s")
        choices = event.get("choices")
        wrong = error_inside(event)
        if wrong or fails or (not isinstance(choices, list) and ("message" in event or "code" in event)):
            self._top["error"] = wrong or event or "an event named error"
        if event.get("usage"):
            self._top["usage"] = event["usage"]
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
                lists = len(self._pieces) + len(self._logprobs)
                self._chosen(choice)
                self._kept += len(data) if len(self._pieces) + len(self._logprobs) > lists else 0
        if self._kept > MOST_BYTES:
            raise too_much()

    def _chosen(self, choice: Json) -> None:
        self._begun = True
        if choice.get("usage"):  # some give it here
            self._top.setdefault("usage", choice["usage"])
        self._choice |= {name: choice[name] for name in ("finish_reason", "error") if choice.get(name)}
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]
        delta = choice.get("delta") or choice.get("message")
        delta = delta if isinstance(delta, dict) else {}
        for name in _TEXTS:
            value = delta.get(name)
            if isinstance(value, str):
                self._parts[name].append(value)
                self._kept += len(value)
            elif isinstance(value, list):
                self._pieces += value
            elif value is not None:
                raise Transient(f"a message whose {name} is a JSON {type(value).__name__}")
