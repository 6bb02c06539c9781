"""One trace of a run as a timeline: what the user did, what the agent offered, what was decided and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proactivebench.cli.terminal import safe
from proactivebench.records import SILENCE, Reply, Trace, Verdict

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"accepted": "green", "rejected": "red", "unscored": "yellow"}


@dataclass(slots=True)
class Timeline:
    """What happened in one rollout of one trace: per turn the replies by round, per (turn, round) the verdicts."""

    trace: Trace
    replies: dict[int, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[tuple[int, int], list[Verdict]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, trace: Trace, repeat: int, replies: Iterable[Reply], verdicts: Iterable[Verdict]) -> Timeline:
        """The timeline of `trace` in rollout `repeat`, from all replies and verdicts of a run."""
        timeline = cls(trace)
        for reply in sorted(replies, key=lambda reply: reply.key):
            if (reply.trace_id, reply.repeat) == (trace.trace_id, repeat):
                timeline.replies[reply.turn].append(reply)
        for verdict in verdicts:
            if (verdict.trace_id, verdict.repeat) == (trace.trace_id, repeat):
                timeline.verdicts[verdict.turn, verdict.round].append(verdict)
        return timeline

    def data(self) -> list[dict[str, Any]]:
        """The timeline as JSON data, one object per event."""
        return [
            {
                "turn": turn,
                **event.model_dump(),
                "replies": [
                    {**_plain(reply), "verdicts": [_plain(verdict) for verdict in self.verdicts[turn, reply.round]]}
                    for reply in self.replies[turn]
                ],
            }
            for turn, event in enumerate(self.trace.events)
        ]

    def lines(self) -> Iterator[Text]:
        """The timeline as lines for a terminal; foreign text cannot control it."""
        from rich.text import Text

        for turn, event in enumerate(self.trace.events):
            yield Text.assemble((f"{turn:>3}  ", "bold"), (safe(event.time), "dim"), "  ", safe(event.event))
            for reply in self.replies[turn]:
                yield from _reply_lines(reply, self.verdicts[turn, reply.round])


def _reply_lines(reply: Reply, verdicts: Sequence[Verdict]) -> Iterator[Text]:
    from rich.text import Text

    if reply.advice:
        yield Text.assemble("     told: ", (safe(reply.advice), "italic"))
    for candidate, offer in enumerate(reply.proposals):
        yield Text.assemble("     offers: ", (safe(offer), "cyan"))
        yield from _verdict_lines(verdicts, candidate)
    if not reply.proposals:
        said = safe(reply.error or reply.text or "")[:120] if not reply.status.clean else ""
        yield Text.assemble(
            "     ", (reply.status.value, "dim" if reply.status.clean else "yellow"), "  ", (said, "dim")
        )
        yield from _verdict_lines(verdicts, SILENCE)


def _verdict_lines(verdicts: Sequence[Verdict], candidate: int) -> Iterator[Text]:
    from rich.text import Text

    for verdict in verdicts:
        if verdict.candidate == candidate:
            because = " — ".join(safe(part) for part in (verdict.judge, verdict.reason or verdict.cause or "") if part)
            probability = "" if verdict.probability is None else f" p={verdict.probability:.2f}"
            yield Text.assemble("       ", (verdict.status.value, _STYLES[verdict.status]), f"{probability}  {because}")


def _plain(record: Reply | Verdict) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_none=True)
