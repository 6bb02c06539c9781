"""What asking an entry's model again showed: the maintainers' record that makes a *reported* row a *reproduced* one."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from proactivebench.board.verify.records import keep_record, kept_record
from proactivebench.records import Record

FOLDER = "reproduced"


class Reproduction(Record):
    """One attempt to reproduce an entry, kept by a board's maintainers in `reproduced/`, outside the entry.

    It counts only for the evidence it was formed on (`digest`, as `Evidence.digest`). `model` was asked again on `date`
    (YYYY-MM-DD) at the `moments` moments of `traces`, which `seed` drew after submission, and of each a repeat of the
    entry to hold the answers against (`repeats`); at `agreed` of them both answers are an offer or both a silence;
    `interval` is the 95 % interval of that share over traces, `chance` the share to expect of offers placed by lot. Of
    the moments `offered_by_both`, `identical` offers have the very words and `similar` like ones. `draw`: how many
    draws there were for this evidence, this one included; `conditions`: how those of the new answers differ, in words.
    `passed`: whether the entry's answers count as the model's, and `reason` why they do not.
    """

    entry: str  # ORG__MODEL/RUN
    digest: str
    model: str
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    seed: str = ""
    traces: tuple[str, ...] = Field(min_length=1)
    repeats: tuple[int, ...] = ()
    moments: int = Field(ge=1)
    agreed: int = Field(ge=0)
    interval: tuple[float, float] | None = None
    chance: float | None = Field(default=None, ge=0, le=1)
    offered_by_both: int = Field(default=0, ge=0)
    identical: int = Field(default=0, ge=0)
    similar: int = Field(default=0, ge=0)
    draw: int = Field(default=1, ge=1)
    conditions: str = ""
    passed: bool
    reason: str = ""

    @property
    def agreement(self) -> float:
        """Share of the moments asked again at which both offer or both are silent."""
        return self.agreed / self.moments

    @property
    def sentence(self) -> str:
        """What it showed, in words."""
        over = f" [{self.interval[0]:.2f}, {self.interval[1]:.2f}]" if self.interval else ""
        said = (
            f"{self.model}, asked again on {self.date} at {self.moments} moments of {len(self.traces)} traces drawn "
            f"after submission, agrees on offer or silence at {self.agreement:.0%}{over}"
        )
        if self.chance is not None:
            said += f" (by lot {self.chance:.0%})"
        if self.offered_by_both:
            said += f", in the very words at {self.identical} of the {self.offered_by_both} that both offer at"
        if self.draw > 1:
            said += f"; draw {self.draw}"
        if self.conditions:
            said += f"; other conditions: {self.conditions}"
        return f"{said}; {self.reason}." if self.reason else f"{said}."


def reproduction_file(root: Path, key: str) -> Path:
    """Where the board at `root` keeps what asking the entry `key` (ORG__MODEL/RUN) again showed."""
    return root / FOLDER / f"{key}.json"


def read_reproductions(root: Path) -> dict[str, Reproduction]:
    """What the board at `root` keeps, by entry key. Unreadable records, and those of another entry than their place
    says, are left out."""
    found = {}
    for file in sorted((root / FOLDER).glob("*/*.json")):
        record = kept_record(file, Reproduction)
        if record and record.entry == f"{file.parent.name}/{file.stem}":
            found[record.entry] = record
    return found


def write_reproduction(root: Path, record: Reproduction) -> Path:
    """Keep a record beside the entries of the board at `root`; returns its file. Raises `CannotWrite`."""
    return keep_record(reproduction_file(root, record.entry), record)
