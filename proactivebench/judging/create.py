"""From a judge's spec to the judge: cards are read, models behind are shared, all is hashed into one identity."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

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
from proactivebench.judging.route import Engine, RoutedJudge
from proactivebench.judging.spec import Spec, default_spec, parse_spec, split_rule
from proactivebench.records import AgentIdentity, JudgeIdentity, Task, digest

EngineMaker = Callable[[str, Mapping[str, str]], Agent]

# Arguments that say how a model is reached, not which model it is: the same weights on another port are the same judge.
TRANSPORT = {
    "base_url", "batch_size", "concurrency", "device", "max_batch_size", "max_retries", "num_concurrent", "timeout",
    "timeout_s",
}  # fmt: skip


def create_judge(
    spec: str | None = None,
    *,
    model: str | None = None,
    model_args: Mapping[str, str] | None = None,
    task: Task | None = None,
    engine: Agent | None = None,
    make_engine: EngineMaker | None = None,
    cache: VerdictCache | None = None,
    seed: int = 0,
) -> Judge:
    """The judge a spec names (None: `default_spec(task)`), checked against `task` if one is given.

    `engine` is the model behind `llm` and `reward-model` cards that name none themselves; without it, `make_engine`
    (default: `create_agent`) makes it from `model` and `model_args`. With a `cache`, a model is never asked the same
    question twice. Raises UsageError for an unknown judge, an invalid card, a missing model, or a refused task.
    """
    if spec is None:
        if task is None:
            raise UsageError("no judge named and no task to choose one for: name a judge")
        spec = default_spec(task)
    builder = _Builder(model, dict(model_args or {}), engine, make_engine or _create_agent, cache, seed)
    judge = builder.routed(parse_spec(spec))
    if task is not None:
        judge.check(task)
    return judge


def needs_model(spec: str) -> bool:
    """Whether the spec (with its panels' members) has a card that needs `--judge_model`."""
    return any(_needs_model(member, Path()) for member in parse_spec(spec).members)


def _needs_model(member: str, folder: Path) -> bool:
    path, card = _locate(member, folder)
    if isinstance(card, PanelCard):
        return any(_needs_model(name, path.parent) for name in card.panel)
    return isinstance(card, ModelCard | ClassifierCard) and card.model is None


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
    ) -> None:
        self.model, self.model_args = model, model_args
        self.make_engine, self.cache, self.seed = make_engine, cache, seed
        self.engines: dict[str, Agent] = {} if engine is None else {"": engine}
        self.scorers: dict[str, Scorer] = {}
        self.judges: dict[str, Judge] = {}

    def routed(self, spec: Spec) -> RoutedJudge:
        silence = [self.member(name, Path()) for name in spec.silence]
        proposals = [self.member(name, Path()) for name in spec.proposals]
        engines: dict[str, Engine] = {engine.identity.name: engine for engine in self.engines.values()}
        return RoutedJudge(_identity(spec, silence, proposals), silence, proposals, engines | self.scorers)

    def member(self, name: str, folder: Path) -> Judge:
        path, card = _locate(name, folder)
        key = f"{path}:{card.hash}"
        if key not in self.judges:
            self.judges[key] = self._build(card, path)
        return self.judges[key]

    def _build(self, card: Card, path: Path) -> Judge:
        if isinstance(card, LabelsCard):
            from proactivebench.judging.labels import LabelsJudge

            return LabelsJudge(card, _member_identity(card, f"labels:{card.rule}", "labels", deterministic=True))
        if isinstance(card, LexicalCard):
            from proactivebench.judging.lexical import LexicalJudge

            return LexicalJudge.from_card(card, path.parent, _member_identity)
        if isinstance(card, PanelCard):
            from proactivebench.judging.panel import PanelJudge

            members = [self.member(name, path.parent) for name in card.panel]
            return PanelJudge(card, members, _panel_identity(card, members))
        if isinstance(card, ClassifierCard):
            return self._classifier(card)
        return self._asking(card)

    def _asking(self, card: LLMCard | RewardModelCard) -> Judge:
        engine = self._engine(card)
        judge: Judge
        if isinstance(card, LLMCard):
            from proactivebench.judging.llm import LLMJudge

            identity = _member_identity(card, card.name, card.name, model=engine.identity)
            judge = LLMJudge(card, engine, identity, seed=self.seed)
        else:
            from proactivebench.judging.released import read_reward_template
            from proactivebench.judging.reward_model import RewardModelJudge

            template = read_reward_template()
            identity = _member_identity(card, card.name, card.name, model=engine.identity, content=template.hash)
            judge = RewardModelJudge(card, engine, identity, template, seed=self.seed)
        return self._remembered(judge, engine.identity)

    def _classifier(self, card: ClassifierCard) -> Judge:
        model, args = self._named(card)
        behind = classifier_identity(model, args)
        identity = _member_identity(card, card.name, card.name, model=behind)
        scorer = self.scorers[f"{card.name}: {behind.name}"] = create_scorer(card, model, args)
        return self._remembered(ClassifierJudge(card, scorer, identity), behind)

    def _remembered(self, judge: Judge, behind: AgentIdentity) -> Judge:
        if self.cache is None:
            return judge
        return RememberingJudge(judge, self.cache, digest([judge.identity.hash, behind.model_dump(mode="json")]))

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
            self.engines[key] = self.make_engine(model, args)
        return self.engines[key]


