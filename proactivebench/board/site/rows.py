"""Who stands where: rows of all entries with their badges, and rank ranges where the data allow a rank."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from proactivebench.agents import is_program
from proactivebench.board.entry.form import TRIVIAL
from proactivebench.board.site.ranking import rank_ranges
from proactivebench.board.site.recomputing import Recomputed
from proactivebench.board.site.row import SORTED_BY, Row, badged, by_group, rows_of
from proactivebench.board.verify.copies import copies, explained
from proactivebench.board.verify.decided import DISPUTED_SHARE, DecidedAgain, Decisions
from proactivebench.board.verify.reproduction import Reproduction
from proactivebench.board.verify.sealed import SealedTask
from proactivebench.board.verify.second_judge import SecondOpinion
from proactivebench.board.verify.worth import Worth, worth_of
from proactivebench.records import Fingerprint, JudgeIdentity, Measured, MeasurementStatus

Badge = tuple[str, str]

UNRANKED = frozenset(
    {
        "baseline judge",
        "copy",
        "disputed",
        "few texts",
        "incomplete",
        "invalid",
        "near the labels",
        "outside judge",
        "swept",
        "texts missing",
        "unmeasured judge",
        "unusable replies",
    }
)
MOST_TEXTLESS = 0.02
FEWEST_DISTINCT = 0.2  # of an entry's offers
_ORDER = (
    MeasurementStatus.PEOPLE,
    MeasurementStatus.MEASURED,
    MeasurementStatus.PAPER,
    MeasurementStatus.UNMEASURED,
    MeasurementStatus.BASELINE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a board's maintainers know beside the entries, by entry key: second opinions, verdicts they had decided
    again, what asking a model again showed; the keys of entries known to be first (`originals`); measurements and
    fingerprints of judges that they trust; and the sealed sets whose labels they have, by data hash."""

    opinions: Mapping[str, SecondOpinion] = field(default_factory=dict)
    decisions: Mapping[str, Decisions] = field(default_factory=dict)
    reproductions: Mapping[str, Reproduction] = field(default_factory=dict)
    originals: Collection[str] = ()
    measured: Sequence[Measured] = ()
    fingerprints: Sequence[Fingerprint] = ()
    sealed: Mapping[str, SealedTask] = field(default_factory=dict)

    def decided_again(self, entry: Recomputed, judge: JudgeIdentity) -> DecidedAgain | None:
        """What came of asking a judge of the entry again."""
        found = self.decisions.get(entry.key)
        return found.of(entry.digest, judge.id, judge.hash) if found else None

    def reproduction(self, entry: Recomputed) -> Reproduction | None:
        """What asking the entry's model again showed of this very evidence."""
        found = self.reproductions.get(entry.key)
        return found if found and found.digest == entry.digest else None

    def reproduced(self, entry: Recomputed) -> bool:
        """Whether the entry's answers count as its model's."""
        found = self.reproduction(entry)
        return found is not None and found.passed


def entry_badges(entries: Sequence[Recomputed], known: Known) -> dict[str, tuple[Badge, ...]]:
    """What is said of each entry whoever judges, by entry key."""
    found = copies([entry.offers for entry in entries], known.originals)
    said = {key: explained(key, twin, known.originals) for key, twin in found.items()}
    return {entry.key: tuple(_of_entry(entry, known, said.get(entry.key))) for entry in entries}


def all_rows(entries: Sequence[Recomputed], known: Known, badges: Mapping[str, tuple[Badge, ...]]) -> list[list[Row]]:
    """The rows of all entries, in comparable groups, with badges and ranks: under people's votes and measured judges
    first, under baselines last. In a group those that may be ranked stand first, the best at need detection on top; of
    the paper's judge the highest F1."""
    by_key = {entry.key: entry for entry in entries}
    worths: dict[str, Worth] = {}  # of each judge, which many entries share
    rows = _led([row for entry in entries for row in _rows(entry, known, badges[entry.key], worths)])
    groups = [_ranked(group, by_key) for group in by_group(rows)]
    return sorted(groups, key=lambda group: _ORDER.index(group[0].measurement.status))


def _of_entry(entry: Recomputed, known: Known, copied: str | None) -> Iterator[Badge]:
    report, timing = entry.report, entry.timing
    if report.agent.model not in TRIVIAL:
        yield _asked_again(known.reproduction(entry))
    if entry.swept:
        yield "swept", "Offers of its agent were made silences by a threshold afterwards: not the agent's own answers."
    if copied:
        yield "copy", copied
    if not report.complete:
        yield "incomplete", f"{report.moments_answered} of {report.moments_expected} moments answered."
    if report.unclean and report.unclean.unranked:
        yield "unusable replies", f"{report.caution}."
    if timing and timing.distinct is not None and timing.distinct < FEWEST_DISTINCT:
        yield "few texts", f"Only {timing.distinct:.1%} of its offers differ in their words."
    answered = report.moments_answered
    if entry.textless > MOST_TEXTLESS * answered:
        yield "texts missing", f"{entry.textless} of {answered} replies carry no raw text to hold them against."
    elif entry.textless or not entry.reread:
        many = "All" if not entry.reread else f"{entry.textless} of {answered}"
        yield "not re-read", f"{many} replies were taken on trust, not read again from their raw texts."
    yield from _training(entry)


