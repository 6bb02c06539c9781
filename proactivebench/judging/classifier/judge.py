"""The `classifier` kind: a sequence classifier scores a text, and a threshold decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proactivebench.errors import BadArgument
from proactivebench.judging.base import Estimate, Item, Judge, Opinion
from proactivebench.judging.classifier.card import ClassifierCard, Score, Scorer, Text
from proactivebench.judging.kind import Building, JudgeKind
from proactivebench.judging.quoting import clip, fill, quote
from proactivebench.models.base import Message
from proactivebench.models.secrets import refuse_secrets
from proactivebench.records import AgentIdentity, Event, JudgeIdentity, VerdictStatus


class ClassifierJudge(Judge):
    """Accepts where the score reaches the card's threshold. Oldest events are left out, whole, until the text fits."""

    def __init__(self, card: ClassifierCard, scorer: Scorer, identity: JudgeIdentity) -> None:
        self.card = card
        self.scorer = scorer
        self.identity = identity
        self.lockstep = scorer.lockstep

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        asked = [self.text(item) for item in items]
        scores = await self.scorer.scores([text for text, _ in asked])
        return [self._opinion(score, clipped) for score, (_, clipped) in zip(scores, asked, strict=True)]

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """One request an item; a classifier is asked for no text."""
        return Estimate(requests=len(items))

    def text(self, item: Item) -> tuple[Text, int]:
        """What the classifier reads of an item, and how many characters were left out."""
        events = item.moment.events
        proposal, dropped = clip(item.proposal or "", self.card.max_proposal_chars)
        offered = self.card.silence if item.proposal is None else quote(proposal)

        def render(first: int) -> Text:
            lines = "\n".join(self._line(event) for event in events[first:])
            said = fill(self.card.text, {"events": lines, "proposal": offered})
            if self.card.assistant is None:
                return said
            return Message("user", said), Message("assistant", fill(self.card.assistant, {"proposal": offered}))

        first, last = 0, len(events) - 1
        if not self.scorer.fits(render(0)):
            while first < last:
                middle = (first + last) // 2
                first, last = (first, middle) if self.scorer.fits(render(middle)) else (middle + 1, last)
        clipped = dropped + sum(len(event.event) for event in events[:first])
        clipped += sum(max(0, len(event.event) - self.card.max_event_chars) for event in events[first:])
        return render(first), clipped

    def _line(self, event: Event) -> str:
        return quote({"time": event.time, "event": clip(event.event, self.card.max_event_chars).text})

    def _opinion(self, score: Score, clipped: int) -> Opinion:
        if score.value is None:
            return Opinion(
                VerdictStatus.UNSCORED, self.card.name, cause=score.cause, latency_s=score.latency_s, clipped=clipped
            )
        bounded = self.card.activation != "none"
        return Opinion(
            VerdictStatus.ACCEPTED if score.value >= self.card.threshold else VerdictStatus.REJECTED,
            self.card.name,
            probability=min(1.0, max(0.0, score.value)) if bounded else None,
            reason=None if bounded else f"score {score.value:.4f}",
            latency_s=score.latency_s,
            clipped=clipped,
        )


def classifier_identity(model: str, model_args: Mapping[str, str]) -> AgentIdentity:
    """Which classifier is meant. Raises UsageError for missing words and for arguments that look like keys."""
    refuse_secrets(model_args)
    wanted = {"hf": "pretrained", "endpoint": "model"}.get(model)
    if wanted is None:
        raise BadArgument(f"a classifier runs behind --judge_model hf or endpoint, not '{model}'")
    if wanted not in model_args or (model == "endpoint" and "base_url" not in model_args):
        needed = "pretrained=DIR" if model == "hf" else "base_url=URL,model=NAME"
        raise BadArgument(f"a classifier behind {model} needs --judge_model_args {needed}")
    return AgentIdentity(model=model, model_args=dict(model_args), name=model_args[wanted])


def create_scorer(card: ClassifierCard, model: str, model_args: Mapping[str, str]) -> Scorer:
    """The scorer for `hf` (in process) or `endpoint` (a server with a /classify route). Nothing is loaded yet."""
    if model == "endpoint":
        if card.activation == "none":
            raise BadArgument("a served classifier returns probabilities: activation none works in process only (hf)")
        if card.assistant is not None:
            raise BadArgument("a chat (assistant) is scored in process only (hf): a served classifier takes plain text")
        from proactivebench.judging.classifier.served import ServedScorer

        return ServedScorer(card, model_args)
    from proactivebench.judging.classifier.local import LocalScorer

    return LocalScorer(card, model_args)


def _build(card: ClassifierCard, building: Building) -> ClassifierJudge:
    model, args = building.named(card)
    who = classifier_identity(model, args)
    scorer = create_scorer(card, model, args)
    building.keep(f"{card.name}: {who.name}", scorer)
    return ClassifierJudge(card, scorer, building.identity(card, model=who))


KIND = JudgeKind(ClassifierCard, _build)
