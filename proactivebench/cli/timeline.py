"""One trace of a run as a timeline: what the user did, what the agent offered, what was decided and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proactivebench.cli.labelled_timeline import need_mark
from proactivebench.cli.terminal import safe
from proactivebench.records import OFFER_RULES, SILENCE, Event, MomentLabels, NeedRule, Reply, Trace, Verdict
from proactivebench.scoring.boundaries import Boundary, boundaries

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"accepted": "green", "rejected": "red", "unscored": "yellow"}


@dataclass(slots=True)
class Timeline:
    """What happened in one rollout of one trace: per turn the replies by round, per (turn, round) the verdicts."""

    trace: Trace
    rules: Sequence[NeedRule] = OFFER_RULES
    replies: dict[int, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[tuple[int, int], list[Verdict]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(
        cls,
        trace: Trace,
        repeat: int,
        replies: Iterable[Reply],
        verdicts: Iterable[Verdict],
        rules: Sequence[NeedRule] = OFFER_RULES,
    ) -> Timeline:
        """The timeline of `trace` in rollout `repeat`, from all replies and verdicts of a run. `rules` are those of
        need, the leading one first."""
        timeline = cls(trace, rules)
        for reply in sorted(replies, key=lambda reply: reply.key):
            if (reply.trace_id, reply.repeat) == (trace.trace_id, repeat):
                timeline.replies[reply.turn].append(reply)
        for verdict in verdicts:
            if (verdict.trace_id, verdict.repeat) == (trace.trace_id, repeat):
                timeline.verdicts[verdict.turn, verdict.round].append(verdict)
        return timeline

    @property
    def _moments(self) -> list[tuple[Event, tuple[Boundary, ...], MomentLabels | None]]:
        labels = self.trace.labels or (None,) * len(self.trace.events)
        return list(zip(self.trace.events, boundaries(self.trace), labels, strict=True))

    def data(self) -> list[dict[str, Any]]:
        """The timeline as JSON data, one object per event."""
        return [
            {
                "turn": turn,
                **event.model_dump(),
                "changes": [each.value for each in why],
                **_said(label, self.rules),
                "replies": [
                    {**_plain(reply), "verdicts": [_plain(verdict) for verdict in self.verdicts[turn, reply.round]]}
                    for reply in self.replies[turn]
                ],
            }
            for turn, (event, why, label) in enumerate(self._moments)
        ]

    def lines(self) -> Iterator[Text]:
        """The timeline as lines for a terminal; foreign text cannot control it."""
        from rich.text import Text

        for turn, (event, why, label) in enumerate(self._moments):
            if why:
                yield Text(f"     ┄┄ boundary: {', '.join(why)}", "dim blue")
            mark = need_mark(label, self.rules[0]) if self.trace.labels else ("", "")
            yield Text.assemble((f"{turn:>3} ", "bold"), mark, " ", (safe(event.time), "dim"), "  ", safe(event.event))
            if label and (said := people_in_words(label)):
                yield Text(f"     people: {said}", "dim")
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


def people_in_words(label: MomentLabels) -> str:
    """What people said at a moment, counted; empty where they said nothing."""
    said = label.said
    parts = (
        (said.accept, f"{said.accept} accept"),
        (said.reject, f"{said.reject} reject"),
        (said.not_yet, f"{said.not_yet} not yet"),
        (len(label.asked), f"asked, {sum(label.asked)} of {len(label.asked)} want help"),
    )
    return ", ".join(words for number, words in parts if number)


def _said(label: MomentLabels | None, rules: Sequence[NeedRule]) -> dict[str, Any]:
    """What people said at a moment, as JSON data; nothing where nobody did."""
    if label is None:
        return {}
    votes = {"votes": label.said._asdict()} if label.tasks else {}
    asked = {"asked": {"yes": sum(label.asked), "no": len(label.asked) - sum(label.asked)}} if label.asked else {}
    return {"need": {rule.value: label.needs(rule) for rule in rules}, **votes, **asked}


def _plain(record: Reply | Verdict) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_none=True)
