"""What lm-eval carries for us, as JSON text: it turns anything else in its samples files into a Python repr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proactivebench.protocols.base import Protocol
from proactivebench.records import Moment, Reply, ReplyKey, Trace, Verdict
from proactivebench.text import load_json

FORMAT = "proactivebench.transcript/1"


def transcript(trace: Trace, replies: Mapping[ReplyKey, Reply], repeat: int, protocol: Protocol) -> str:
    """One rollout of a trace: per answer the messages that asked for it and the reply as it is stored."""
    mine = sorted(reply for reply in replies if reply.trace_id == trace.trace_id and reply.repeat == repeat)
    history: dict[int, list[Reply]] = {}
    turns = []
    for key in mine:
        reply = replies[key]
        past = [history[turn] for turn in range(key.turn)] if protocol.own_history else []
        rounds = history.setdefault(key.turn, [])
        messages = protocol.conversation(Moment(trace, key.turn), past, tuple(rounds), reply.advice)
        rounds.append(reply)
        turns.append({"messages": [message._asdict() for message in messages], "reply": _dump(reply)})
    return json.dumps({"format": FORMAT, "trace_id": trace.trace_id, "turns": turns}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What a judge's filter makes of one document: replies (without their texts) and the judge's verdicts on them."""

    judge: str
    replies: tuple[Reply, ...]
    verdicts: tuple[Verdict, ...]

    @classmethod
    def of(cls, judge: str, replies: Iterable[Reply], verdicts: Iterable[Verdict]) -> Row:
        """The row of a document."""
        bare = tuple(reply.model_copy(update={"text": None, "reasoning": None}) for reply in replies)
        return cls(judge, bare, tuple(verdicts))

    def dumps(self) -> str:
        """The row as JSON."""
        replies, verdicts = [_dump(reply) for reply in self.replies], [_dump(verdict) for verdict in self.verdicts]
        return json.dumps({"judge": self.judge, "replies": replies, "verdicts": verdicts}, ensure_ascii=False)

    @classmethod
    def loads(cls, text: str) -> Row:
        """The row that `dumps` wrote."""
        row = load_json(text)
        replies = tuple(Reply.model_validate(reply) for reply in row["replies"])
        return cls(row["judge"], replies, tuple(Verdict.model_validate(verdict) for verdict in row["verdicts"]))


def _dump(record: Reply | Verdict) -> dict[str, object]:
    return record.model_dump(mode="json", exclude_none=True)
