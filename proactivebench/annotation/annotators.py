"""Who takes part in a job: a place and a link for each, and an end to both where somebody withdraws."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from proactivebench.annotation.job import JobFolder
from proactivebench.errors import BadArgument, UnknownName, UsageError
from proactivebench.naming import did_you_mean
from proactivebench.records import Annotator
from proactivebench.records.votes import PSEUDONYM, is_pseudonym
from proactivebench.store import cannot_write, read_record, write_whole
from proactivebench.web.guard import new_token, token_sha256

_HASHES = TypeAdapter(list[str])


class Admitted(NamedTuple):
    """Everyone who has a place, and the tokens of those whose link was made just now: they stand nowhere else."""

    annotators: dict[str, Annotator]
    tokens: dict[str, str]


def admit(folder: JobFolder, names: Iterable[str] = (), *, relink: Iterable[str] = ()) -> Admitted:
    """Give a place and a link to each of `names` who has none, and a new link to each of `relink`, whose old one ends.

    Returns who is in the job now, and the new tokens by pseudonym.

    Raises:
        BadArgument: A name that is no pseudonym, or is somebody's in other letters.
        UnknownName: Nobody of that name is there to be linked again.
        CannotWrite: The list cannot be written; then nothing has changed.
    """
    with _changing(folder):
        with cannot_write(folder.path):
            (folder.path / "votes").mkdir(exist_ok=True)  # a copy through git has none while it is empty
        known = _present(folder)
        tokens: dict[str, str] = {}
        for name in dict.fromkeys(names):
            if name not in known:
                _refuse_unfit(name, known)
                tokens[name] = new_token()
                taken = {one.slot for one in known.values()}
                slot = next(number for number in count() if number not in taken)
                known[name] = _place(name, slot, tokens[name])
        for name in dict.fromkeys(relink):
            if name not in known:
                raise UnknownName(f"{_nobody(folder, name, known)}; --annotator {name} makes a place")
            if name not in tokens:
                tokens[name] = new_token()
                known[name] = _place(name, known[name].slot, tokens[name])
        if tokens:
            folder.write_annotators(known.values())
    return Admitted(known, tokens)


def withdraw(folder: JobFolder, pseudonym: str) -> None:
    """Delete one annotator's votes, consent and place. What remains is the sha256 of a token, of nobody any more: that
    somebody withdrew. Whoever holds their votes file open has to close it first.

    Raises `UnknownName` where nobody of that name has a place or votes, `CannotWrite`.
    """
    with _changing(folder):
        known = folder.annotators()
        file = folder.votes_file(pseudonym)
        if pseudonym not in known and (not is_pseudonym(pseudonym) or not file.exists()):
            raise UnknownName(_nobody(folder, pseudonym, known))
        with cannot_write(file):  # the votes first: a kill from here on leaves a place without votes, never votes
            file.unlink(missing_ok=True)
            file.with_name(f".{file.name}.lock").unlink(missing_ok=True)
        if (gone := known.pop(pseudonym, None)) is not None:
            hashes = [*dict.fromkeys([*withdrawn(folder), gone.token_sha256])]
            write_whole(folder.path / "withdrawn.json", _HASHES.dump_json(hashes, indent=2).decode() + "\n")
            folder.write_annotators(known.values())


def withdrawn(folder: JobFolder) -> tuple[str, ...]:
    """The sha256 of each link whose annotator withdrew. Raises `DataError`."""
    return tuple(read_record(folder.path / "withdrawn.json", _HASHES.validate_json, "is no list of links") or ())


def held(folder: JobFolder, wanted: str) -> AbstractContextManager[None]:
    """Hold the job as its one server, or as one who needs that there is none. Raises `UsageError` where it is served;
    `wanted` is what to do then."""
    return _locked(folder, ".serving.lock", f"{folder.path} is being served by another process: {wanted}")


def _nobody(folder: JobFolder, name: str, known: Collection[str]) -> str:
    others = did_you_mean(name, known).strip() or f"there {_are(sorted(known))}"
    return f"{folder.path} knows no annotator {name[:80]!r}: {others}"


def _are(names: list[str]) -> str:
    if not names:
        return "are none"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names[:5])}{more}"


def _present(folder: JobFolder) -> dict[str, Annotator]:
    """Who has a place: not those whose withdrawal was cut off after their link had ended."""
    gone = set(withdrawn(folder))
    return {name: one for name, one in folder.annotators().items() if one.token_sha256 not in gone}


def _changing(folder: JobFolder) -> AbstractContextManager[None]:
    return _locked(folder, ".annotators.lock")


@contextmanager
def _locked(folder: JobFolder, name: str, taken: str | None = None) -> Iterator[None]:
    """Hold a lock of a job. Where somebody else has it: wait, or raise `UsageError` with what `taken` says."""
    _ = folder.job
    lock = FileLock(folder.path / name, timeout=-1 if taken is None else 0, thread_local=False)
    with cannot_write(folder.path):
        try:
            ours = lock.acquire()
        except Timeout:
            raise UsageError(taken) from None
    with ours:
        yield


def _place(name: str, slot: int, token: str) -> Annotator:
    return Annotator(pseudonym=name, slot=slot, token_sha256=token_sha256(token), made=datetime.now(UTC))


def _refuse_unfit(name: str, known: Iterable[str]) -> None:
    if not is_pseudonym(name):
        raise BadArgument(
            f"{name[:80]!r} is no pseudonym: letters, digits, '.', '_' and '-', a letter or digit first, 64 at most "
            f"({PSEUDONYM})"
        )
    same = next((one for one in known if on_disk(one) == on_disk(name)), None)
    if same is not None:
        raise BadArgument(f"{name!r} and {same!r} would share a file on some systems: choose another pseudonym")


def on_disk(name: str) -> str:
    """What a pseudonym comes to where files have one name whatever the case of its letters: two of the same share their
    votes there."""
    return name.casefold().rstrip(".")
