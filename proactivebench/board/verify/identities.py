"""What an entry says of things that are shipped here: its data, its judges, a trivial agent. It must be the thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from proactivebench.agents import create_agent
from proactivebench.agents.base import Turn
from proactivebench.board.entry.evidence import Finding
from proactivebench.board.entry.form import ENTRY, REPLIES, TRIVIAL, Entry
from proactivebench.board.verify.rejudging import local_judge
from proactivebench.errors import DataError, UsageError
from proactivebench.evaluation import run_async, task_identity
from proactivebench.judging.identity import judge_id
from proactivebench.judging.spec import STRATA
from proactivebench.protocols import Protocol, load_protocol, shipped_cards
from proactivebench.records import (
    Decoding,
    JudgeIdentity,
    JudgeMember,
    Moment,
    ProtocolIdentity,
    Record,
    Reply,
    Task,
    TaskIdentity,
)
from proactivebench.records.formats import UNKNOWN, judge_members
from proactivebench.text import normalised


def misstated(
    entry: Entry, task: Task, replies: Iterable[Reply], protocol: Protocol | None, unread: str
) -> Iterator[Finding]:
    """Where `entry` says of its data, its judges or its trivial agent what is not so. Without a `protocol`, `unread`
    says why there is none."""
    manifest = entry.manifest
    faults = (_task_fault(manifest.task, task), _protocol_fault(manifest.protocol))
    for fault in (*faults, *map(judge_fault, manifest.judges.values())):
        if fault:
            yield Finding(ENTRY, fault)
    if manifest.agent.model in TRIVIAL:
        if protocol is None:
            fault = f"the trivial agent {manifest.agent.model} cannot be asked again: {unread}"
        else:
            fault = _agent_fault(entry, task, replies, protocol)
        if fault:
            yield Finding(REPLIES, fault)


def judge_fault(identity: JudgeIdentity) -> str | None:
    """What an identity says of a judge that its own words or the judge shipped here contradict."""
    if not identity.members:
        return f"{identity.id} judges neither silences nor offers"
    for stratum, stated in zip(STRATA, (identity.silence, identity.proposals), strict=True):
        if stated != ("+".join(member.name for member in identity.chain(stratum)) or None):
            return f"the judge {identity.id[:80]} says that {stated} decides, and its members are others"
    members = "-".join(dict.fromkeys(member.name.partition(":")[0] for member in identity.members))
    if identity.name != members:
        return f"the judge {identity.name[:80]} decides by {members[:80]}: a judge is named by what decides"
    if identity.id != judge_id(identity.name, identity.hash):
        return f"the judge {identity.id[:80]} is not named by its name and hash"
    if fault := _members_fault(identity):
        return fault
    judge = local_judge(identity)
    if judge is None:
        return None
    if (judge.identity.silence, judge.identity.proposals) != (identity.silence, identity.proposals):
        hides = judge.identity.baseline and not identity.baseline
        return f"{identity.id} has a baseline among its members and says it has none" if hides else None
    other = _differing(judge.identity, identity)
    if not other:
        return None
    return f"{identity.id} is not the {identity.name} judge shipped here, {judge.identity.id}: other {', '.join(other)}"


def _members_fault(identity: JudgeIdentity) -> str | None:
    """What an identity says of its members that its cards do not."""
    told = [JudgeMember.model_validate(one) for one in judge_members(identity.model_dump(mode="json"))]
    for stated, card in zip(identity.members, told, strict=True):
        if card.kind not in (UNKNOWN, stated.kind) or (card.kind != UNKNOWN and card != stated):
            return f"{identity.id[:80]} says of {stated.name[:80]} what its card does not"
        if not stated.fallible and not stated.people and card.fallible:
            return f"{identity.id[:80]} says that {stated.name[:80]} cannot be wrong: only people's votes cannot"
    return None


def _task_fault(stated: TaskIdentity, task: Task) -> str | None:
    other = _differing(task_identity(task, stated.spec), stated)
    return f"says of {task.name} what the data does not: other {', '.join(other)}" if other else None


def _protocol_fault(stated: ProtocolIdentity) -> str | None:
    """The hash of a shipped protocol belongs to its own name and terms."""
    name = normalised(stated.name).casefold().strip()
    own = _shipped(name)
    if own is None or stated.hash != own.hash or not (other := _differing(own, stated)):
        return None
    return f"states the hash of the protocol {name} with another {', '.join(other)}"


@lru_cache(maxsize=64)
def _shipped(name: str) -> ProtocolIdentity | None:
    """The protocol of this name as it is shipped, in its own terms."""
    try:
        return load_protocol(name).identity if name in shipped_cards() else None
    except DataError:  # its texts are not at hand
        return None


def _agent_fault(entry: Entry, task: Task, replies: Iterable[Reply], protocol: Protocol) -> str | None:
    """A trivial agent is asked again: it stands in every table, so nobody else may answer in its name."""
    manifest = entry.manifest
    try:
        agent = create_agent(manifest.agent.model, manifest.agent.model_args, protocol=protocol, task=task)
    except UsageError as error:
        return f"says it is the trivial agent {manifest.agent.model}: {error}"
    other = _differing(agent.identity, manifest.agent)
    if other:
        return f"is not the trivial agent {manifest.agent.model}: other {', '.join(other)}"
    traces = {trace.trace_id: trace for trace in task.traces}
    given = list(replies)
    requests = [
        Turn(
            messages=(),
            decoding=manifest.decoding or Decoding(),
            moment=Moment(traces[reply.trace_id], reply.turn),
            repeat=reply.repeat,
            round=reply.round,
            seed=manifest.seed + reply.repeat,
        )
        for reply in given
    ]
    for reply, answer in zip(given, run_async(agent.answer_all(requests)), strict=True):
        parsed = protocol.parse(answer.text or "")
        if (parsed.status, parsed.proposals) != (reply.status, reply.proposals):
            return (
                f"{reply.trace_id} turn {reply.turn}: this is not what the trivial agent {agent.identity.name} answers"
            )
    return None


def _differing(own: Record, stated: Record) -> list[str]:
    """The fields in which two records of a kind differ. A judge's card is left out: its hash speaks for it, and what an
    entry says it reads like is shown nowhere; so are the words it was asked for in and how its model was reached."""
    mine = own.model_dump(mode="json", exclude={"card", "words", "runtime"})
    theirs = stated.model_dump(mode="json")
    return [name for name in mine if mine[name] != theirs.get(name)]
