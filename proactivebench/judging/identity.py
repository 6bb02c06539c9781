"""Who a judge is: its id is its name and eight hex digits of a hash over its cards and the model behind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from proactivebench.errors import BadArgument
from proactivebench.judging.base import Judge
from proactivebench.judging.kind import BaseCard
from proactivebench.judging.measurement import UNDECLARED
from proactivebench.judging.spec import STRATA, Spec
from proactivebench.records import AgentIdentity, Code, JudgeIdentity, JudgeMember, Stratum, digest

# Arguments that say how a model is reached, not which model it is: the same weights on another port are the same judge.
TRANSPORT = {
    "base_url", "batch_size", "concurrency", "device", "key_env", "max_batch_size", "max_retries", "num_concurrent",
    "timeout", "timeout_s",
}  # fmt: skip

FITTED_ON = "each person's first votes on offers of the judged trace, before the judged moment"


def model_key(model: AgentIdentity) -> dict[str, object]:
    """What of a model's identity makes it another judge: its words without how it is reached."""
    args = {name: value for name, value in model.model_args.items() if name not in TRANSPORT}
    code = {"code": model.code.sha256} if model.code else {}
    return {"model": model.model, "model_args": args, **code}


def member_identity(
    card: BaseCard,
    silence: str | None,
    proposals: str | None,
    *,
    model: AgentIdentity | None = None,
    weights: str | None = None,
    runtime: Mapping[str, str] | None = None,
    content: str | None = None,
    code: Code | None = None,
    baseline: bool = False,
    deterministic: bool = False,
) -> JudgeIdentity:
    """The identity of one card with the model (or weights, by content hash) behind it, and of how its text is read.
    The paper's judge is known by its weights as declared (`undeclared`, where they are not), whatever name its model is
    served under; any other by the words of its model, and by weights where they are declared. `code` is that of a kind
    from outside: the same card under other code is another judge. `runtime` is recorded."""
    behind = None if model is None else model_key(model)
    if card.known_by_weights:
        weights = weights or UNDECLARED
        behind = {"weights": weights}
    elif behind is not None and weights is not None:
        behind["weights"] = weights
    members = tuple(
        JudgeMember(stratum=stratum, name=word, kind=card.kind, rule=card.need_rule, fallible=card.fallible, code=code)
        for stratum, word in zip(STRATA, (silence, proposals), strict=True)
        if word is not None
    )
    reading = {} if card.reading is None else {"reading": card.reading}
    foreign = {} if code is None else {"code": code.sha256}
    whole = digest({"card": card.hash, "model": behind, "content": content, **reading, **foreign})
    return JudgeIdentity(
        id=judge_id(card.name, whole),
        name=card.name,
        hash=whole,
        silence=silence,
        proposals=proposals,
        members=members,
        baseline=baseline,
        deterministic=deterministic,
        model=None if model is None else model.name,
        weights=weights,
        runtime=dict(runtime or {}),
        card=card.model_dump(mode="json") | ({} if code is None else {"code": code.model_dump(mode="json")}),
    )


def token_limits(identity: JudgeIdentity) -> tuple[int, ...]:
    """The `max_gen_toks` of every judge in an identity that generates text, members of members included."""
    limits: list[int] = []
    cards: list[Any] = [identity.card]
    while cards:
        card = cards.pop()
        if isinstance(card, Mapping):
            decoding = card.get("decoding")
            if isinstance(decoding, Mapping) and isinstance(decoding.get("max_gen_toks"), int):
                limits.append(decoding["max_gen_toks"])
            cards += list(card.get("members", {}).values()) if isinstance(card.get("members"), Mapping) else []
    return tuple(sorted(set(limits)))


def same_but_for_decoding(one: JudgeIdentity, other: JudgeIdentity) -> bool:
    """Whether two judges decide by the same cards and models, and differ in how these generate."""
    named = [(judge.name, judge.silence, judge.proposals, judge.model) for judge in (one, other)]
    return one.id != other.id and named[0] == named[1] and _without_decoding(one.card) == _without_decoding(other.card)


