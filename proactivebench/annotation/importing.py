"""Votes from other places into a job, all of them or none; and a job made from files that hold sessions and votes."""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from proactivebench.annotation.annotators import on_disk
from proactivebench.annotation.formats.contract import Draft, Format, Names, Options, Place, Reading, Said
from proactivebench.annotation.formats.foreign import names_in, short
from proactivebench.annotation.job import JobFolder, end_last_line
from proactivebench.annotation.preparing import read_instructions
from proactivebench.annotation.spoken import MOST_AHEAD, Spoken, reason_kept, refuse_foreign
from proactivebench.annotation.voting import hear
from proactivebench.errors import BadArgument, DataError
from proactivebench.naming import did_you_mean
from proactivebench.records import (
    AnnotationItem,
    Answer,
    DrawnFrom,
    Job,
    Plan,
    Task,
    Vote,
    VoteKey,
)
from proactivebench.records.votes import MOST_REASON, is_pseudonym
from proactivebench.store import cannot_write, refuse_full, write_whole

KEY = "names.key"  # of a job: what makes its hashed pseudonyms its own; published with nothing


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import: `new` votes were written, `replaced` ones took the place of an earlier answer, `known`
    ones stood there already, `older` ones were given before the answer that stands."""

    new: int
    replaced: int
    known: int
    older: int
    annotators: tuple[str, ...]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]


def import_votes(
    form: Format,
    files: Sequence[Path],
    folder: JobFolder,
    *,
    options: Options | None = None,
    names: Names | Path | None = None,
) -> Imported:
    """Take the votes of files into a job: every one of them, or, where one cannot be, none.

    Args:
        form: The format of the files.
        files: The files, or folders of them where the format has such.
        folder: The job.
        options: What the user says of the files.
        names: What becomes of the files' names for annotators: the way, or a JSON file that maps each to a pseudonym.
            Default: as the format has it.

    Raises:
        DataError: A file cannot be read, or an answer cannot be one to this job; file and row are named.
        UsageError: Somebody is answering just now.
        CannotWrite: It cannot be written; nothing is.
    """
    reading = form.read(files, folder, options or Options())
    if not reading.said:
        raise DataError(f"{files[0]} holds no votes{_listed(reading.left_out)}: nothing was imported")
    return _taken(form, reading, folder, names)


def _taken(form: Format, reading: Reading, folder: JobFolder, names: Names | Path | None) -> Imported:
    """Take what was read into a job. Raises like `import_votes`."""
    called = _Names(form.name, folder.path, reading.names, form.names if names is None else names)
    questions = _Questions(folder)
    answers: dict[VoteKey, _Answer] = {}
    twice = cut = 0
    for said in reading.said:
        answer = questions.answer(said, called.of(said))
        cut += len(said.reason or "") > MOST_REASON
        before = answers.get(answer.key)
        twice += before is not None
        if before is None or _not_before(answer.at, before.at):
            answers[answer.key] = answer
    left_out = reading.left_out + Counter(
        {"answers that the same person gave again": twice, "reasons cut to 2,000 characters": cut}
    )
    counted = _written(folder, answers.values(), called)
    people = tuple(dict.fromkeys(key.annotator for key in answers))
    return Imported(*counted, annotators=people, left_out=left_out, notes=reading.notes)


def import_job(
    form: Format,
    files: Sequence[Path],
    output_path: Path,
    *,
    options: Options | None = None,
    names: Names | Path | None = None,
) -> tuple[JobFolder, Imported]:
    """Make a job of the sessions, offers and votes in files; all of it, or nothing. Arguments and errors are those of
    `import_votes`, and `BadArgument` where the format holds no sessions, `WrongFile` where the folder holds something.
    """
    if form.begin is None:
        raise BadArgument(f"{form.name} files hold no sessions: give a job to import into, made from the sessions")
    refuse_full(output_path)
    draft = form.begin(files, options or Options())
    name = output_path.resolve().name or "job"
    draft_path = output_path.resolve().parent / f".{name}.{os.getpid()}"
    try:
        job = _job(draft, name)
        folder = JobFolder.create(draft_path, job, draft.traces, draft.items, (), read_instructions())
        imported = _taken(form, draft.reading, folder, names)
        with cannot_write(output_path):
            _moved(draft_path, output_path)
    except BaseException:
        shutil.rmtree(draft_path, ignore_errors=True)
        raise
    return JobFolder(output_path), imported


def _moved(draft: Path, output_path: Path) -> None:
    """Put a finished job in its place. An empty folder that is there stays, and gets `job.json` last: somebody may be
    in it."""
    if not output_path.exists():
        draft.rename(output_path)
        return
    for file in sorted(draft.iterdir(), key=lambda one: one.name == "job.json"):
        file.rename(output_path / file.name)
    draft.rmdir()


def _job(draft: Draft, name: str) -> Job:
    task = Task(
        name=name, version="0", revision="", licence=draft.licence, date="unknown", source="files", traces=draft.traces
    )
    people: dict[Place, set[str]] = defaultdict(set)
    for said in draft.reading.said:
        people[said.place].add(said.who)
    asked = max(1, *map(len, people.values())) if people else 1
    return Job(
        name=name,
        made=datetime.now(UTC),
        seed=0,
        drawn_from=DrawnFrom.TRACES,
        task=name,
        data_hash=task.data_hash,
        licence=draft.licence,
        plan=Plan(annotators=max(1, len({said.who for said in draft.reading.said})), overlap=asked, repeats=0),
    )


# --- whose it is ------------------------------------------------------------------------------------------------------


class _Names:
    """What annotators of foreign files are called here."""

    def __init__(self, form: str, job: Path, brought: Mapping[str, str], way: Names | Path) -> None:
        self._form = form
        self._file = job / KEY
        self._way = Names.KEPT if isinstance(way, Path) else way
        self._map = {**brought, **(names_in(way) if isinstance(way, Path) else {})}
        self._strict = isinstance(way, Path)
        self._hashed = False
        for who, name in self._map.items():
            if not is_pseudonym(name):
                raise DataError(f"{short(name)}, for {short(who)}, is no pseudonym: use letters, digits and . _ -")

    def of(self, said: Said) -> str:
        """The pseudonym. Raises `DataError` where the file's own name is none and stays."""
        if said.who in self._map:
            return self._map[said.who]
        if self._strict:
            raise DataError(
                f"{said.where}: annotator {short(said.who)} is not in the map of names: "
                f"{did_you_mean(said.who, self._map)}add a pseudonym for them"
            )
        if self._way is Names.HASHED:
            self._hashed = True
            named = f"{self._form}:{said.who}".encode("utf-8", "surrogatepass")
            return f"p-{hmac.digest(self._key, named, 'sha256').hex()[:10]}"
        if not is_pseudonym(said.who):
            raise DataError(
                f"{said.where}: {short(said.who)} is no pseudonym: import with --names hashed, or with a JSON file "
                "that maps each name to a pseudonym"
            )
        return said.who

    def keep(self) -> None:
        """Keep the key, where it was used: the same people get the same pseudonyms again."""
        if self._hashed and not self._file.exists():
            write_whole(self._file, self._key.hex() + "\n")

    @cached_property
    def _key(self) -> bytes:
        try:
            return bytes.fromhex(self._file.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            return secrets.token_bytes(32)
        except (OSError, ValueError):
            raise DataError(f"{self._file} is no key of this job: remove it, and annotators get new names") from None


# --- what it is to ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    key: VoteKey
    answer: Answer
    reason: str | None
    at: datetime | None
    seconds: float | None


class _Questions:
    """What a job asks, by every way that a file may name it."""

    def __init__(self, folder: JobFolder) -> None:
        self._items = folder.items
        self._traces = folder.traces
        self._path = folder.path
        self._latest = datetime.now(UTC) + MOST_AHEAD
        self._moments = {(item.trace_id, item.turn): item for item in folder.items.values() if not item.practice}

    def answer(self, said: Said, annotator: str) -> _Answer:
        """What was said, to the question that it is to. Raises `DataError` where the job does not ask it."""
        item = self._item(said)
        offer_id = self._offer(item, said)
        if said.at is not None and said.at > self._latest:
            raise DataError(f"{said.where}: it was given in the future ({said.at.isoformat()}): a clock was wrong")
        vote = Vote(
            annotator=annotator,
            item_id=item.item_id,
            occasion=said.place.occasion,
            offer_id=offer_id,
            answer=said.answer,
            at=said.at or datetime.now(UTC),
            order=0,
        )
        try:
            refuse_foreign(vote, self._items)
        except DataError as error:
            raise DataError(f"{said.where}: {error}") from None
        return _Answer(vote.key, said.answer, reason_kept(said.reason), said.at, said.seconds)

    def _item(self, said: Said) -> AnnotationItem:
        place = said.place
        if place.item_id is not None:
            found = self._items.get(place.item_id)
            what = f"item {short(place.item_id)}"
        else:
            trace, turn = str(place.trace_id), place.turn
            what = f"item at turn {turn} of {short(trace)}"
            if trace not in self._traces:
                hint = did_you_mean(trace, self._traces)
                raise DataError(f"{said.where}: {self._path} has no session {short(trace)}: {hint}".rstrip(": "))
            found = None if turn is None else self._moments.get((trace, turn))
        if found is None:
            raise DataError(f"{said.where}: {self._path} has no {what}")
        return found

    def _offer(self, item: AnnotationItem, said: Said) -> str | None:
        place = said.place
        if place.offer is None or place.offer_id is not None:
            return place.offer_id
        same = [offer.offer_id for offer in item.offers if offer.text == place.offer]
        if not same:
            raise DataError(f"{said.where}: {self._path} has no offer {short(place.offer)} at item {item.item_id}")
        return same[0]


# --- writing ----------------------------------------------------------------------------------------------------------


def _written(folder: JobFolder, answers: Iterable[_Answer], called: _Names) -> tuple[int, int, int, int]:
    """Write what does not stand yet: new, replaced, known, older. All files are held before the first is written, and
    all are as they were where one cannot be."""
    mine: dict[str, list[_Answer]] = defaultdict(list)
    for answer in answers:
        mine[answer.key.annotator].append(answer)
    _refuse_alike({*mine, *folder.voters(), *folder.annotators()})
    now = datetime.now(UTC)
    counted: Counter[str] = Counter()
    for name in mine:
        end_last_line(folder.votes_file(name))
    with ExitStack() as held:
        logs = {name: held.enter_context(folder.open_votes(name)) for name in sorted(mine)}
        lines = {name: _lines(folder, name, mine[name], now, counted) for name in logs}
        called.keep()
        undo: list[Callable[[], None]] = []
        try:
            for name, log in logs.items():
                undo.append(_undoing(folder.votes_file(name)))
                if lines[name]:
                    log.append(lines[name], sync=True)
        except BaseException:
            for back in undo:
                back()
            raise
    return counted["new"], counted["replaced"], counted["known"], counted["older"]


def _lines(
    folder: JobFolder, name: str, answers: Sequence[_Answer], now: datetime, counted: Counter[str]
) -> list[Vote]:
    """What is to be written for one person, numbered on from what they said before."""
    spoken = hear(Spoken(name, folder.items), folder.votes_file(name))
    found = []
    for answer in sorted(answers, key=lambda one: one.at or now):
        vote = Vote(
            annotator=name,
            item_id=answer.key.item_id,
            occasion=answer.key.occasion,
            offer_id=answer.key.offer_id,
            answer=answer.answer,
            reason=answer.reason,
            at=answer.at or now,
            order=spoken.answers,
            seconds=answer.seconds,
        )
        before = spoken.stands(vote)
        if before is not None and (before.answer, before.reason) == (vote.answer, vote.reason):
            counted["known"] += 1
            continue
        if before is not None and not _not_before(answer.at, before.at):
            counted["older"] += 1
            continue
        counted["new" if before is None or before.answer is None else "replaced"] += 1
        if before is not None:
            vote = vote.model_copy(update={"order": before.order})
        spoken.take(vote)
        found.append(vote)
    return found


def _refuse_alike(names: Iterable[str]) -> None:
    """Raise `DataError` where two people's votes would be one file on some disks."""
    found: dict[str, str] = {}
    for name in sorted(names):
        other = found.setdefault(on_disk(name), name)
        if other != name:
            raise DataError(
                f"annotators {other} and {name} would share a file on some systems: map one to another name"
            )


def _undoing(file: Path) -> Callable[[], None]:
    """What brings a file back to what it is now; an empty one, which has just been made, is no votes file."""
    length = file.stat().st_size

    def undo() -> None:
        if length:
            os.truncate(file, length)
        else:
            file.unlink(missing_ok=True)

    return undo


def _not_before(at: datetime | None, other: datetime | None) -> bool:
    """Whether what was said at `at` (None: just now) counts over what was said at `other`."""
    return at is None or other is None or at >= other


def _listed(left_out: Mapping[str, int]) -> str:
    found = ", ".join(f"{what}: {count:,}" for what, count in left_out.items() if count)
    return f" ({found})" if found else ""
