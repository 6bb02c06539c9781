"""From a judge's spec to the judge: cards are read, models behind are shared, all is hashed into one identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from proactivebench import plugins
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.judging.base import Judge
from proactivebench.judging.cache import RememberingJudge, VerdictCache
from proactivebench.judging.cards import Declared, card_names, declared, of_plug
from proactivebench.judging.identity import composed_identity, member_identity
from proactivebench.judging.kind import BaseCard, ModelCard
from proactivebench.judging.route import Engine, RoutedJudge
from proactivebench.judging.spec import Spec, default_spec, parse_spec, split_rule
from proactivebench.judging.training_data import ARGUMENT, WAYS
from proactivebench.judging.training_data import declared as said_declared
from proactivebench.judging.weights import Behind, behind
from proactivebench.models.base import Model
from proactivebench.plugins import Contract
from proactivebench.records import AgentIdentity, Code, Decoding, JudgeIdentity, JudgeWords, Task, digest

EngineMaker = Callable[[str, Mapping[str, str]], Model]


def create_judge(
    spec: Any = None,
    *,
    model: str | None = None,
    model_args: Mapping[str, str] | None = None,
    decode: Callable[[Decoding], Decoding] | None = None,
    gen_kwargs: Mapping[str, Any] | None = None,
    task: Task | None = None,
    engine: Model | None = None,
    make_engine: EngineMaker | None = None,
    cache: VerdictCache | None = None,
    seed: int = 0,
) -> Judge:
    """The judge a spec names (None: `default_spec(task)`), checked against `task` if one is given; or the judge of an
    object: a function that decides, a class of judges, a `JudgeKind`.

    `engine` is the model behind `llm` and `reward-model` cards that name none themselves; without it, `make_engine`
    (default: `create_model`) makes it from `model` and `model_args`. `decode` changes how cards generate, and makes
    them other judges by it; `gen_kwargs` are its words, to be recorded. With a `cache`, a model is never asked the same
    question twice. Raises UsageError for an unknown judge, an invalid card, a missing model, or a refused task.
    """
    if spec is None:
        if task is None:
            raise BadArgument("no judge named and no task to choose one for: name a judge")
        spec = default_spec(task)
    builder = _Builder(model, dict(model_args or {}), engine, make_engine or _create_model, cache, seed, decode)
    word = spec if isinstance(spec, str) else plugins.of(Contract.JUDGE, spec).word
    judge = builder.routed(parse_spec(spec)) if isinstance(spec, str) else builder.given(spec)
    words = JudgeWords(judge=word, model=model, model_args=dict(model_args or {}), gen_kwargs=dict(gen_kwargs or {}))
    judge.identity = judge.identity.model_copy(update={"words": words})
    if task is not None:
        judge.check(task)
    return judge


def shipped_judge(spec: str) -> Judge:
    """The judge of a spec that names shipped cards alone: for words that files of others name, which may lead to no
    other file and load nothing. Raises UsageError for any other."""
    for member in parse_spec(spec).members:
        if split_rule(member)[0] not in card_names():
            raise UnknownName(f"judge '{member}' is not shipped here")
    return create_judge(spec)


def needs_model(spec: str) -> bool:
    """Whether the spec (with its panels' members) has a card that needs `--judge_model`."""
    return any(card.lacks_model for member in parse_spec(spec).members for card in _cards(member))


def _cards(member: str, folder: Path | None = None) -> Iterator[BaseCard]:
    found = _declared(member, folder)
    yield found.card
    for name in found.card.members:
        yield from _cards(name, found.folder)


def _declared(member: str, folder: Path | None) -> Declared:
    """What a member names; a file that a card names is looked up beside the card."""
    name, rule = split_rule(member)
    found = declared(name, folder)
    return found if rule is None else replace(found, card=found.card.ruled(rule))


def _create_model(model: str, model_args: Mapping[str, str]) -> Model:
    from proactivebench.models import create_model

    return create_model(model, model_args)


class _Builder:
    """Builds members once each; engines with the same words are one engine."""

    def __init__(
        self,
        model: str | None,
        model_args: dict[str, str],
        engine: Model | None,
        make_engine: EngineMaker,
        cache: VerdictCache | None,
        seed: int,
        decode: Callable[[Decoding], Decoding] | None = None,
    ) -> None:
        self.model, self.model_args = model, model_args
        self.make_engine, self.cache, self.seed, self.decode = make_engine, cache, seed, decode
        self.engines: dict[str, Model] = {} if engine is None else {"": engine}
        self.kept: dict[str, Engine] = {}
        self.judges: dict[tuple[Path, str, Code | None], Judge] = {}

    def routed(self, spec: Spec) -> RoutedJudge:
        silence = [self.member(name, None) for name in spec.silence]
        proposals = [self.member(name, None) for name in spec.proposals]
        return self._route(spec, silence, proposals)

    def given(self, target: object) -> RoutedJudge:
        plug = plugins.of(Contract.JUDGE, target)
        member = [self._judge(of_plug(plug, plug.word))]
        return self._route(Spec((plug.word,), (plug.word,)), member, member)

    def _route(self, spec: Spec, silence: list[Judge], proposals: list[Judge]) -> RoutedJudge:
        engines: dict[str, Engine] = {}
        for engine in self.engines.values():  # two servers of one model's name are two all the same
            name, number = engine.identity.name, 2
            while name in engines:
                name, number = f"{engine.identity.name} ({number})", number + 1
            engines[name] = engine
        return RoutedJudge(composed_identity(spec, silence, proposals), silence, proposals, engines | self.kept)

    def member(self, name: str, folder: Path | None) -> Judge:
        return self._judge(_declared(name, folder))

    def _judge(self, found: Declared) -> Judge:
        if self.decode is not None:
            found = replace(found, card=found.card.decoded(self.decode))
        found = replace(found, card=self._said(found.card, found.folder))
        key = (found.folder, found.card.hash, found.code)
        if key not in self.judges:
            self.judges[key] = self._build(found)
        return self.judges[key]

    def _said(self, card: BaseCard, folder: Path) -> BaseCard:
        """The card with what is declared of its model's training labels beside the model's words; files that it names
        itself are looked up in its `folder`."""
        said = self.words(card)[1].get(ARGUMENT) if card.brings_weights else None
        if said is None:
            beside = tuple(str(folder / word) if (folder / word).is_file() else word for word in card.trained_on or ())
            return card.model_copy(update={"trained_on": beside}) if beside else card
        told = said_declared(said)
        if told is not None and not all(told):
            raise BadArgument(f"{ARGUMENT}={said:.80}: a name is missing: say {WAYS}")
        return card.model_copy(update={"trained_on": told})

    def _build(self, found: Declared) -> Judge:
        building = _Building(self, found)
        judge = found.kind.build(found.card, building)
        if self.cache is None or building.behind is None:
            return judge
        model = building.behind.model_dump(mode="json", exclude_none=True)
        return RememberingJudge(judge, self.cache, digest([judge.identity.hash, model]))

    def words(self, card: Any) -> tuple[str | None, dict[str, str]]:
        """The words of the model behind a card."""
        own = getattr(card, "model", None)
        return (own, card.model_args) if own is not None else (self.model, self.model_args)

    def engine(self, card: ModelCard) -> Model:
        if card.model is None and "" in self.engines:
            return self.engines[""]
        model, args = named(card, *self.words(card))
        key = "" if card.model is None else digest([model, args])
        if key not in self.engines:
            self.engines[key] = self.make_engine(model, behind(model, args, hashed=False).args)
        return self.engines[key]


def named(card: BaseCard, model: str | None, args: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The words of a model. Raises `UsageError` where there are none."""
    if model is None:
        raise BadArgument(
            f"judge {card.name} needs a model behind it: add --judge_model NAME --judge_model_args KEY=VALUE,… "
            "(the words of --model), or name it in a card"
        )
    return model, args


def _foreign(code: Code) -> dict[str, str]:
    """Where the code of a model from outside is from, to be recorded."""
    return {"package": code.package, "code": code.sha256 or "unknown"} | (
        {"version": code.version} if code.version else {}
    )


class _Building:
    """What a kind's builder has at hand for one card (`judging.kind.Building`)."""

    def __init__(self, builder: _Builder, found: Declared) -> None:
        self._builder, self._found = builder, found
        self.folder, self.seed = found.folder, builder.seed
        self.behind: AgentIdentity | None = None

    def identity(
        self,
        card: BaseCard,
        *,
        silence: str | None = "",
        proposals: str | None = "",
        model: AgentIdentity | None = None,
        content: str | None = None,
        baseline: bool = False,
        deterministic: bool = False,
    ) -> JudgeIdentity:
        self.behind = model
        said = Behind({}) if model is None else self._said(card)
        return member_identity(
            card,
            card.name if silence == "" else silence,
            card.name if proposals == "" else proposals,
            model=model,
            weights=said.weights,
            runtime=said.runtime if model is None or model.code is None else {**said.runtime, **_foreign(model.code)},
            content=content,
            code=self._found.code,
            baseline=baseline,
            deterministic=deterministic,
        )

    def engine(self, card: ModelCard) -> Model:
        return self._builder.engine(card)

    def named(self, card: Any) -> tuple[str, dict[str, str]]:
        model, args = named(card, *self._builder.words(card))
        return model, behind(model, args, hashed=False).args

    def keep(self, name: str, engine: Engine) -> None:
        self._builder.kept[name] = engine

    def member(self, word: str) -> Judge:
        return self._builder.member(word, self.folder)

    def _said(self, card: Any) -> Behind:
        """What is said of the weights behind a card; files in process are hashed only for a judge known by them."""
        model, args = self._builder.words(card)
        return Behind({}) if model is None else behind(model, args, hashed=card.known_by_weights)
