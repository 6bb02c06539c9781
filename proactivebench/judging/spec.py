"""How a judge is named on the command line: `NAME`, `card.yaml`, `silence=X,proposals=Y`, `X+Y`, `labels:RULE`."""

from __future__ import annotations

from dataclasses import dataclass

from proactivebench.errors import BadArgument, UnknownName
from proactivebench.records import NeedRule, Stratum, Task

STRATA: tuple[Stratum, ...] = ("silence", "proposals")
FORM = "use NAME, card.yaml, FILE.py:NAME, X+Y or silence=X,proposals=Y"


@dataclass(frozen=True, slots=True)
class Spec:
    """The sources of verdicts: in each chain the first that has an opinion decides. An empty chain: not asked."""

    silence: tuple[str, ...]
    proposals: tuple[str, ...]

    def __str__(self) -> str:
        if self.silence == self.proposals:
            return "+".join(self.silence)
        named = [f"{s}={'+'.join(getattr(self, s))}" for s in STRATA if getattr(self, s)]
        return ",".join(named)

    @property
    def members(self) -> tuple[str, ...]:
        """Every member once, in order of mention."""
        return tuple(dict.fromkeys((*self.silence, *self.proposals)))


def parse_spec(text: str) -> Spec:
    """The sources a judge spec names. Raises UsageError for what is not one."""
    parts = [part.strip() for part in text.split(",")]
    if "=" not in text:
        if len(parts) != 1:
            raise BadArgument(f"judge '{text}': a comma needs silence= and proposals= around it: {FORM}")
        chain = _chain(parts[0], text)
        return Spec(chain, chain)
    chains: dict[str, tuple[str, ...]] = {}
    for part in parts:
        stratum, _, members = part.partition("=")
        if stratum not in STRATA or stratum in chains:
            raise BadArgument(f"judge '{text}': '{part}' is not silence=X or proposals=Y, each at most once: {FORM}")
        chains[stratum] = _chain(members, text)
    return Spec(chains.get("silence", ()), chains.get("proposals", ()))


def _chain(members: str, text: str) -> tuple[str, ...]:
    chain = tuple(member.strip() for member in members.split("+"))
    if not all(chain):
        raise BadArgument(f"judge '{text}': a name is missing: {FORM}")
    if len(set(chain)) != len(chain):
        raise BadArgument(f"judge '{text}': a judge stands twice in one chain: {FORM}")
    return chain


def split_rule(member: str) -> tuple[str, NeedRule | None]:
    """A member's name and, for `labels:RULE`, the rule. Raises UsageError for an unknown rule."""
    name, colon, rule = member.partition(":")
    if name != "labels" or not colon:
        return member, None
    if rule not in list(NeedRule):
        raise UnknownName(f"judge '{member}': no such rule: use {' or '.join(f'labels:{known}' for known in NeedRule)}")
    return name, NeedRule(rule)


def default_spec(task: Task) -> str:
    """The judge where none is named: people's labels first where all moments are labelled, by their direct answers on
    need where these lead, else the baseline alone."""
    if not task.labelled:
        return "lexical"
    if (rule := task.need_rules[0]) is not NeedRule.ASKED:
        return "silence=labels,proposals=labels+lexical"
    return f"silence=labels:{rule}{'+lexical' * bool(task.lacking(rule))},proposals=labels+lexical"
