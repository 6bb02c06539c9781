"""Under which conditions an agent answered: what shapes behaviour beside data, protocol and judge."""

from __future__ import annotations

from proactivebench.records.base import Record
from proactivebench.records.runs import Decoding

# How a manifest's `parameters` name the form of the answer, whether it was enforced, and of whom replayed answers were
# asked (where the run that asked is at hand).
FORMAT, FORMAT_ENFORCED, FIRST_AGENT = "response_format", "response_format_enforced", "first_agent"
WANTED = {"system_role": False, "alternating_roles": True, "reasoning_returned": True}  # what changes the messages
PROBED = (FORMAT, FORMAT_ENFORCED, "temperature", *WANTED, FIRST_AGENT)
SAMPLES = "samples"  # the first agent, where a file of samples says how it decoded but not what it is


class Conditions(Record):
    """How answers came about. `decoding` is None where nobody knows (answers replayed from elsewhere).

    `response_format` is the form of the answer that was asked of the server (`none`: none was); None = unknown, as in
    reports of older versions. `format_enforced` says whether a probe's answer kept to it. `not_taken` names decoding
    parameters that the server refused, `wanted` how it made the messages differ from the protocol's. `dropped` counts
    replies that did not see all of their history. `generated` is false for agents that compute their answers: for them
    no condition means anything.
    """

    decoding: Decoding | None = None
    response_format: str | None = None
    format_enforced: bool | None = None
    not_taken: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    dropped: int = 0
    generated: bool = True
