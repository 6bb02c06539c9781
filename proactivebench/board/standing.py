"""Who stands where: rows of all entries with their badges, and rank ranges where the data allow a rank."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from proactivebench.board.copies import copies, explained
from proactivebench.board.decided import DISPUTED_SHARE, DecidedAgain, Decisions
from proactivebench.board.ranking import rank_ranges
from proactivebench.board.reading import MAX_ENTRY_BYTES, Refused, read_plain, strict_json
from proactivebench.board.recomputing import Recomputed
from proactivebench.board.rows import Row, badged, by_group, rows_of
from proactivebench.errors import DataError
from proactivebench.records import Record
from proactivebench.store import cannot_write

UNRANKED = ("baseline judge", "invalid", "incomplete", "disputed", "copy", "texts missing", "unusable replies")
MOST_TEXTLESS = 0.02


class SecondOpinion(Record):
    """What a re-judging model said of an entry's verdicts: kept by a board's maintainers in `rejudged/`, outside the
    entry. It counts only for the evidence it was formed on (`digest`)."""

    digest: str
    by: str
    asked: dict[str, int]
    disagreements: dict[str, int]


def all_rows(
    entries: Sequence[Recomputed],
    opinions: Mapping[str, SecondOpinion],
    originals: Collection[str] = (),
    decisions: Mapping[str, Decisions] | None = None,
) -> list[list[Row]]:
    """The rows of all entries, in comparable groups, best first, with badges and ranks. `originals` are the keys of
    entries that are known to be first; `decisions` what the maintainers had decided again by an entry's own judges."""
    found = copies([entry.offers for entry in entries], originals)
    said = {key: explained(key, twin, originals) for key, twin in found.items()}
    reports = {entry.key: entry for entry in entries}
    rows = [
        row
        for entry in entries
        for row in _rows(entry, opinions.get(entry.key), said.get(entry.key), (decisions or {}).get(entry.key))
    ]
    return [_ranked(group, reports) for group in by_group(rows)]


def read_opinions(root: Path) -> dict[str, SecondOpinion]:
    """The second opinions kept below `root`/rejudged, by entry key. Unreadable ones are left out."""
    found = {}
    for file in sorted((root / "rejudged").glob("*/*.json")):
        try:
            content = read_plain(file, MAX_ENTRY_BYTES)
            strict_json(content)
            opinion = SecondOpinion.model_validate_json(content, strict=True)
        except (Refused, DataError, ValidationError):
            continue
        found[f"{file.parent.name}/{file.stem}"] = opinion
    return found


def write_opinion(root: Path, key: str, opinion: SecondOpinion) -> Path:
    """Keep a second opinion on the entry `key`; returns its file. Raises `CannotWrite`."""
    file = root / "rejudged" / f"{key}.json"
    with cannot_write(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(opinion.model_dump(mode="json"), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return file


def _rows(
    entry: Recomputed, opinion: SecondOpinion | None, copied: str | None, decisions: Decisions | None
) -> list[Row]:
    rows = []
    for row in rows_of(entry.report, key=entry.key, link=f"entries/{entry.key}/index.html"):
        named = replace(row, name=entry.declared.model, organisation=entry.declared.organisation, facts=entry.facts)
        again = decisions.of(entry.digest, row.judge.id, row.judge.hash) if decisions else None
        rows.append(badged(named, [*_trust(entry, row.judge.id, opinion, copied, again), *_training(entry)]))
    return rows


def _trust(
    entry: Recomputed, judge: str, opinion: SecondOpinion | None, copied: str | None, again: DecidedAgain | None
) -> Iterable[tuple[str, str]]:
    if copied:
        yield "copy", copied
    asked, left = entry.rejudged.get(judge, (0, 0))
    noticed = "a changed one would not be noticed."
    if opinion and opinion.digest == entry.digest and opinion.asked.get(judge):
        share = opinion.disagreements.get(judge, 0) / opinion.asked[judge]
        noticed = f"{opinion.by} decides {share:.0%} of {opinion.asked[judge]} verdicts otherwise."
        if share > DISPUTED_SHARE and not (again and again.disputed):
            yield "disputed", noticed
    answered = entry.report.moments_answered
    if entry.textless > MOST_TEXTLESS * answered:
        yield "texts missing", f"{entry.textless} of {answered} replies carry no raw text to hold them against."
    elif entry.textless or not entry.reread:
        many = "All" if not entry.reread else f"{entry.textless} of {answered}"
        yield "not re-read", f"{many} replies were taken on trust, not read again from their raw texts."
    if not left:
        if asked and entry.reread and not entry.textless:
            yield "verified", f"All {asked} verdicts were decided again by the same judge, and alike."
    elif again:
        yield "disputed" if again.disputed else "decided again", f"{again.sentence}."
    else:
        yield "not re-judged", f"{left} of {asked + left} verdicts cannot be repeated here: {noticed}"


def _training(entry: Recomputed) -> Iterable[tuple[str, str]]:
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


def _ranked(rows: Sequence[Row], entries: Mapping[str, Recomputed]) -> list[Row]:
    """The rows of one group with rank ranges among those that may be ranked."""
    ranked = [row for row in rows if not row.trivial and not any(word in UNRANKED for word, _ in row.badges)]
    if not ranked:
        return list(rows)
    places = rank_ranges([entries[row.key].report for row in ranked], ranked[0].judge.id)
    placed = {
        row.key: replace(row, rank=rank, leading=leading) for row, (rank, leading) in zip(ranked, places, strict=True)
    }
    return [placed.get(row.key, row) for row in rows]
