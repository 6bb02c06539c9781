"""A job in the making: items from sessions and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from proactivebench.annotation.formats.contract import Draft, Place, Reading
from proactivebench.errors import BadArgument, DataError
from proactivebench.naming import did_you_mean
from proactivebench.records import AnnotationItem, OfferText, Trace, digest

Offers = Mapping[tuple[str, int], Sequence[str]]


def drafted(traces: Sequence[Trace], reading: Reading) -> Draft:
    """Sessions with an item at every moment, need asked, and the offers that the answers name by their text.

    Raises `BadArgument` where there are no sessions, `DataError` where an answer is to a moment that they do not have.
    """
    if not traces:
        raise BadArgument(
            "a job needs its sessions too: name them with --tasks FILE.jsonl, or give a job to import into"
        )
    lengths = {trace.trace_id: len(trace.events) for trace in traces}
    offers: dict[tuple[str, int], list[str]] = {}
    for said in reading.said:
        place = said.place
        if place.trace_id is None or place.turn is None or place.offer_id is not None:
            raise DataError(
                f"{said.where}: a new job knows no ids: name the moment by trace_id and turn, the offer by text"
            )
        if place.trace_id not in lengths:
            raise DataError(
                f"{said.where}: no session {place.trace_id[:60]!r} among those of --tasks: "
                f"{did_you_mean(place.trace_id, lengths)}".rstrip(": ")
            )
        if not 0 <= place.turn < lengths[place.trace_id]:
            raise DataError(
                f"{said.where}: {place.trace_id} has no turn {place.turn}: they go from 0 to "
                f"{lengths[place.trace_id] - 1}"
            )
        texts = offers.setdefault((place.trace_id, place.turn), [])
        if place.offer is not None and place.offer not in texts:
            texts.append(place.offer)
    bare = tuple(trace.model_copy(update={"labels": None}) for trace in traces)
    return Draft(bare, tuple(items_of(bare, offers)), reading)


def items_of(traces: Iterable[Trace], offers: Offers) -> Iterable[AnnotationItem]:
    """An item for every moment, in order, need asked, with the offers there."""
    for trace in traces:
        for turn in range(len(trace.events)):
            yield item_at(trace.trace_id, turn, offers.get((trace.trace_id, turn), ()))


def item_at(trace_id: str, turn: int, offers: Sequence[str], *, ask_need: bool = True) -> AnnotationItem:
    """The item of a moment; its id and those of its offers follow from it, so that files name the same again."""
    name = digest([trace_id, turn])[:12]
    return AnnotationItem(
        item_id=name,
        trace_id=trace_id,
        turn=turn,
        ask_need=ask_need,
        offers=tuple(OfferText(offer_id=f"{name}-{number}", text=text) for number, text in enumerate(offers)),
    )


def placed(item: AnnotationItem, number: int | None = None) -> Place:
    """The place of an item's offer, or of its need."""
    return Place(item_id=item.item_id, offer_id=None if number is None else item.offers[number].offer_id)
