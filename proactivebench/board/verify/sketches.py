"""How much of what one entry offers another offers too: shingles of letters, sampled, compared moment by moment.

A shingle is five letters or digits in a row of a folded text (no case, accents, signs, spaces; look-alikes in one
script), so a changed letter costs five shingles and a changed word a few more, and what is put around a text costs
none. A fixed eighth of all possible shingles is kept, the same for everybody: shares of samples are shares of texts. A
moment of which none is kept says nothing, and counts for nothing.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Record
from proactivebench.text.lookalikes import folded

SHINGLE = 5
SAMPLED = 3  # of all shingles a share of 2^-3 is kept
MOST_KEPT = 50_000  # of one rollout; of longer texts a smaller share is kept
NEAR = (-1, 0, 1)  # a moment and its neighbours: an offer may have been moved by one
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_COMMON = 8  # a shingle that more than one in so many offers is counted by dense products

_TOGETHER = 2**17  # shingles that one product counts
_DENSE = 2**21  # elements of a dense matrix

Hashes = NDArray[np.uint32]
Names = NDArray[np.uint64]  # of a shingle at a moment
Place = tuple[str, int]
Offered = tuple[NDArray[np.int64], Hashes, NDArray[np.float32]]  # whose shingle, which, its weight
Entries = tuple[NDArray[np.float32], tuple[NDArray[np.int64], NDArray[np.int64]]]  # a sparse matrix's: what, where


class Sketch(Record):
    """One rollout's offers: by moment (`trace/turn`) the shingles kept, as base64 of 32-bit numbers; `level` says which
    share of 2^-level was kept."""

    level: int
    at: dict[str, str]

    @cached_property
    def hashes(self) -> dict[Place, Hashes]:
        """The shingles by trace and turn."""
        found = {}
        for moment, packed in self.at.items():
            trace, _, turn = moment.rpartition("/")
            found[trace, int(turn)] = np.frombuffer(b64decode(packed), dtype="<u4").astype(np.uint32)
        return found

    @property
    def size(self) -> float:
        """How many shingles a moment has on average, kept or not."""
        return sum(map(len, self.hashes.values())) * 2.0**self.level / max(1, len(self.at))


def sketch(offers: Mapping[str, Iterable[str]]) -> Sketch:
    """The sketch of one rollout's offers by moment."""
    hashes = {moment: _shingles(texts) for moment, texts in offers.items()}
    level = SAMPLED
    kept = {moment: _kept(found, level) for moment, found in hashes.items()}
    while sum(map(len, kept.values())) > MOST_KEPT and level < 31:
        level += 1
        kept = {moment: _kept(found, level) for moment, found in kept.items()}
    return Sketch(
        level=level, at={moment: b64encode(one.astype("<u4").tobytes()).decode() for moment, one in kept.items()}
    )


def coverage(left: Sequence[Sketch], right: Sequence[Sketch]) -> NDArray[np.float32]:
    """(left, right): the share of a left sketch's text that the right one has at the same moments or next to them, as
    the mean over the left one's moments, each of one weight."""
    levels = np.array([one.level for one in left]), np.array([one.level for one in right])
    pairs = np.maximum(levels[0][:, None], levels[1][None, :])
    found = np.zeros(pairs.shape, dtype=np.float32)
    for level in np.unique(pairs):
        these, those = np.flatnonzero(levels[0] <= level).tolist(), np.flatnonzero(levels[1] <= level).tolist()
        mine = [left[row] for row in these]
        theirs = mine if left is right else [right[row] for row in those]
        shares = _coverage(mine, theirs, int(level))
        block = np.ix_(these, those)
        found[block] = np.where(pairs[block] == level, shares, found[block])
    return found


def _shingles(texts: Iterable[str]) -> Hashes:
    """The hashes of all shingles of some texts, each once and in order."""
    found = [_hashed(text) for text in dict.fromkeys(texts)]
    return np.unique(np.concatenate(found)) if len(found) > 1 else found[0]


@lru_cache(maxsize=256)  # rollouts repeat themselves
def _hashed(text: str) -> Hashes:
    letters = (folded(text) or text).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(letters, dtype="<u4").astype(np.uint64)
    if len(codes) < SHINGLE:
        codes = np.concatenate([codes, np.zeros(SHINGLE - len(codes), dtype=np.uint64)])
    mixed = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):
        mixed = mixed * _FACTOR + codes[place : place + len(mixed)] + np.uint64(1)
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))


def _kept(hashes: Hashes, level: int) -> Hashes:
    """Of sorted hashes those that are kept at a level."""
    return hashes[: int(np.searchsorted(hashes, np.uint32(2 ** (32 - level) - 1), side="right"))]


