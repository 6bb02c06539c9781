"""Whose offers are whose: entries that offer the same at the same moments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proactivebench.board.entry import Entry
from proactivebench.board.reading import MAX_ENTRY_BYTES, Refused, read_plain
from proactivebench.board.rows import TRIVIAL
from proactivebench.errors import DataError
from proactivebench.records import Record, Reply, digest
from proactivebench.text import normalised

ORIGINALS = "originals.txt"
TWIN_SHARE = 0.95
TWIN_OFFERS = 10  # below this, equal offers say nothing
_NO_LETTER = re.compile("[\\W_\u02b0-\u02ff\u115f\u1160]+")  # and letters that look like none


class Offers(Record):
    """What an entry offered: hashes of its offers by moment, of the last round and of any repeat. Equal `who`: the same
    model run twice by the same people, or two trivial agents, which may well coincide; neither copies the other."""

    key: str
    data_hash: str
    who: str
    at: dict[str, tuple[str, ...]]


def offers_of(entry: Entry, replies: Iterable[Reply]) -> Offers:
    """What `entry` offered. Letters and digits of an offer count, as NFKC without case, and nothing else of it."""
    last: dict[tuple[str, int, int], Reply] = {}
    for reply in sorted(replies, key=lambda reply: reply.round):
        last[reply.trace_id, reply.turn, reply.repeat] = reply
    at: dict[str, set[str]] = {}
    for (trace, turn, _), reply in last.items():
        if reply.proposals:
            at.setdefault(f"{trace}/{turn}", set()).update(map(_hashed, reply.proposals))
    agent, declared = entry.manifest.agent, entry.declared
    same = [] if agent.model in TRIVIAL else [declared.organisation, declared.model, agent.model_dump(mode="json")]
    return Offers(
        key=entry.key,
        data_hash=entry.manifest.task.data_hash,
        who=digest(same)[:16],
        at={moment: tuple(sorted(offers)) for moment, offers in at.items()},
    )


def twins(mine: Offers, others: Iterable[Offers], originals: Collection[str] = ()) -> list[tuple[str, float]]:
    """The entries among `others` whose copy `mine` may be, the likest first, and how like each is: moments with an
    equal offer over the offers of whichever makes fewer. One of the `originals` is a copy of another of them only."""
    found = []
    for other in others:
        if other.key == mine.key or other.who == mine.who or other.data_hash != mine.data_hash:
            continue
        fewer = min(len(mine.at), len(other.at))
        if fewer < TWIN_OFFERS or (mine.key in originals and other.key not in originals):
            continue
        equal = sum(not set(offers).isdisjoint(other.at.get(moment, ())) for moment, offers in mine.at.items())
        if equal / fewer >= TWIN_SHARE:
            found.append((other.key, equal / fewer))
    return sorted(found, key=lambda twin: -twin[1])


def copies(entries: Sequence[Offers], originals: Collection[str] = ()) -> dict[str, tuple[str, float]]:
    """For each entry that is like others its first twin, as `twins` finds it, one of the `originals` before others."""
    found = {}
    for data in {entry.data_hash for entry in entries}:
        group = [entry for entry in entries if entry.data_hash == data]
        equal = _equal_moments([entry.at for entry in group])
        made = np.array([len(entry.at) for entry in group])
        who = np.array([entry.who for entry in group])
        key = np.array([entry.key for entry in group])
        listed = np.array([entry.key in originals for entry in group])
        for place, entry in enumerate(group):
            fewer = np.minimum(made, made[place])
            share = equal[place] / np.maximum(fewer, 1)
            like = (share >= TWIN_SHARE) & (fewer >= TWIN_OFFERS) & (who != entry.who) & (key != entry.key)
            like &= listed | (not listed[place])
            if like.any():
                best = int(np.argmax(np.where(like, share + listed, -1)))
                found[entry.key] = (group[best].key, float(share[best]))
    return found


def explained(key: str, twin: tuple[str, float], originals: Collection[str]) -> str:
    """Why the entry `key` is marked as a copy, in words."""
    other, share = twin
    said = f"{share:.0%} of the offers that it could share with {other} are equal, moment by moment, but for case, "
    said += "spaces and signs"
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


def _hashed(offer: str) -> str:
    plain = normalised(normalised(offer).casefold())
    return sha256((_NO_LETTER.sub("", plain) or plain).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _equal_moments(offered: Sequence[Mapping[str, Sequence[str]]]) -> NDArray[np.uint16]:
    """(entries, entries): the number of moments at which two make an equal offer."""
    makers: dict[str, dict[str, list[int]]] = {}
    for place, at in enumerate(offered):
        for moment, offers in at.items():
            by_offer = makers.setdefault(moment, {})
            for offer in offers:
                by_offer.setdefault(offer, []).append(place)
    count = np.zeros((len(offered), len(offered)), dtype=np.uint16)
    equal = np.empty(count.shape, dtype=np.bool_)
    for by_offer in makers.values():
        shared = [places for places in by_offer.values() if len(places) > 1]
        if shared:
            equal[:] = False
            for places in shared:
                equal[np.ix_(places, places)] = True
            count += equal
    return count
