"""The hashes of the questions a run put to its judge, computed moment by moment.

`records.question_hash` reads the whole context for each question; a run asks many about the same one. Here the context
is hashed once and carried forward: same digest, a thousandth of the work on long traces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING

from proactivebench.records import Trace

if TYPE_CHECKING:
    from hashlib import _Hash


def contexts(trace: Trace) -> Iterator[_Hash]:
    """For each moment of `trace` in order, a hash state that has read its context. Copy it before use."""
    state = hashlib.sha256(b"[[")
    comma = ""
    for event in trace.events:
        state.update(f"{comma}[{quoted(event.time)},{quoted(event.event)}]".encode("utf-8", "surrogatepass"))
        comma = ","
        asked = state.copy()
        asked.update(b"],")
        yield asked


def question(context: _Hash, proposal: str | None) -> int:
    """The 64-bit question hash of a proposal (None = silence) in `context`, as a number."""
    state = context.copy()
    text = "null" if proposal is None else quoted(proposal)
    state.update(f"{text}]".encode("utf-8", "surrogatepass"))
    return int.from_bytes(state.digest()[:8], "big")
