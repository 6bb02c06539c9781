"""What a judge's verdicts are worth on a board: by what its maintainers know of it, never by an entry's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proactivebench.board.verify.hashes import says_its_own_hash
from proactivebench.board.verify.rejudging import local_judge
from proactivebench.errors import UsageError
from proactivebench.judging.cards import card_names, load_card
from proactivebench.judging.kept import kept_fingerprints, kept_measured
from proactivebench.judging.measurement import OF_STRATUM, best_measured, fallible_members, measurement_of, speaking_for
from proactivebench.judging.spec import STRATA
from proactivebench.records import Fingerprint, JudgeIdentity, Measured, Measurement, MeasurementStatus


@dataclass(frozen=True, slots=True)
class Worth:
    """A judge's standing; `quality` orders those that lead, the best highest: the balanced accuracy against people of
    the member and stratum where it is least (people's own votes: 1)."""

    measurement: Measurement
    quality: float = 0.0


def worth_of(
    identity: JudgeIdentity, measured: Iterable[Measured] = (), fingerprints: Iterable[Fingerprint] = ()
) -> Worth:
    """What is known here of a judge on the release's labels: the cards shipped here, what the maintainers measured
    themselves, and what a board trusts (`measured`, `fingerprints`). What an entry brings along of its judge's errors
    is its makers' word, and no part of it."""
    try:
        known = speaking_for([*_shipped(identity), *kept_measured(identity), *measured], ())
        found = measurement_of(identity, known, (*kept_fingerprints(identity), *fingerprints))
        if found.status is MeasurementStatus.PEOPLE and not _own_votes(identity):
            found = Measurement(status=MeasurementStatus.UNMEASURED, reason="says it is people's votes, and is not")
        if found.status is MeasurementStatus.MEASURED and not says_its_own_hash(identity, known):
            reason = "the cards it shows are not those of its hash, or were measured under another"
            found = Measurement(status=MeasurementStatus.UNMEASURED, reason=reason)
        return Worth(found, _quality(identity, known) if found.leads else 0.0)
    except (AttributeError, KeyError, TypeError, ValueError):  # its card is of no known form
        reason = "its card does not say who decides"
        return Worth(Measurement(status=MeasurementStatus.UNMEASURED, reason=reason))


def _shipped(identity: JudgeIdentity) -> Iterator[Measured]:
    """The measurements in the cards shipped here of a judge's members that can be wrong."""
    for stratum in STRATA:
        for _, card in fallible_members(identity, stratum):
            name = str(card.get("name"))
            try:
                yield from load_card(name).measured if name in card_names() else ()
            except UsageError:
                continue


def _own_votes(identity: JudgeIdentity) -> bool:
    """Whether this is the judge by votes as it is shipped: a name alone is nobody's vote."""
    shipped = local_judge(identity)
    return shipped is not None and shipped.identity.hash == identity.hash


def _quality(identity: JudgeIdentity, known: list[Measured]) -> float:
    least = 1.0
    for stratum in STRATA:
        for member, _ in fallible_members(identity, stratum):
            found = best_measured(known, member, stratum)
            value = found.figures.get(f"balanced_accuracy_{OF_STRATUM[stratum][0]}") if found else None
            least = min(least, value or 0.0)
    return least
