"""Tables: a row for each question, or each answer to it, as spreadsheets have them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from proactivebench.annotation.formats.contract import Draft, Format, Options, Place, Reading, Said
from proactivebench.annotation.formats.drafting import drafted
from proactivebench.annotation.formats.foreign import (
    MOST_TEXT,
    answer_of,
    seconds_of,
    short,
    text_in,
    text_of,
    time_of,
)
from proactivebench.annotation.job import JobFolder
from proactivebench.board.entry.escaping import is_formula
from proactivebench.errors import BadArgument, DataError, WrongFile
from proactivebench.naming import did_you_mean
from proactivebench.records import AnnotationItem, OfferText, Vote

WANTED = "a CSV or TSV file with a header row: annotator, item_id (or trace_id and turn), offer_id (or offer), answer"
COLUMNS = (
    "item_id",
    "occasion",
    "trace_id",
    "turn",
    "event",
    "offer_id",
    "offer",
    "annotator",
    "answer",
    "reason",
    "at",
    "seconds",
)
_NEEDED = ("annotator", "answer")
_DELIMITERS = ",;\t|"


def read(files: Sequence[Path], folder: JobFolder, options: Options) -> Reading:  # noqa: ARG001 - the contract
    """The answers of the files' rows; a row without an answer is a question that nobody answered."""
    return _read(files, options)


def begin(files: Sequence[Path], options: Options) -> Draft:
    """A job from sessions and a table of answers: an item for every moment, with the offers that were voted on."""
    return drafted(options.traces, _read(files, options))


def write(folder: JobFolder) -> Mapping[str, str]:
    """`votes.csv`, a row for each vote that stands, and `questions.csv`, all that is asked, to be filled in."""
    votes = folder.votes().values()
    asked = [item for item in folder.items.values() if not item.practice]
    questions = [
        row(folder, item, offer) for item in asked for offer in (*((None,) if item.ask_need else ()), *item.offers)
    ]
    return {
        "votes.csv": table(_voted(folder, vote) for vote in votes),
        "questions.csv": table(questions),
    }


def row(folder: JobFolder, item: AnnotationItem, offer: OfferText | None, vote: Vote | None = None) -> dict[str, str]:
    """One question, with a vote on it, as the cells of a row."""
    cells = {
        "item_id": item.item_id,
        "occasion": str(vote.occasion if vote else 0),
        "trace_id": item.trace_id,
        "turn": str(item.turn),
        "event": folder.traces[item.trace_id].events[item.turn].event,
        "offer_id": offer.offer_id if offer else "",
        "offer": offer.text if offer else "",
    }
    if vote is not None and vote.answer is not None:
        cells |= {
            "annotator": vote.annotator,
            "answer": vote.answer.value,
            "reason": vote.reason or "",
            "at": vote.at.isoformat(),
            "seconds": "" if vote.seconds is None else repr(vote.seconds),
        }
    return cells


