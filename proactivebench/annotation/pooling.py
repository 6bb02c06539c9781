"""Answers of several runs as items: pooled by moment, identical texts asked once, every answer tied to what it is."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from proactivebench.annotation.runs import Answered, Said
from proactivebench.annotation.sampling import Sample
from proactivebench.records import AnnotationItem, ItemSource, ItemStratum, OfferText, Trace

Place = tuple[str, int]  # trace, turn
_DIGITS = 12  # of a probability: beyond them it is the arithmetic that speaks


class Stratum(NamedTuple):
    """One run's offers or silences, and the sample of them."""

    answers: Sequence[Said]
    sample: Sample

    @property
    def drawn(self) -> list[Said]:
        """The answers drawn."""
        return [self.answers[place] for place in self.sample.places]


Strata = Mapping[tuple[str, ItemStratum], Stratum]  # by the run's name in the job


def alike(text: str) -> str:
    """What two offers share that read the same: the text, however its white space is set."""
    return " ".join(text.split())


def pooled(
    runs: Iterable[Answered], strata: Strata, traces: Sequence[Trace], rng: random.Random
) -> tuple[list[AnnotationItem], list[ItemSource]]:
    """The items of a sample, in the order of the traces, and which answers they stand for.

    An item asks for the need at its moment and for every offer drawn there, in no order. All answers that it settles
    stand in the sources, drawn or not: an offer with the text of one that was drawn, the silence of a run where another
    one's answer was drawn. The probability of each is that of anything having been drawn that asks for it; runs and
    strata are drawn apart, so that the chances of missing it multiply.
    """
    asked: dict[Place, dict[str, str]] = defaultdict(dict)
    for stratum in strata.values():
        for said in stratum.drawn:
            offers = asked[said.trace_id, said.turn]
            if said.text is not None:
                offers.setdefault(alike(said.text), said.text)
    missed = _missed(strata)
    items = made_items(asked, traces, rng)
    ids = {
        (item.trace_id, item.turn): (item.item_id, {alike(offer.text): offer.offer_id for offer in item.offers})
        for item in items
    }
    sources = []
    for run in runs:
        for said in run.said:
            place = said.trace_id, said.turn
            item_id, offers = ids.get(place, (None, {}))
            text = None if said.text is None else alike(said.text)
            if (
                item_id is None
                or (run.run.name, said.stratum) not in strata
                or (text is not None and text not in offers)
            ):
                continue
            sources.append(
                ItemSource(
                    item_id=item_id,
                    offer_id=None if text is None else offers[text],
                    run=run.run.name,
                    repeat=said.repeat,
                    round=said.round,
                    candidate=said.candidate,
                    probability=round(1 - missed[place, text], _DIGITS),
                )
            )
    return items, sources


def _missed(strata: Strata) -> dict[tuple[Place, str | None], float]:
    """How likely nothing is drawn that asks for a text at a moment, or (None) for the need there: any answer does."""
    found: dict[tuple[Place, str | None], float] = defaultdict(lambda: 1.0)
    for stratum in strata.values():
        asking: Counter[tuple[Place, str | None]] = Counter()
        for said in stratum.answers:
            place = said.trace_id, said.turn
            asking[place, None] += 1
            if said.text is not None:
                asking[place, alike(said.text)] += 1
        for (place, text), answers in asking.items():
            found[place, text] *= stratum.sample.missed(place[0], answers)
    return found


def made_items(
    asked: Mapping[Place, Mapping[str, str]], traces: Sequence[Trace], rng: random.Random
) -> list[AnnotationItem]:
    """An item for each moment with the offers that are asked there, in the order of the traces. Neither an id nor an
    order says where an offer is from."""
    order = {trace.trace_id: place for place, trace in enumerate(traces)}
    names = Names(rng)
    items = []
    for trace_id, turn in sorted(asked, key=lambda place: (order[place[0]], place[1])):
        texts = sorted(asked[trace_id, turn].values())
        rng.shuffle(texts)
        offers = tuple(OfferText(offer_id=names.next("o"), text=text) for text in texts)
        items.append(AnnotationItem(item_id=names.next("m"), trace_id=trace_id, turn=turn, offers=offers))
    return items


class Names:
    """Ids that say nothing but what they are of; none comes twice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def next(self, kind: str) -> str:
        """A new id."""
        while (name := f"{kind}-{self._rng.getrandbits(48):012x}") in self._given:
            pass
        self._given.add(name)
        return name
