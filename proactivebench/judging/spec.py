"""How a judge is named on the command line: `NAME`, `card.yaml`, `silence=X,proposals=Y`, `X+Y`, `labels:RULE`,
`personal:m=5,base=NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proactivebench.errors import BadArgument, UnknownName
from proactivebench.records import NeedRule, Stratum, Task

_INLINE = re.compile(r"[a-z][a-z-]*:[a-z_]+=")
_OPEN = re.compile(r"(?:^|[+=])[a-z][a-z-]*:[a-z_]+=[^+]*$")  # ends in a card in words, which a comma may continue
_OF_STRATUM = re.compile(r"(?:silence|proposals)=")
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
    parts = _parts(text)
    if not any(_OF_STRATUM.match(part) for part in parts) and (
        "=" not in text or any(map(is_inline, parts[0].split("+")))
    ):
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


def is_inline(member: str) -> bool:
    """Whether a member is a card in words: `KIND:FIELD=VALUE,…`."""
    return _INLINE.match(member.strip()) is not None


def inline_card(member: str) -> dict[str, str]:
    """The declaration that `KIND:FIELD=VALUE,…` stands for, named by all it says. Raises UsageError for a field without
    a value, or one given twice."""
    kind, _, rest = member.partition(":")
    found: dict[str, str] = {}
    for pair in rest.split(","):
        field, equals, value = (word.strip() for word in pair.partition("="))
        if not (field and equals and value) or field in found:
            raise BadArgument(f"judge '{member}': '{pair}' is not FIELD=VALUE, each field once: {kind}:FIELD=VALUE,…")
        found[field] = value
    numbers = [field + value if value.replace(".", "").isdigit() else value for field, value in sorted(found.items())]
    return {"name": re.sub(r"[^A-Za-z0-9._]+", "-", "-".join((kind, *numbers))), **found, "kind": kind}


def _parts(text: str) -> list[str]:
    """The parts between commas; those of a card in words stay together."""
    parts: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if parts and not _OF_STRATUM.match(part) and (_OPEN.search(parts[-1])):
            parts[-1] = f"{parts[-1]},{part}"
        else:
            parts.append(part)
    return parts


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