def table(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as CSV with a byte order mark, by which spreadsheets know UTF-8, and with no cell that is a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([marked(cells.get(name, "")) for name in COLUMNS] for cells in rows)
    return "\ufeff" + stream.getvalue()


def marked(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before what could be one."""
    return f"'{cell}" if _to_mark(cell) else cell


def unmarked(cell: str) -> str:
    """The cell again, without the apostrophe of `marked`."""
    return cell[1:] if cell[:1] == "'" and _to_mark(cell[1:]) else cell


def _to_mark(cell: str) -> bool:
    return cell.startswith("'") or is_formula(cell)  # the mark itself, so that it comes back


def _voted(folder: JobFolder, vote: Vote) -> dict[str, str]:
    item = folder.items[vote.item_id]
    offer = next((one for one in item.offers if one.offer_id == vote.offer_id), None)
    return row(folder, item, offer, vote)


def _read(files: Sequence[Path], options: Options) -> Reading:
    said: list[Said] = []
    reading = Reading(())
    for file in files:
        for where, cells in _rows(file, options.columns):
            if not cells["answer"].strip():
                reading.left_out["rows without an answer"] += 1
            else:
                said.append(_said(cells, where))
    return Reading(tuple(said), reading.left_out)


def _rows(file: Path, columns: Mapping[str, str]) -> Iterable[tuple[str, dict[str, str]]]:
    text = text_of(file, WANTED)
    if not text.strip():
        raise WrongFile(f"{file} is empty: give {WANTED}")
    text, delimiter, above = _delimited(text)
    if "\x00" in text:
        raise WrongFile(f"{file} is no text, it holds NUL characters: give {WANTED}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: dict[str, int] | None = None
    try:
        for cells in reader:
            where = f"{file}:{above + reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(file, cells, columns)
                continue
            if len(cells) <= max(header.values()):
                raise DataError(f"{where}: {len(cells)} cells, and the header names more: fill the row up")
            yield where, {name: unmarked(cells[at]) for name, at in header.items()}
    except csv.Error as error:
        raise DataError(f"{file}:{above + reader.line_num}: no table ({error}): give {WANTED}") from None


def _header(file: Path, cells: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each of our columns is. Raises `DataError` naming the one that is missing or there twice."""
    if unknown := next((name for name in columns if name not in COLUMNS), None):
        raise BadArgument(
            f"--columns {unknown}=…: no column of ours: {did_you_mean(unknown, COLUMNS)}there are {', '.join(COLUMNS)}"
        )
    theirs = [unmarked(cell).strip() for cell in cells]
    found: dict[str, int] = {}
    for name in COLUMNS:
        called = columns.get(name, name)
        places = [at for at, cell in enumerate(theirs) if cell.casefold() == called.casefold()]
        if len(places) > 1:
            raise DataError(f"{file}: the header has {short(called)} twice: rename one")
        if places:
            found[name] = places[0]
        elif name in columns or name in _NEEDED:
            raise DataError(
                f"{file}: no column {short(called)} in the header ({', '.join(theirs)[:200]}): "
                f"say what it is called, --columns {name}=…"
            )
    if "item_id" not in found and not {"trace_id", "turn"} <= set(found):
        raise DataError(
            f"{file}: the header names neither item_id nor trace_id and turn: say what they are called, "
            "--columns trace_id=…,turn=…"
        )
    return found


def _said(cells: Mapping[str, str], where: str) -> Said:
    item, trace = cells.get("item_id", "").strip(), cells.get("trace_id", "")
    offer_id, offer = cells.get("offer_id", "").strip(), cells.get("offer", "")
    if not item and not trace:
        raise DataError(f"{where}: neither item_id nor trace_id says what it is about")
    if not cells["annotator"].strip():
        raise DataError(f"{where}: an answer without an annotator: give each person a pseudonym")
    place = Place(
        item_id=item or None,
        trace_id=None if item else text_in(trace, where, "trace_id"),
        turn=None if item else _whole(cells.get("turn", ""), where, "turn"),
        offer_id=offer_id or None,
        offer=None if offer_id or not offer.strip() else text_in(offer, where, "offer"),
        occasion=_whole(cells.get("occasion", "").strip() or "0", where, "occasion"),
    )
    return Said(
        where=where,
        who=cells["annotator"].strip(),
        place=place,
        answer=answer_of(cells["answer"], where, on_offer=place.on_offer),
        reason=cells.get("reason") or None,
        at=time_of(cells.get("at", "").strip(), where),
        seconds=seconds_of(cells.get("seconds", "").strip(), where),
    )


def _whole(cell: str, where: str, what: str) -> int:
    """A whole number from 0, as spreadsheets write them. Raises `DataError`."""
    plain = cell.strip().removesuffix(".0")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise DataError(f"{where}: {what} is {short(cell)}, not a whole number from 0")
    return int(plain)


def _delimited(text: str) -> tuple[str, str, int]:
    """A table, what stands between its cells, and how many lines are above it. A first line `sep=;` says it, as
    spreadsheets have it; else it is the one of comma, semicolon, tab and bar that is in the header most often, outside
    quotes."""
    said = re.match(r'"?sep=(?P<delimiter>[,;\t|])"?\r?\n', text, re.IGNORECASE)
    if said:
        return text[said.end() :], said["delimiter"], 1
    head = text.lstrip()[:MOST_TEXT]
    counts = dict.fromkeys(_DELIMITERS, 0)
    quoted = False
    for letter in head:
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in "\r\n":
            break
        elif not quoted and letter in counts:
            counts[letter] += 1
    return text, max(counts, key=lambda one: counts[one]), 0


FORMAT = Format(
    "csv",
    "a table, comma, semicolon or tab between its cells",
    read,
    write,
    begin,
    takes=frozenset({"columns", "traces"}),
)
