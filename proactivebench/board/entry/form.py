"""What a submission is: one JSON file of declarations beside the evidence, and where both lie on a board."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from proactivebench.agents import baseline_words
from proactivebench.records import Manifest, Record

FORMAT = 1
MAX_PARAMETERS, MAX_PRICE = 10**15, 10**6
ENTRY, REPLIES, VERDICTS = "entry.json", "replies.jsonl.gz", "verdicts"
TRIVIAL = frozenset(baseline_words())  # agents that everything else is held against
BOARD_TASKS = ("proactivebench", "proactivebench_published", "proactivebench_sample")

# A name is also a folder, a URL part and a cell: nothing that any of them could misread.
Name = Annotated[str, StringConstraints(max_length=96, pattern=r"^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$")]
_JUDGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9+:.=,@_-]{0,118}-[0-9a-f]{8}\Z")
JudgeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9+:.=,@_-]{0,118}-[0-9a-f]{8}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[
    str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$")
]
Link = Annotated[
    str,
    StringConstraints(
        max_length=300, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?$"
    ),
]


class EvidenceFile(Record):
    """One compressed file of evidence: hash and size as stored, and how many records it holds."""

    sha256: Sha256
    bytes: int = Field(ge=1)
    records: int = Field(ge=0)


class Price(Record):
    """What a model costs, in USD per million tokens. `cached` is the price of prompt tokens served from a cache (as
    `prompt` where it is not given)."""

    prompt: float = Field(ge=0, le=MAX_PRICE)
    completion: float = Field(ge=0, le=MAX_PRICE)
    cached: float | None = Field(default=None, ge=0, le=MAX_PRICE)


class Declaration(Record):
    """What only the submitter knows. `None` means: unknown, or not said. `parameters` counts all of them, `released` is
    the day the model came out, `price_basis` says where a `price` is from (a list price and its day, own hardware)."""

    organisation: Name
    model: Name
    revision: Line = ""
    licence: Line
    trained_on_traces: bool | None = None
    trained_on_labels: bool | None = None
    contact: Line
    links: tuple[Link, ...] = Field(default=(), max_length=10)
    notes: Line = ""
    parameters: int | None = Field(default=None, ge=1, le=MAX_PARAMETERS)
    open_weights: bool | None = None
    released: date | None = None
    price: Price | None = None
    price_basis: Line | None = None


class Entry(Record):
    """`entry.json`. `manifest` is the run's own, without what a stranger should not see; `evidence` names every other
    file; `claims[judge][metric]` are the submitter's figures, shown to nobody and held against the recomputed ones.
    `sealed`: it is about data whose labels the board's maintainers alone have, and carries answers and no verdicts."""

    format: Literal[1] = 1
    sealed: Literal[True] | None = None
    run_id: Name
    declared: Declaration
    manifest: Manifest
    evidence: dict[str, EvidenceFile]
    claims: dict[JudgeId, dict[str, float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _judges_are_named_by_their_hash(self) -> Entry:
        for key, judge in self.manifest.judges.items():
            if not _JUDGE_ID.match(key):
                raise ValueError("a judge's id is its name, a dash and eight hex digits of its hash")
            if key != judge.id or not judge.id.endswith("-" + judge.hash[:8]):
                raise ValueError(f"judge {key} is filed under another id or hash than its own")
        return self

    @property
    def folder(self) -> PurePosixPath:
        """Where the entry lies below `entries/`."""
        return PurePosixPath(f"{self.declared.organisation}__{self.declared.model}", self.run_id)

    @property
    def key(self) -> str:
        """What names the entry on a board: its folder."""
        return str(self.folder)

    @property
    def name(self) -> str:
        """What a table shows: the declared model, and the revision where one is given."""
        return self.declared.model


def verdict_file(judge_id: str) -> str:
    """The path of a judge's verdicts inside an entry."""
    return f"{VERDICTS}/{judge_id}.jsonl.gz"