def _asked_again(record: Reproduction | None) -> Badge:
    if record is None:
        return "reported", "Nobody has asked its model again: that it wrote these answers is its makers' word."
    return ("reproduced" if record.passed else "not reproduced"), record.sentence


def _training(entry: Recomputed) -> Iterator[Badge]:
    declared = entry.declared
    if declared.trained_on_traces or declared.trained_on_labels:
        what = [
            word
            for word, yes in (("traces", declared.trained_on_traces), ("judge labels", declared.trained_on_labels))
            if yes
        ]
        yield "trained on benchmark", f"Its makers say it was trained on the benchmark's {' and '.join(what)}."
    elif declared.trained_on_traces is None or declared.trained_on_labels is None:
        yield "training unknown", "Its makers do not say whether it was trained on the benchmark."
    if is_program(entry.report.agent) and not declared.links:
        yield "code not public", "Its answers are those of a program, and its makers give no link to its code."


def _rows(
    entry: Recomputed, known: Known, badges: Sequence[Badge], worths: MutableMapping[str, Worth]
) -> Iterator[Row]:
    for row in rows_of(entry.report, key=entry.key, link=f"entries/{entry.key}/index.html"):
        judge = row.judge.model_dump_json()
        worth = worths.get(judge) or worth_of(row.judge, known.measured, known.fingerprints)
        worths[judge] = worth
        verdicts = list(_of_verdicts(entry, row.judge, known))
        again = any(word in ("verified", "decided again") for word, _ in verdicts)
        yield replace(
            row,
            name=entry.declared.model,
            organisation=entry.declared.organisation,
            facts=entry.facts,
            badges=tuple(dict.fromkeys((*badges, *row.badges, *verdicts))),
            measurement=worth.measurement,
            quality=worth.quality,
            reported=not row.trivial and not (again and known.reproduced(entry)),
        )


def _led(rows: Sequence[Row]) -> list[Row]:
    """The rows with what their judge is worth, one word for all that name the same judge. A card is what measurements
    are looked up by and the hash what speaks for the judge: of entries that show several cards for one hash those count
    that are its own."""
    best: dict[str, Row] = {}
    for row in rows:
        known = best.setdefault(row.group[2], row)
        if row.measurement.leads and not known.measurement.leads:
            best[row.group[2]] = row
    found = []
    for row in rows:
        lead = best[row.group[2]]
        told = replace(row, measurement=lead.measurement, quality=lead.quality)
        if not lead.measurement.leads and not row.judge.baseline:
            told = badged(told, [("unmeasured judge", f"{lead.measurement.reason}.")])
        found.append(told)
    return found


def _of_verdicts(entry: Recomputed, judge: JudgeIdentity, known: Known) -> Iterator[Badge]:
    """What is said of an entry's verdicts under one judge."""
    asked, left = entry.rejudged.get(judge.id, (0, 0))
    again, opinion = known.decided_again(entry, judge), known.opinions.get(entry.key)
    noticed = "a changed one would not be noticed."
    if opinion and opinion.digest == entry.digest and opinion.asked.get(judge.id):
        share = opinion.disagreements.get(judge.id, 0) / opinion.asked[judge.id]
        noticed = f"{opinion.by} decides {share:.0%} of {opinion.asked[judge.id]} verdicts otherwise."
        if share > DISPUTED_SHARE and not (again and again.disputed):
            yield "disputed", noticed
    if not left:
        if asked and entry.reread and not entry.textless:
            yield "verified", f"All {asked} verdicts were decided again by the same judge, and alike."
    elif again:
        yield "disputed" if again.disputed else "decided again", f"{again.sentence}."
    else:
        yield "not re-judged", f"{left} of {asked + left} verdicts cannot be repeated here: {noticed}"


def _ranked(rows: Sequence[Row], entries: Mapping[str, Recomputed]) -> list[Row]:
    """The rows of one group, rank ranges among those that may be ranked. Where nobody decided the verdicts again, they
    lift no row: such rows stand behind the others, by people's labels."""
    status = rows[0].measurement.status
    key = "f1" if status is MeasurementStatus.PAPER else SORTED_BY
    ranked = [row for row in rows if _may_rank(row)] if status is not MeasurementStatus.UNMEASURED else []
    placed = {}
    if ranked:
        places = rank_ranges([entries[row.key].report for row in ranked], ranked[0].judge.id, key)
        placed = {
            row.key: replace(row, rank=rank, leading=leading)
            for row, (rank, leading) in zip(ranked, places, strict=True)
        }
    first = sorted(placed.values(), key=lambda row: (-row.sorted_by(key), -row.sorted_by(), row.name))
    others = [row for row in rows if row.key not in placed]
    return [*first, *sorted(others, key=lambda row: (row.reported or row.trivial, -row.sorted_by(), row.name))]


def _may_rank(row: Row) -> bool:
    return not row.trivial and not row.reported and not any(word in UNRANKED for word, _ in row.badges)
