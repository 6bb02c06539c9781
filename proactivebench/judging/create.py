"""From a judge's spec to the judge: cards are read, models behind are shared, all is hashed into one identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from proactivebench.agents.base import Agent
from proactivebench.errors import UsageError
from proactivebench.judging.base import Judge
from proactivebench.judging.cache import RememberingJudge, VerdictCache
from proactivebench.judging.cards import (
    Card,
    ClassifierCard,
    LabelsCard,
    LexicalCard,
    LLMCard,
    ModelCard,
    PanelCard,
    RewardModelCard,
    card_path,
    read_card,
)
from proactivebench.judging.classifier import ClassifierJudge, Scorer, classifier_identity, create_scorer
from proactivebench.judging.identity import composed_identity, member_identity, panel_identity
from proactivebench.judging.route import Engine, RoutedJudge
from proactivebench.judging.spec import Spec, default_spec, parse_spec, split_rule
from proactivebench.judging.weights import Behind, behind
from proactivebench.records import AgentIdentity, Decoding, Design, JudgeWords, Task, digest

EngineMaker = Callable[[str, Mapping[str, str]], Agent]


def create_judge(
    spec: str | None = None,
    *,
    model: str | None = None,
    model_args: Mapping[str, str] | None = None,
    decode: Callable[[Decoding], Decoding] | None = None,
    gen_kwargs: Mapping[str, Any] | None = None,
    task: Task | None = None,
    engine: Agent | None = None,
    make_engine: EngineMaker | None = None,
    cache: VerdictCache | None = None,
    seed: int = 0,
) -> Judge:
    """The judge a spec names (None: `default_spec(task)`), checked against `task` if one is given.

    `engine` is the model behind `llm` and `reward-model` cards that name none themselves; without it, `make_engine`
    (default: `create_agent`) makes it from `model` and `model_args`. `decode` changes how cards generate, and makes
    them other judges by it; `gen_kwargs` are its words, to be recorded. With a `cache`, a model is never asked the same
    question twice. Raises UsageError for an unknown judge, an invalid card, a missing model, or a refused task.
    """
    if spec is None:
        if task is None:
            raise UsageError("no judge named and no task to choose one for: name a judge")
        spec = default_spec(task)
    builder = _Builder(model, dict(model_args or {}), engine, make_engine or _create_agent, cache, seed, decode)
    judge = builder.routed(parse_spec(spec))
    words = JudgeWords(judge=spec, model=model, model_args=dict(model_args or {}), gen_kwargs=dict(gen_kwargs or {}))
    judge.identity = judge.identity.model_copy(update={"words": words})
    if task is not None:
        judge.check(task)
    return judge


def needs_model(spec: str) -> bool:
    """Whether the spec (with its panels' members) has a card that needs `--judge_model`."""
    return any(
        isinstance(card, ModelCard | ClassifierCard) and card.model is None
        for member in parse_spec(spec).members
        for card in _cards(member, Path())
    )


def validation_design(spec: str) -> Design:
    """What validating the judge on the released labels amounts to: of all cards in it, the one that knows most."""
    designs = {card.validation for member in parse_spec(spec).members for card in _cards(member, Path())}
    return next(design for design in ("leaked", "leave-one-trace-out", "direct") if design in designs)


def _cards(member: str, folder: Path) -> Iterator[Card]:
    path, card = _locate(member, folder)
    yield card
    if isinstance(card, PanelCard):
        for name in card.panel:
            yield from _cards(name, path.parent)


def _locate(member: str, folder: Path) -> tuple[Path, Card]:
    """The card of a member; a file named in a panel's card is looked up beside it."""
    name, rule = split_rule(member)
    path = card_path(name)
    if path.suffix in (".yaml", ".yml") and not path.is_absolute():
        path = folder / path
    card = read_card(path)
    if rule is not None and isinstance(card, LabelsCard):
        card = card.model_copy(update={"rule": rule})
    return path, card


def _create_agent(model: str, model_args: Mapping[str, str]) -> Agent:
    from proactivebench.agents import create_agent

    return create_agent(model, model_args)


class _Builder:
    """Builds members once each; engines with the same words are one engine."""

    def __init__(
        self,
        model: str | None,
        model_args: dict[str, str],
        engine: Agent | None,
        make_engine: EngineMaker,
        cache: VerdictCache | None,
        seed: int,
        decode: Callable[[Decoding], Decoding] | None = None,
    ) -> None:
        self.model, self.model_args = model, model_args
        self.make_engine, self.cache, self.seed, self.decode = make_engine, cache, seed, decode
        self.engines: dict[str, Agent] = {} if engine is None else {"": engine}
        self.scorers: dict[str, Scorer] = {}
        self.judges: dict[str, Judge] = {}

    def routed(self, spec: Spec) -> RoutedJudge:
        silence = [self.member(name, Path()) for name in spec.silence]
        proposals = [self.member(name, Path()) for name in spec.proposals]
        engines: dict[str, Engine] = {}
        for engine in self.engines.values():  # two servers of one model's name are two all the same
            name, number = engine.identity.name, 2
            while name in engines:
                name, number = f"{engine.identity.name} ({number})", number + 1
            engines[name] = engine
        return RoutedJudge(composed_identity(spec, silence, proposals), silence, proposals, engines | self.scorers)

    def member(self, name: str, folder: Path) -> Judge:
        path, card = _locate(name, folder)
        if self.decode is not None and isinstance(card, ModelCard):
            card = card.model_copy(update={"decoding": self.decode(card.decoding)})
        key = f"{path}:{card.hash}"
        if key not in self.judges:
            self.judges[key] = self._build(card, path)
        return self.judges[key]

    def _build(self, card: Card, path: Path) -> Judge:
        if isinstance(card, LabelsCard):
            from proactivebench.judging.labels import LabelsJudge

            return LabelsJudge(card, member_identity(card, f"{card.name}:{card.rule}", card.name, deterministic=True))
        if isinstance(card, LexicalCard):
            from proactivebench.judging.lexical import LexicalJudge

            return LexicalJudge.from_card(card, path.parent, member_identity)
        if isinstance(card, PanelCard):
            from proactivebench.judging.panel import PanelJudge

            members = [self.member(name, path.parent) for name in card.panel]
            return PanelJudge(card, members, panel_identity(card, members))
        if isinstance(card, ClassifierCard):
            return self._classifier(card)
        return self._asking(card)

    def _asking(self, card: LLMCard | RewardModelCard) -> Judge:
        engine, said = self._engine(card), self._said(card)
        judge: Judge
        named = partial(
            member_identity,
            card,
            card.name,
            card.name,
            model=engine.identity,
            weights=said.weights,
            runtime=said.runtime,
        )
        if isinstance(card, LLMCard):
            from proactivebench.judging.llm import LLMJudge

            judge = LLMJudge(card, engine, named(), seed=self.seed)
        else:
            from proactivebench.judging.released import read_reward_template
            from proactivebench.judging.reward_model import RewardModelJudge

            template = read_reward_template()
            judge = RewardModelJudge(card, engine, named(content=template.hash), template, seed=self.seed)
        return self._remembered(judge, engine.identity)

    def _classifier(self, card: ClassifierCard) -> Judge:
        model, args = self._named(card)
        said = behind(model, args, hashed=False)
        who = classifier_identity(model, said.args)
        identity = member_identity(card, card.name, card.name, model=who, weights=said.weights, runtime=said.runtime)
        scorer = self.scorers[f"{card.name}: {who.name}"] = create_scorer(card, model, said.args)
        return self._remembered(ClassifierJudge(card, scorer, identity), who)

    def _remembered(self, judge: Judge, model: AgentIdentity) -> Judge:
        if self.cache is None:
            return judge
        return RememberingJudge(judge, self.cache, digest([judge.identity.hash, model.model_dump(mode="json")]))

    def _named(self, card: ModelCard | ClassifierCard) -> tuple[str, dict[str, str]]:
        model, args = (card.model, card.model_args) if card.model is not None else (self.model, self.model_args)
        if model is None:
            raise UsageError(
                f"judge {card.name} needs a model behind it: add --judge_model NAME --judge_model_args KEY=VALUE,… "
                "(the words of --model), or name it in a card"
            )
        return model, args

    def _engine(self, card: ModelCard) -> Agent:
        if card.model is None and "" in self.engines:
            return self.engines[""]
        model, args = self._named(card)
        key = "" if card.model is None else digest([model, args])
        if key not in self.engines:
            self.engines[key] = self.make_engine(model, behind(model, args, hashed=False).args)
        return self.engines[key]

    def _said(self, card: LLMCard | RewardModelCard) -> Behind:
        """What is said of the weights behind a card; files in process are hashed only for a judge known by them."""
        model, args = (card.model, card.model_args) if card.model is not None else (self.model, self.model_args)
        return Behind({}) if model is None else behind(model, args, hashed=isinstance(card, RewardModelCard))
