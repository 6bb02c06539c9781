"""A generative model as judge: a prompt in, exactly one verdict out, retried as its card says, or unscored by cause."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proactivebench.judging.base import Estimate, Item, Judge, Opinion
from proactivebench.judging.confidence import verdict_probability
from proactivebench.judging.kind import Building, JudgeKind, ModelCard
from proactivebench.judging.parsing import Reading, read_verdict, verdict_schema
from proactivebench.models.base import Answer, Failure, Message, Model, Request, add_usage
from proactivebench.models.server_words import in_a_word
from proactivebench.records import Cause, JudgeIdentity, Note, VerdictStatus
from proactivebench.together import together

CHARACTERS = 4  # to a token, about


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked about one item; `clipped` characters of it were left out."""

    messages: tuple[Message, ...]
    clipped: int = 0


class ModelJudge(Judge):
    """Asks a model. A kind of judge overrides `ask` (build the messages); the parser belongs to the card's contract.

    Its engine may be shared: whoever made it starts and closes it. `seed` is the run's: attempts and judge repeats
    count on from it.
    """

    def __init__(self, card: ModelCard, engine: Model, identity: JudgeIdentity, *, seed: int = 0) -> None:
        self.card = card
        self.engine = engine
        self.identity = identity
        self.seed = seed
        self.lockstep = engine.lockstep
        self._schema = verdict_schema(card.output) if card.constrain else None
        engine.expect(card.decoding, self._schema, card.top_logprobs)

    @abstractmethod
    def ask(self, item: Item) -> Question:
        """The messages that put `item` to the model."""

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item: in batches for an in-process engine, each at its own pace for a server."""
        if self.engine.lockstep:
            return list(await self._judge_together(items))
        return list(await together(self._judge_alone(item) for item in items))

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """One request an item."""
        prompt = sum(len(message.content) for item in items for message in self.ask(item).messages)
        return Estimate(len(items), prompt // CHARACTERS, len(items) * self.card.decoding.max_gen_toks)

    async def _judge_alone(self, item: Item) -> Opinion:
        question, asked = self.ask(item), _Asked()
        while not asked.settled(self.card.attempts):
            request = self._request(item, question, asked.attempts)
            asked = asked.heard(await self.engine.complete(request), self.card)
        return asked.opinion(self, question)

    async def _judge_together(self, items: Sequence[Item]) -> list[Opinion]:
        questions = [self.ask(item) for item in items]
        asked = [_Asked() for _ in items]
        while open_items := [i for i, a in enumerate(asked) if not a.settled(self.card.attempts)]:
            requests = [self._request(items[i], questions[i], asked[i].attempts) for i in open_items]
            for i, answer in zip(open_items, await self.engine.complete_all(requests), strict=True):
                asked[i] = asked[i].heard(answer, self.card)
        return [a.opinion(self, question) for a, question in zip(asked, questions, strict=True)]

    def _request(self, item: Item, question: Question, attempt: int) -> Request:
        decoding = self.card.decoding
        if attempt >= self.card.retry_after:
            decoding = decoding.model_copy(update={"temperature": self.card.retry_temperature})
        return Request(
            messages=question.messages,
            decoding=decoding,
            seed=self.seed + item.judge_repeat * self.card.attempts + attempt,
            schema=self._schema,
            top_logprobs=self.card.top_logprobs,
            readable=lambda text: read_verdict(text, self.card.output, cut=True).accepted is not None,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """How far one item has come: the last answer and its reading, and the cost of all."""

    attempts: int = 0
    reading: Reading | None = None
    answer: Answer | None = None

    def settled(self, limit: int) -> bool:
        """No further attempt: a verdict, a failed call (the engine has retried it), or none left."""
        if self.answer is None or self.reading is None:
            return False
        return self.reading.accepted is not None or self.answer.failure is not None or self.attempts >= limit

    def heard(self, answer: Answer, card: ModelCard) -> _Asked:
        """With one more answer."""
        reading = _read(answer, card)
        if self.answer is not None:
            latency = (self.answer.latency_s or 0) + (answer.latency_s or 0)
            answer = replace(answer, usage=add_usage(self.answer.usage, answer.usage), latency_s=latency)
        return _Asked(self.attempts + 1, reading, answer)

    def opinion(self, judge: ModelJudge, question: Question) -> Opinion:
        """The opinion this amounts to."""
        if self.answer is None or self.reading is None:
            raise ValueError("nothing heard yet")
        accepted = self.reading.accepted
        status = VerdictStatus.UNSCORED
        if accepted is not None:
            status = VerdictStatus.ACCEPTED if accepted else VerdictStatus.REJECTED
        return Opinion(
            status,
            judge.card.name,
            probability=None if accepted is None else verdict_probability(self.answer.logprobs, judge.card.output),
            reason=self.reading.reason,
            cause=self.reading.cause,
            usage=self.answer.usage,
            latency_s=self.answer.latency_s,
            clipped=question.clipped,
        )


def _read(answer: Answer, card: ModelCard) -> Reading:
    """The verdict of one answer. A verdict given on a conversation that was cut to fit is none."""
    if answer.failure is Failure.REFUSED:
        return Reading(None, cause="refused")
    if answer.cause is Cause.TOO_LARGE:
        return Reading(None, cause=Cause.TOO_LARGE)
    if answer.failure is Failure.ERROR:
        return Reading(None, cause=f"error:{in_a_word(answer.error, answer.cause)}")
    if answer.dropped_turns:
        return Reading(None, cause="context_dropped")
    unknown = Note.FINISH_UNKNOWN in answer.notes
    reading = read_verdict(answer.text or "", card.output, cut=answer.truncated or unknown)
    return Reading(None, cause=f"error:{Note.FINISH_UNKNOWN}") if unknown and reading.accepted is None else reading


def asking(judge: type[ModelJudge], card: type[ModelCard] = ModelCard) -> JudgeKind:
    """The kind of judge that asks a model what `judge` asks, declared by such cards."""

    def build(declared: ModelCard, building: Building) -> ModelJudge:
        engine = building.engine(declared)
        return judge(declared, engine, building.identity(declared, model=engine.identity), seed=building.seed)

    return JudgeKind(card, build)
