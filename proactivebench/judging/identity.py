"""Who a judge is: its id is its name and eight hex digits of a hash over its cards and the model behind."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proactivebench.judging.base import Judge
from proactivebench.judging.cards import Card, PanelCard
from proactivebench.judging.spec import Spec
from proactivebench.records import AgentIdentity, JudgeIdentity, digest

# Arguments that say how a model is reached, not which model it is: the same weights on another port are the same judge.
TRANSPORT = {
    "base_url", "batch_size", "concurrency", "device", "key_env", "max_batch_size", "max_retries", "num_concurrent",
    "timeout", "timeout_s",
}  # fmt: skip


def model_key(model: AgentIdentity) -> dict[str, object]:
    """What of a model's identity makes it another judge: its words without how it is reached."""
    args = {name: value for name, value in model.model_args.items() if name not in TRANSPORT}
    return {"model": model.model, "model_args": args}


def member_identity(
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


def panel_identity(card: PanelCard, members: Sequence[Judge]) -> JudgeIdentity:
    """The identity of a panel: its card and all its members."""
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


def composed_identity(spec: Spec, silence: Sequence[Judge], proposals: Sequence[Judge]) -> JudgeIdentity:
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


def _models(members: Sequence[Judge]) -> str | None:
    return "+".join(dict.fromkeys(j.identity.model for j in members if j.identity.model)) or None


def judge_id(name: str, whole: str) -> str:
    """File-safe name and eight hex digits of the hash."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:80]}-{whole[:8]}"
