"""Asking an entry's model again, at traces drawn after it was submitted, and how far the answers agree."""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.agents import REPLAY, is_baseline
from proactivebench.board.entry.evidence import Evidence, read_evidence
from proactivebench.board.entry.redaction import HIDDEN
from proactivebench.board.entry.validation import board_holding, validate_evidence
from proactivebench.board.verify.reproduction import Reproduction, read_reproductions, write_reproduction
from proactivebench.errors import BadArgument, CheckFailed, InvalidRun, UsageError
from proactivebench.protocols import RELEASED, protocol_of
from proactivebench.protocols.recorded import RecordedProtocol
from proactivebench.records import Decoding, Manifest, Moment, NeedRule, Reply, Trace, printable
from proactivebench.scoring.conditions import condition_differences, made_under
from proactivebench.scoring.intervals import effective_size, wilson
from proactivebench.scoring.similarity import similar, tokens

if TYPE_CHECKING:
    from proactivebench.evaluation import Evaluation
    from proactivebench.preparation import Serving
    from proactivebench.store import RunStore

TRACES = 3
WORK = Path("runs") / "reproduced"
LEAST_GREEDY, LEAST_SAMPLED = 0.9, 0.75  # agreement on offer or silence at temperature 0, and above
FEW = 10  # offers made by both, from which on their words are looked at
LEAST_ALIKE = 0.2  # of these, alike in their words, at temperature 0
TELLING_ALIKE = 0.5  # so many show whose answers they are, where offers everywhere (or nowhere) show nothing
ONE_SIDED = 0.05  # p of so many differences in the entry's favour, were either way as likely
_NORMAL = 1.959964
# What a stranger's decoding may make our server do without our saying so: sample. Nothing that calls tools, asks for
# many answers, constrains them, or costs without bound.
_SAMPLING = frozenset(
    {
        "chat_template_kwargs",
        "enable_thinking",
        "frequency_penalty",
        "length_penalty",
        "min_p",
        "min_tokens",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "no_repeat_ngram_size",
        "presence_penalty",
        "reasoning_effort",
        "repetition_penalty",
        "seed",
        "skip_special_tokens",
        "tfs_z",
        "thinking_budget",
        "top_a",
        "top_k",
        "typical_p",
        "verbosity",
    }
)
_MOST_TOKENS = 32768
_SEED = re.compile(r"[A-Za-z0-9-]{8,64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry's model to be asked again: `evaluation` does so in `folder`, at the traces that `seed` drew; what comes
    of it is kept on the board at `root`."""

    evidence: Evidence
    manifest: Manifest
    key: str
    root: Path
    seed: str
    folder: Path
    evaluation: Evaluation

    @property
    def traces(self) -> Sequence[Trace]:
        """The traces drawn."""
        return self.evaluation.traces or ()


def ask_again(
    path: Path,
    model: str,
    model_args: Mapping[str, str],
    serving: Serving,
    *,
    traces: int = TRACES,
    seed: str | None = None,
    redraw: bool = False,
    other_name: bool = False,
    pass_on: bool = False,
    work_path: Path = WORK,
    stop: asyncio.Event | None = None,
) -> Asked:
    """What it takes to ask the model of the entry at `path` again, with its own protocol and decoding.

    The traces are drawn by the hash of the entry and a `seed`: a fresh one that nobody could know at submission, unless
    one is given. An earlier draw for the same entry goes on, unless `redraw` asks for another. `other_name` allows a
    model that calls itself otherwise than the entry says; `pass_on` to send the server what the entry's decoding says
    beyond sampling.

    Raises `UsageError` where it cannot be asked again, `CheckFailed` where the entry is not well formed, `DataError`
    where the data or the prompts cannot be had.
    """
    from proactivebench.evaluation import Evaluation
    from proactivebench.preparation import check_asked
    from proactivebench.traces import load_task

    root = board_holding(path)
    if root == path:
        raise UsageError(f"{path} is a board: name one of its entries, {path}/entries/ORG__MODEL/RUN")
    evidence = read_evidence(path)
    validation = validate_evidence(evidence)
    entry = evidence.entry
    if entry is None or not validation.accepted:
        raise CheckFailed(f"{path} is no whole entry: see `proactivebench leaderboard validate {path}`")
    manifest = entry.manifest
    if entry.sealed:  # its task's name is its makers' word, and may lead anywhere
        raise UsageError(f"{entry.key} answers a sealed set: only entries on public data are asked again")
    task = load_task(manifest.task.name)
    if task.data_hash != manifest.task.data_hash:
        raise UsageError(
            f"{entry.key} is about other data ({manifest.task.data_hash[:8]}) than {task.name} holds here "
            f"({task.data_hash[:8]}): it cannot be asked again"
        )
    decoding = manifest.decoding if is_baseline(model) else _decoding(entry.key, manifest, pass_on=pass_on)
    protocol = protocol_of(manifest.protocol)
    if isinstance(protocol, RecordedProtocol) and not is_baseline(model):
        raise UsageError(
            f"{entry.key} was asked under the protocol {manifest.protocol.name}, whose texts are not shipped or not at "
            "hand here: it cannot be asked again"
        )
    if manifest.protocol.feedback_rounds:
        raise UsageError(f"{entry.key} had a judge's advice between rounds: answers to advice are not asked again")
    check_asked(protocol, model)
    agent = serving.agent(model, model_args, protocol, task)
    if not other_name and _called(agent.identity.name) != _called(manifest.agent.name):
        raise UsageError(
            f"{entry.key} was answered by {manifest.agent.name}, and this is {agent.identity.name}: give that model, "
            "or say --other_name where the same weights are served under another name"
        )
    _refuse_used(root, evidence.digest, seed)
    seed = _seed(work_path / entry.key, evidence.digest, seed, redraw=redraw)
    drawn = draw(task.traces, evidence.digest, seed, traces)
    return Asked(
        evidence,
        manifest,
        entry.key,
        root,
        seed,
        work_path / entry.key / f"{evidence.digest[:12]}-{seed}",
        Evaluation(
            task=task,
            agent=agent,
            protocol=protocol,
            decoding=decoding,
            task_spec=manifest.task.name,
            seed=manifest.seed,
            concurrency=serving.concurrency,
            traces=drawn,
            stop=stop or asyncio.Event(),
        ),
    )


def conclude(asked: Asked, store: RunStore) -> tuple[Reproduction, Path]:
    """What the new answers show, and the file on the board that keeps it.

    Raises `InvalidRun` where not every moment has a final answer, `CannotWrite`."""
    again = [reply for reply in store.replies().values() if reply.repeat == 0 and reply.status.final]
    repeats = drawn_repeats(asked.traces, asked.evidence.digest, asked.seed, asked.manifest.repeats)
    first = [reply for reply in asked.evidence.replies if repeats.get(reply.trace_id) == reply.repeat]
    held = Held.of(asked.traces, first, again)
    before = read_reproductions(asked.root).get(asked.key)
    draw_number = 1
    if before and before.digest == asked.evidence.digest:
        draw_number = before.draw + (before.seed != asked.seed)
    conditions = (
        made_under(asked.manifest, sum(reply.dropped_turns > 0 for reply in asked.evidence.replies)),
        made_under(store.manifest, sum(reply.dropped_turns > 0 for reply in again)),
    )
    greedy = asked.evaluation.decoding is None or asked.evaluation.decoding.temperature == 0
    reason = held.failure(greedy=greedy)
    record = Reproduction(
        entry=asked.key,
        digest=asked.evidence.digest,
        model=asked.evaluation.agent.identity.name,
        date=datetime.now(UTC).date().isoformat(),
        seed=asked.seed,
        draw=draw_number,
        traces=tuple(trace.trace_id for trace in asked.traces),
        repeats=tuple(repeats[trace.trace_id] for trace in asked.traces),
        moments=held.moments,
        agreed=held.agreed,
        interval=held.interval,
        chance=held.chance,
        offered_by_both=held.both,
        identical=held.identical,
        similar=held.similar,
        conditions="; ".join(condition_differences(conditions, ("the entry", "the new answers"))),
        passed=not reason,
        reason=reason,
    )
    return record, write_reproduction(asked.root, record)


def draw(traces: Sequence[Trace], digest: str, seed: str, count: int = TRACES) -> tuple[Trace, ...]:
    """`count` of the traces, by an entry's hash and a seed, in the task's order: whoever knows both can draw again."""
    lot = random.Random(hashlib.sha256(f"{digest} {seed}".encode()).hexdigest())
    chosen = set(lot.sample(range(len(traces)), min(count, len(traces))))
    return tuple(trace for place, trace in enumerate(traces) if place in chosen)


def drawn_repeats(traces: Sequence[Trace], digest: str, seed: str, repeats: int) -> dict[str, int]:
    """Of the traces drawn the repeat of the entry that the new answers are held against, by the same lot: any of them
    may be forged."""
    lot = random.Random(hashlib.sha256(f"{digest} {seed} repeats".encode()).hexdigest())
    return {trace.trace_id: lot.randrange(repeats) for trace in traces}


@dataclass(frozen=True, slots=True)
class Held:
    """Two lots of answers held against each other. `agreed` of `moments` are an offer in both or a silence in both;
    `chance` is the share that would be, were the offers of each placed at random within its traces; of the moments with
    an offer in `both`, `identical` have the very words and `similar` like ones. `favoured`, per need rule: of the
    moments that differ, (those that are nearer to people's labels in the entry, all)."""

    moments: int
    traces: int
    agreed: int
    chance: float
    both: int
    identical: int
    similar: int
    favoured: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, traces: Sequence[Trace], first: Iterable[Reply], again: Iterable[Reply]) -> Held:
        """The answers of an entry, and new ones. Raises `InvalidRun` where the new ones are not whole."""
        said, now = _last(first), _last(again)
        places = [Moment(trace, turn) for trace in traces for turn in range(len(trace.events))]
        missing = sum((at.trace.trace_id, at.turn) not in now for at in places)
        if missing:
            raise InvalidRun(
                f"{missing} of {len(places)} moments have no answer yet: what was answered is kept; see to the server, "
                "then run the same command again"
            )
        pairs = [
            (said[at.trace.trace_id, at.turn].proposals, now[at.trace.trace_id, at.turn].proposals) for at in places
        ]
        both = [(then, new) for then, new in pairs if then and new]
        return cls(
            moments=len(places),
            traces=len(traces),
            agreed=sum(bool(then) is bool(new) for then, new in pairs),
            chance=_chance(traces, pairs),
            both=len(both),
            identical=sum(then == new for then, new in both),
            similar=sum(similar([*map(tokens, then)], [*map(tokens, new)]) for then, new in both),
            favoured=tuple(_favoured(places, pairs, rule) for rule in NeedRule),
        )

    @property
    def agreement(self) -> float:
        """Share of the moments that agree."""
        return self.agreed / max(1, self.moments)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the agreement: Wilson's, with the moments of a trace counted as hanging together as interval
        P has it where traces show no variation (three are too few to show any), and the normal quantile."""
        if not self.moments:
            return None
        return wilson(self.agreement, effective_size(self.moments, self.traces), _NORMAL)

    def failure(self, *, greedy: bool) -> str:
        """Why the entry's answers do not count as the model's; empty where they do."""
        if self.agreed == self.moments and self.identical == self.both:
            return ""
        least = LEAST_GREEDY if greedy else LEAST_SAMPLED
        if self.agreement < least:
            return f"at least {least:.0%} are asked for"
        for better, differing in self.favoured:
            if _tail(better, differing) <= ONE_SIDED:
                return f"{better} of {differing} differences are nearer to people's labels in the entry"
        alike = self.similar / self.both if self.both >= FEW else None
        if greedy and alike is not None and alike < LEAST_ALIKE:
            return f"only {self.similar} of {self.both} offers made by both are alike in their words"
        lower = self.interval[0] if self.interval else 0.0
        if lower <= self.chance and (alike is None or alike < TELLING_ALIKE):
            return f"offers placed by lot would agree at {self.chance:.0%}, so that this shows nothing"
        return ""


def _chance(traces: Sequence[Trace], pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> float:
    """The agreement to expect of offers placed at random, as many in each trace as there are."""
    expected, start = 0.0, 0
    for trace in traces:
        length = len(trace.events)
        own = pairs[start : start + length]
        then, new = (sum(bool(pair[side]) for pair in own) / length for side in (0, 1))
        expected += length * (then * new + (1 - then) * (1 - new))
        start += length
    return expected / max(1, start)


def _favoured(
    places: Sequence[Moment], pairs: Sequence[tuple[Sequence[str], Sequence[str]]], rule: NeedRule
) -> tuple[int, int]:
    """Of the labelled moments that differ those at which the entry is nearer to the labels, and all."""
    better = differing = 0
    for at, (then, new) in zip(places, pairs, strict=True):
        need = at.labels.needs(rule) if at.labels else None
        if need is not None and bool(then) is not bool(new):
            differing += 1
            better += bool(then) is need
    return better, differing


def _tail(hits: int, of: int) -> float:
    """The chance of at least so many heads of so many coins."""
    return float(sum(math.comb(of, each) for each in range(hits, of + 1)) / 2**of) if of else 1.0


def _last(replies: Iterable[Reply]) -> dict[tuple[str, int], Reply]:
    """The last round at each moment."""
    last: dict[tuple[str, int], Reply] = {}
    for reply in sorted(replies, key=lambda reply: reply.round):
        last[reply.trace_id, reply.turn] = reply
    return last


def _decoding(key: str, manifest: Manifest, *, pass_on: bool) -> Decoding:
    """The entry's own decoding. Raises `UsageError` where nobody knows it, and where it says more than how to sample,
    unless that is to be passed on."""
    if manifest.decoding is None or manifest.protocol.name == RELEASED or manifest.agent.model == REPLAY:
        raise UsageError(f"{key} holds answers replayed from elsewhere: its model cannot be asked under the same terms")
    if HIDDEN in map(str, manifest.decoding.extra.values()):
        raise UsageError(f"{key} does not tell all of its decoding ({HIDDEN}): it cannot be asked again")
    asked = [f"{name}={value!s:.40}" for name, value in manifest.decoding.extra.items() if not _samples(name, value)]
    if manifest.decoding.max_gen_toks > _MOST_TOKENS:
        asked.append(f"max_gen_toks={manifest.decoding.max_gen_toks}")
    if asked and not pass_on:
        raise UsageError(
            f"{key} would have your server asked for {printable(', '.join(asked)[:300])}: look at it, and say "
            "--pass_on if it may"
        )
    return manifest.decoding


def _samples(name: str, value: object) -> bool:
    """Whether a word of a stranger's decoding says how to sample, and nothing else."""
    values = value.values() if isinstance(value, dict) and name == "chat_template_kwargs" else [value]
    return name in _SAMPLING and all(one is None or isinstance(one, bool | int | float | str) for one in values)


def _called(name: str) -> str:
    """A model's name as different routes may spell it."""
    return name.replace("\\", "/").rsplit("/", 1)[-1].casefold()


def _refuse_used(root: Path, digest: str, seed: str | None) -> None:
    """Raise `UsageError` for a seed that stands in another record of the board: it is known to who submits."""
    for record in read_reproductions(root).values():
        if record.seed == seed and record.digest != digest:
            raise BadArgument(
                f"--seed {seed}: it has drawn for {record.entry} and is known since: give another, or none"
            )


def _seed(folder: Path, digest: str, given: str | None, *, redraw: bool) -> str:
    """The seed of a draw: one given, that of the draw begun last, or a fresh one."""
    if given is not None:
        if redraw:
            raise BadArgument("--redraw draws a seed of its own: leave out --seed")
        if not _SEED.fullmatch(given):
            raise BadArgument(
                f"--seed {given:.70}: 8 to 64 letters, digits and -, known to nobody before submission (who sends an "
                "entry could try all short ones); leave it out for a fresh one"
            )
        return given
    prefix = f"{digest[:12]}-"
    begun = sorted(folder.glob(f"{prefix}*"), key=lambda found: found.stat().st_mtime)
    if begun and not redraw:
        return begun[-1].name.removeprefix(prefix)
    return f"{datetime.now(UTC).date().isoformat()}-{secrets.token_hex(8)}"