def model_key(model: AgentIdentity) -> dict[str, object]:
    """What of a model's identity makes it another judge: its words without how it is reached."""
    args = {name: value for name, value in model.model_args.items() if name not in TRANSPORT}
    return {"model": model.model, "model_args": args}


def _member_identity(
    card: Card,
    silence: str | None,
    proposals: str | None,
    *,
    model: AgentIdentity | None = None,
    content: str | None = None,
    baseline: bool = False,
    deterministic: bool = False,
) -> JudgeIdentity:
    """The identity of one card with the model (or weights, by content hash) behind it."""
    behind = None if model is None else model_key(model)
    whole = digest({"card": card.hash, "model": behind, "content": content})
    return JudgeIdentity(
        id=judge_id(card.name, whole),
        name=card.name,
        hash=whole,
        silence=silence,
        proposals=proposals,
        baseline=baseline,
        deterministic=deterministic,
        model=None if model is None else model.name,
        card=card.model_dump(mode="json"),
    )


def _panel_identity(card: PanelCard, members: list[Judge]) -> JudgeIdentity:
    whole = digest({"card": card.hash, "members": [judge.identity.hash for judge in members]})
    return JudgeIdentity(
        id=judge_id(card.name, whole),
        name=card.name,
        hash=whole,
        silence=card.name,
        proposals=card.name,
        baseline=any(judge.identity.baseline for judge in members),
        deterministic=all(judge.identity.deterministic for judge in members),
        model=_models(members),
        card={**card.model_dump(mode="json"), "members": {j.identity.id: j.identity.card for j in members}},
    )


def _identity(spec: Spec, silence: list[Judge], proposals: list[Judge]) -> JudgeIdentity:
    """The identity of a whole composition; that of a single card alone is the card's own."""
    members = list({id(judge): judge for judge in (*silence, *proposals)}.values())
    if len(members) == 1 and spec.silence and spec.proposals:
        return members[0].identity
    name = "-".join(dict.fromkeys(judge.identity.name for judge in members))
    chains = {"silence": [j.identity.hash for j in silence], "proposals": [j.identity.hash for j in proposals]}
    whole = digest(chains)
    return JudgeIdentity(
        id=judge_id(name, whole),
        name=name,
        hash=whole,
        silence="+".join(judge.identity.silence or "" for judge in silence) or None,
        proposals="+".join(judge.identity.proposals or "" for judge in proposals) or None,
        baseline=any(judge.identity.baseline for judge in members),
        deterministic=all(judge.identity.deterministic for judge in members),
        model=_models(members),
        card={
            "spec": str(spec),
            "silence": [judge.identity.id for judge in silence],
            "proposals": [judge.identity.id for judge in proposals],
            "members": {judge.identity.id: judge.identity.card for judge in members},
        },
    )


def _models(members: list[Judge]) -> str | None:
    return "+".join(dict.fromkeys(j.identity.model for j in members if j.identity.model)) or None


def judge_id(name: str, whole: str) -> str:
    """File-safe name and eight hex digits of the hash."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:80]}-{whole[:8]}"