def _without_decoding(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card as it is whatever its decoding; members are named by their place, since ids hold a hash over it."""
    chains = [key for key in ("silence", "proposals") if isinstance(card.get(key), list)]
    kept = {key: value for key, value in card.items() if key not in ("decoding", "members", *chains)}
    members = card.get("members")
    if isinstance(members, Mapping):
        kept["members"] = [_without_decoding(member) for member in members.values()]
    return kept


def panel_identity(card: BaseCard, members: Sequence[Judge]) -> JudgeIdentity:
    """The identity of a panel: its card and all its members."""
    whole = digest({"card": card.hash, "members": [judge.identity.hash for judge in members]})
    return JudgeIdentity(
        id=judge_id(card.name, whole),
        name=card.name,
        hash=whole,
        silence=card.name,
        proposals=card.name,
        members=tuple(
            JudgeMember(
                stratum=stratum,
                name=card.name,
                kind=card.kind,
                fallible=any(j.identity.fallible(stratum) for j in members),
                code=next((m.code for j in members for m in j.identity.members if m.code), None),
            )
            for stratum in STRATA
        ),
        baseline=any(judge.identity.baseline for judge in members),
        deterministic=all(judge.identity.deterministic for judge in members),
        model=_models(members),
        card={**card.model_dump(mode="json"), "members": {j.identity.id: j.identity.card for j in members}},
    )


def personal_identity(card: BaseCard, base: Judge) -> JudgeIdentity:
    """The identity of a judge that moves another's score by people's votes: its card and that judge. On which labels
    the weights behind were trained is what the base says; itself it is fitted on votes of the judged trace, before the
    judged moment (`fitted_on`)."""
    inner = base.identity
    whole = digest({"card": card.hash, "base": inner.hash})
    code = next((member.code for member in inner.members if member.code), None)
    told = {name: inner.card[name] for name in ("trained_on", "validation", "model_args") if name in inner.card}
    return JudgeIdentity(
        id=judge_id(card.name, whole),
        name=card.name,
        hash=whole,
        silence=card.name,
        proposals=card.name,
        members=tuple(JudgeMember(stratum=stratum, name=card.name, kind=card.kind, code=code) for stratum in STRATA),
        baseline=inner.baseline,
        deterministic=inner.deterministic,
        model=inner.model,
        weights=inner.weights,
        runtime=inner.runtime,
        card={**card.model_dump(mode="json"), **told, "fitted_on": FITTED_ON, "members": {inner.id: inner.card}},
    )


def composed_identity(spec: Spec, silence: Sequence[Judge], proposals: Sequence[Judge]) -> JudgeIdentity:
    """The identity of a whole composition; that of a single card alone is the card's own.

    Raises `UsageError` where verdicts could not tell two members of a chain apart.
    """
    members = list({id(judge): judge for judge in (*silence, *proposals)}.values())
    if len(members) == 1 and spec.silence and spec.proposals:
        return members[0].identity
    asked = _asked(spec, "silence", silence) + _asked(spec, "proposals", proposals)
    name = "-".join(dict.fromkeys(judge.identity.name for judge in members))
    chains = {"silence": [j.identity.hash for j in silence], "proposals": [j.identity.hash for j in proposals]}
    whole = digest(chains)
    return JudgeIdentity(
        id=judge_id(name, whole),
        name=name,
        hash=whole,
        silence="+".join(judge.identity.silence or "" for judge in silence) or None,
        proposals="+".join(judge.identity.proposals or "" for judge in proposals) or None,
        members=asked,
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


def _asked(spec: Spec, stratum: Stratum, chain: Sequence[Judge]) -> tuple[JudgeMember, ...]:
    members = tuple(member for judge in chain for member in judge.identity.chain(stratum))
    names = [member.name for member in members]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadArgument(
            f"judge '{spec}': two judges for {stratum} call themselves '{twice}', so that no verdict tells which of "
            "them decided: give one of the cards another name"
        )
    return members


def _fallible(judge: Judge) -> bool:
    return any(member.fallible for member in judge.identity.members)


def _models(members: Sequence[Judge]) -> str | None:
    return "+".join(dict.fromkeys(j.identity.model for j in members if j.identity.model)) or None


def judge_id(name: str, whole: str) -> str:
    """File-safe name and eight hex digits of the hash."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:80]}-{whole[:8]}"
