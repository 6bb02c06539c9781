"""How much of what one entry offers another offers too: shingles of letters, sampled, compared moment by moment.

A shingle is five letters or digits in a row of a folded text (no case, accents, signs, spaces; look-alikes in one
script), so a changed letter costs five shingles and a changed word a few more, and what is put around a text costs
none. A fixed eighth of all possible shingles is kept, the same for everybody: shares of samples are shares of texts. A
moment of which none is kept says nothing, and counts for nothing.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
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

Hashes = NDArray[np.uint32]
Place = tuple[str, int]


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
    found = np.zeros((len(left), len(right)), dtype=np.float32)
    for (trace, turn), (rows, hashes, weights) in mine.items():
        near = [theirs[trace, turn + step] for step in NEAR if (trace, turn + step) in theirs]
        if any(len(one[0]) for one in near):
            other_rows = np.concatenate([one[0] for one in near])
            other_hashes = np.concatenate([one[1] for one in near])
            found += _shared((rows, hashes, weights), other_rows, other_hashes, found.shape)
    telling = np.zeros(len(left), dtype=np.float32)
    for rows, _, _ in mine.values():
        telling[np.unique(rows)] += 1
    found /= np.maximum(np.float32(1), telling)[:, None]
    return found


def _by_moment(
    sketches: Sequence[Sketch], level: int
) -> dict[Place, tuple[NDArray[np.int64], Hashes, NDArray[np.float32]]]:
    """By moment: whose shingle, which, and its weight, one over the number its owner has there."""
    parts: dict[Place, list[tuple[int, Hashes]]] = {}
    for row, one in enumerate(sketches):
        for place, hashes in one.hashes.items():
            parts.setdefault(place, []).append((row, hashes if one.level == level else _kept(hashes, level)))
    return {place: _joined(offered) for place, offered in parts.items()}


def _joined(offered: Sequence[tuple[int, Hashes]]) -> tuple[NDArray[np.int64], Hashes, NDArray[np.float32]]:
    sizes = np.array([len(hashes) for _, hashes in offered])
    rows = np.repeat(np.array([row for row, _ in offered], dtype=np.int64), sizes)
    return (
        rows,
        np.concatenate([hashes for _, hashes in offered]),
        np.repeat(1 / np.maximum(1, sizes), sizes).astype(np.float32),
    )


def _shared(
    mine: tuple[NDArray[np.int64], Hashes, NDArray[np.float32]],
    rows: NDArray[np.int64],
    hashes: Hashes,
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """(left, right): the weight of the left ones' shingles at one moment that the right ones have."""
    from scipy.sparse import csr_matrix

    owned = np.unique((rows.astype(np.uint64) << np.uint64(32)) | hashes)
    rows, hashes = (owned >> np.uint64(32)).astype(np.int64), (owned & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    names, columns = np.unique(hashes, return_inverse=True)
    places = np.minimum(np.searchsorted(names, mine[1]), len(names) - 1)
    there = names[places] == mine[1]
    left = csr_matrix((mine[2][there], (mine[0][there], places[there])), shape=(shape[0], len(names)))
    right = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(shape[1], len(names)))
    common = np.bincount(columns, minlength=len(names)) > max(_COMMON, shape[1] // _COMMON)
    found = np.asarray((left[:, ~common] @ right[:, ~common].T).toarray(), dtype=np.float32)
    if common.any():
        found += left[:, common].toarray() @ right[:, common].toarray().T
    return found
