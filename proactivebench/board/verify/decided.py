"""Verdicts that a board's maintainers had decided again by the very judge that an entry names: kept beside the entries,
in `decided/`, where no submitter writes."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import Field

from proactivebench.board.verify.records import keep_record, kept_record
from proactivebench.records import Record

FOLDER = "decided"
DISPUTED_SHARE = 0.1  # of the verdicts decided again, those that came out otherwise
ONE_SIDED = 0.01  # p of so many of these in the entry's favour, were either way as likely


class DecidedAgain(Record):
    """What came of asking the judge of an entry again about its open verdicts (those that nothing shipped here can
    repeat): `asked` were decided, `otherwise` of them in another way, `favoured` of those accepted in the entry and
    rejected now. `judge_hash` is the whole hash of the judge that decided, the model behind it included; `date` is
    YYYY-MM-DD."""

    judge_hash: str
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    asked: int = Field(ge=1)
    otherwise: int = Field(ge=0)
    favoured: int = Field(ge=0)

    @property
    def share(self) -> float:
        """Share of the verdicts that came out otherwise."""
        return self.otherwise / self.asked

    @property
    def lopsided(self) -> bool:
        """Whether the entry's own verdicts err in its favour by more than chance would: a one-sided sign test."""
        ways = sum(math.comb(self.otherwise, hits) for hits in range(self.favoured, self.otherwise + 1))
        return bool(ways <= ONE_SIDED * 2**self.otherwise)

    @property
    def disputed(self) -> bool:
        """Whether the entry's verdicts do not count as this judge's."""
        return self.share > DISPUTED_SHARE or self.lopsided

    @property
    def sentence(self) -> str:
        """What it showed, in words."""
        said = f"{self.asked} verdicts decided again by the same judge on {self.date}, {self.otherwise} otherwise"
        return f"{said}, {self.favoured} of these in the entry's favour" if self.lopsided else said


class Decisions(Record):
    """All that was decided again of the entry `entry` (ORG__MODEL/RUN), by judge id. It counts only for the evidence it
    was formed on (`digest`, as `Evidence.digest`)."""

    entry: str
    digest: str
    judges: dict[str, DecidedAgain]

    def of(self, digest: str, judge_id: str, judge_hash: str) -> DecidedAgain | None:
        """What stands of a judge for evidence of this `digest`; None where nothing does."""
        found = self.judges.get(judge_id) if self.digest == digest else None
        return found if found and found.judge_hash == judge_hash else None


def read_decisions(root: Path) -> dict[str, Decisions]:
    """What the board at `root` keeps, by entry key. Unreadable records, and those of another entry than their place
    says, are left out."""
    found = {}
    for file in sorted((root / FOLDER).glob("*/*.json")):
        record = read_decision(root, f"{file.parent.name}/{file.stem}")
        if record:
            found[record.entry] = record
    return found


def read_decision(root: Path, key: str) -> Decisions | None:
    """What the board at `root` keeps of one entry; None where there is nothing readable."""
    record = kept_record(decision_file(root, key), Decisions)
    return record if record and record.entry == key else None


def write_decision(root: Path, key: str, digest: str, judge_id: str, found: DecidedAgain) -> Path:
    """Keep what a judge decided again of an entry, beside what others did on the same evidence; returns the file.
    Raises `CannotWrite`."""
    before = read_decision(root, key)
    judges = dict(before.judges) if before and before.digest == digest else {}
    record = Decisions(entry=key, digest=digest, judges={**judges, judge_id: found})
    return keep_record(decision_file(root, key), record)


def decision_file(root: Path, key: str) -> Path:
    """Where the board at `root` keeps what was decided again of the entry `key` (ORG__MODEL/RUN)."""
    return root / FOLDER / f"{key}.json"


def log_file(root: Path, key: str, digest: str, judge_id: str) -> Path:
    """Where the new verdicts themselves are kept, one a line, as they come: apart from the records, for a run may have
    any name."""
    return root / FOLDER / "verdicts" / key / f"{digest[:16]}-{judge_id}.jsonl"