def _coverage(left: Sequence[Sketch], right: Sequence[Sketch], level: int) -> NDArray[np.float32]:
    mine = _by_moment(left, level)
    theirs = mine if left is right else _by_moment(right, level)
    shape = len(left), len(right)
    found = np.zeros(shape, dtype=np.float32)
    for moments in _batches(mine, theirs):
        ours = _side([mine[moment] for moment, _ in moments])
        near = _side([_joined_up([theirs[place] for place in places]) for _, places in moments])
        found += _shared(ours, near, shape)
    telling = np.zeros(len(left), dtype=np.float32)
    for rows, _, _ in mine.values():
        telling[np.unique(rows)] += 1
    found /= np.maximum(np.float32(1), telling)[:, None]
    return found


def _batches(
    mine: Mapping[Place, Offered], theirs: Mapping[Place, Offered]
) -> Iterator[list[tuple[Place, list[Place]]]]:
    """The moments of the one with those of the other at or next to them that hold any shingle, as many at a time as are
    counted in one product."""
    batch: list[tuple[Place, list[Place]]] = []
    size = 0
    for trace, turn in mine:
        near = [(trace, turn + step) for step in NEAR if (trace, turn + step) in theirs]
        held = sum(len(theirs[place][0]) for place in near)
        if not held:
            continue
        if batch and size + held > _TOGETHER:
            yield batch
            batch, size = [], 0
        batch.append(((trace, turn), near))
        size += held
    if batch:
        yield batch


def _by_moment(sketches: Sequence[Sketch], level: int) -> dict[Place, Offered]:
    """By moment: whose shingle, which, and its weight, one over the number its owner has there."""
    parts: dict[Place, list[tuple[int, Hashes]]] = {}
    for row, one in enumerate(sketches):
        for place, hashes in one.hashes.items():
            parts.setdefault(place, []).append((row, hashes if one.level == level else _kept(hashes, level)))
    return {place: _joined(offered) for place, offered in parts.items()}


def _joined(offered: Sequence[tuple[int, Hashes]]) -> Offered:
    sizes = np.array([len(hashes) for _, hashes in offered])
    rows = np.repeat(np.array([row for row, _ in offered], dtype=np.int64), sizes)
    return (
        rows,
        np.concatenate([hashes for _, hashes in offered]),
        np.repeat(1 / np.maximum(1, sizes), sizes).astype(np.float32),
    )


def _joined_up(offered: Sequence[Offered]) -> Offered:
    rows, hashes, weights = zip(*offered, strict=True)
    return np.concatenate(rows), np.concatenate(hashes), np.concatenate(weights)


def _side(moments: Sequence[Offered]) -> tuple[NDArray[np.int64], Names, NDArray[np.float32]]:
    """The shingles of several moments, each named by its moment and its hash."""
    rows, hashes, weights = _joined_up(moments)
    place = np.repeat(np.arange(len(moments), dtype=np.uint64), [len(one[0]) for one in moments])
    return rows, (place << np.uint64(32)) | hashes, weights


def _shared(
    mine: tuple[NDArray[np.int64], Names, NDArray[np.float32]],
    theirs: tuple[NDArray[np.int64], Names, NDArray[np.float32]],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """(left, right): the weight of the left ones' shingles, summed over some moments, that the right ones have there or
    next to there. Where few have offered, all products are dense; else those alone of shingles that many share."""
    names, columns = np.unique(theirs[1], return_inverse=True)
    owned = np.unique(theirs[0] * len(names) + columns)  # a shingle of two moments next to each other is one
    rows, columns = np.divmod(owned, len(names))
    places = np.minimum(np.searchsorted(names, mine[1]), len(names) - 1)
    there = names[places] == mine[1]
    placed, heavy = (mine[0][there], places[there]), mine[2][there]
    if max(shape) * len(names) <= _DENSE:
        left, right = (np.zeros((each, len(names)), dtype=np.float32) for each in shape)
        left[placed] = heavy  # its owner has a shingle once
        right[rows, columns] = 1
        return left @ right.T
    return _sparsely((heavy, placed), (np.ones(len(rows), dtype=np.float32), (rows, columns)), (*shape, len(names)))


def _sparsely(mine: Entries, theirs: Entries, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    from scipy.sparse import csr_matrix

    names = shape[2]
    left, right = csr_matrix(mine, shape=(shape[0], names)), csr_matrix(theirs, shape=(shape[1], names))
    common = np.bincount(theirs[1][1], minlength=names) > max(_COMMON, shape[1] // _COMMON)
    found = np.asarray((left[:, ~common] @ right[:, ~common].T).toarray(), dtype=np.float32)
    if common.any():
        found += left[:, common].toarray() @ right[:, common].toarray().T
    return found
