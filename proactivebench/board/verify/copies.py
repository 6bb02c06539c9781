"""Whose offers are whose: entries that offer nearly the same at the same moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proactivebench.board.entry.form import TRIVIAL, Entry
from proactivebench.board.entry.reading import MAX_ENTRY_BYTES, Refused, read_plain
from proactivebench.board.verify.sketches import Sketch, coverage, sketch
from proactivebench.errors import DataError
from proactivebench.records import Record, Reply, digest

ORIGINALS = "originals.txt"
TWIN_OFFERS = 10  # below this, like offers say nothing
# The least coverage of a copy: where both say as much at a moment, more for each time the other says twice as much
# (longer texts hold more of any text), and the most that is asked. The fifteen released models reach .41, pair by
# pair; all but one of them together hold .70 of the one, with ten times its text.
TWIN_SHARE, TWIN_SLOPE, TWIN_MOST = 0.55, 0.07, 0.9


class Offers(Record):
    """What an entry offered: a sketch of each rollout that differs, by moment, of the last round. Equal `who`: the same
    model run twice by the same people, or two trivial agents, which may well coincide; neither copies the other."""

    key: str
    data_hash: str
    who: str
    rollouts: tuple[Sketch, ...]


def offers_of(entry: Entry, replies: Iterable[Reply]) -> Offers:
    """What `entry` offered. Letters and digits of an offer count, folded, and nothing else of it."""
    last: dict[tuple[str, int, int], Reply] = {}
    for reply in sorted(replies, key=lambda reply: reply.round):
        last[reply.trace_id, reply.turn, reply.repeat] = reply
    offered: dict[int, dict[str, tuple[str, ...]]] = {}
    for (trace, turn, repeat), reply in last.items():
        if reply.proposals:
            offered.setdefault(repeat, {})[f"{trace}/{turn}"] = reply.proposals
    rollouts = {one.model_dump_json(): one for one in (sketch(offered[repeat]) for repeat in sorted(offered))}
    agent, declared = entry.manifest.agent, entry.declared
    same = [] if agent.model in TRIVIAL else [declared.organisation, declared.model, agent.model_dump(mode="json")]
    return Offers(
        key=entry.key,
        data_hash=entry.manifest.task.data_hash,
        who=digest(same)[:16],
        rollouts=tuple(rollouts.values()),
    )


def twins(mine: Offers, others: Iterable[Offers], originals: Collection[str] = ()) -> list[tuple[str, float]]:
    """The entries among `others` whose copy `mine` may be, the likest first, and how like each is. One of the
    `originals` is a copy of another of them only."""
    (found,) = all_twins([mine], list(others), originals)
    return found


def all_twins(
    entries: Sequence[Offers], others: Sequence[Offers], originals: Collection[str] = ()
) -> list[list[tuple[str, float]]]:
    """For each of `entries` what `twins` finds among `others`, in one go. `likeness` says what is like."""
    shares = likeness(entries, others)
    return [
        sorted(
            (
                (other.key, float(share))
                for other, share in zip(others, shares[place], strict=True)
                if share and (other.key in originals or entry.key not in originals)
            ),
            key=lambda twin: -twin[1],
        )
        for place, entry in enumerate(entries)
    ]


def copies(entries: Sequence[Offers], originals: Collection[str] = ()) -> dict[str, tuple[str, float]]:
    """For each entry that is like others its first twin, as `twins` finds it, one of the `originals` before others."""
    shares = likeness(entries, entries)
    listed = np.array([entry.key in originals for entry in entries])
    found = {}
    for place, entry in enumerate(entries):
        like = (shares[place] > 0) & (listed | (not listed[place]))
        if like.any():
            best = int(np.argmax(np.where(like, shares[place] + listed, -1)))
            found[entry.key] = (entries[best].key, float(shares[place, best]))
    return found


def likeness(entries: Sequence[Offers], others: Sequence[Offers]) -> NDArray[np.float32]:
    """(entries, others): how much of one's offers the other makes too, whichever of the two it is more of; 0 where that
    is no sign of a copy: on other data, by the same people's same model, below `TWIN_OFFERS` or `TWIN_SHARE`."""
    found = np.zeros((len(entries), len(others)), dtype=np.float32)
    for data in {entry.data_hash for entry in entries}:
        left = [place for place, entry in enumerate(entries) if entry.data_hash == data and entry.rollouts]
        right = [place for place, other in enumerate(others) if other.data_hash == data and other.rollouts]
        if left and right:
            near = [entries[place] for place in left]
            far = near if entries is others else [others[place] for place in right]
            there = _held(near, far)
            back = there if near is far else _held(far, near)
            found[np.ix_(left, right)] = np.maximum(there, back.T)
    for name in ("key", "who"):
        mine, theirs = (np.array([getattr(one, name) for one in side], dtype=str) for side in (entries, others))
        found[mine[:, None] == theirs[None, :]] = 0
    return found


def _held(mine: Sequence[Offers], theirs: Sequence[Offers]) -> NDArray[np.float32]:
    """(mine, theirs): the greatest coverage of a rollout of the one by a rollout of the other, 0 below what a copy
    has."""
    left = [one for offers in mine for one in offers.rollouts]
    right = left if mine is theirs else [one for offers in theirs for one in offers.rollouts]
    shares = coverage(left, right)
    sizes = np.array([one.size for one in left]), np.array([one.size for one in right])
    longer = np.log2(np.maximum(1, sizes[1][None, :] / np.maximum(1, sizes[0][:, None])))
    enough = np.array([len(one.at) >= TWIN_OFFERS for one in left])[:, None]
    shares[~(enough & (shares >= np.minimum(TWIN_MOST, TWIN_SHARE + TWIN_SLOPE * longer)))] = 0
    shares = np.maximum.reduceat(shares, _starts(mine), axis=0)
    return np.maximum.reduceat(shares, _starts(theirs), axis=1)


def _starts(entries: Sequence[Offers]) -> NDArray[np.int64]:
    """Where the rollouts of each entry begin among those of all."""
    counts = [len(entry.rollouts) for entry in entries]
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)


def explained(key: str, twin: tuple[str, float], originals: Collection[str]) -> str:
    """Why the entry `key` is marked as a copy, in words."""
    other, share = twin
    said = f"{share:.0%} of what one of {key} and {other} offers, the other offers at the same moments too"
    if other in originals and key not in originals:
        return f"{said}; {other} is named as the original."
    return f"{said}. Evidence does not tell who was first: a maintainer can name the original in {ORIGINALS}."


def read_originals(board: Path) -> frozenset[str]:
    """The keys of entries that the maintainers of `board` know to be first: the lines of its originals.txt.

    Raises `DataError` where there is such a file and it is no plain text of a sane size."""
    file = board / ORIGINALS
    if not file.exists() and not file.is_symlink():
        return frozenset()
    try:
        text = read_plain(file, MAX_ENTRY_BYTES).decode("utf-8")
    except (Refused, UnicodeDecodeError) as error:
        said = error if isinstance(error, Refused) else "is no UTF-8"
        raise DataError(f"{file} {said}: one key of an entry (ORG__MODEL/RUN) a line, # before a comment") from error
    return frozenset(line.partition("#")[0].strip() for line in text.splitlines()) - {""}
