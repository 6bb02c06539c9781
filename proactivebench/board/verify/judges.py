"""Judges on a board: what a judge said of people's labels, recomputed here, and whether it says so again."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from proactivebench.board.entry.form import Price, Sha256
from proactivebench.board.entry.parcel import Parcel
from proactivebench.board.entry.reading import (
    MAX_ENTRY_BYTES,
    MAX_PACKED_BYTES,
    Refused,
    read_plain,
    read_records,
    strict_json,
    unpacked_lines,
)
from proactivebench.board.entry.redaction import redacted_judge
from proactivebench.board.verify.records import keep_record, kept_record
from proactivebench.errors import DataError, UnknownName
from proactivebench.judging import Judge, Opinion
from proactivebench.judging.identity import judge_id
from proactivebench.judging.lexical.training import items_hash
from proactivebench.judging.measurement import is_paper
from proactivebench.records import (
    Fingerprint,
    JudgeIdentity,
    Measured,
    MetricValue,
    NeedRule,
    Record,
    Usage,
    VerdictStatus,
)
from proactivebench.scoring.report import MOST_UNSCORED
from proactivebench.text import write_lines
from proactivebench.traces import labelled_items
from proactivebench.validation.ceiling import Ceiling, released_ceiling
from proactivebench.validation.design import design_by_card
from proactivebench.validation.items import ValidationItem
from proactivebench.validation.measuring import SAMPLE, refuse_unscored, sample_of
from proactivebench.validation.people import RELEASED, released_labels
from proactivebench.validation.result import Block, kept_block
from proactivebench.validation.validate import ALL, OFFICIAL, Opinions, judged_block, mean_latency, mean_tokens

FOLDER, FILE, VERDICTS = "judges", "judge.json", "verdicts.jsonl.gz"
REPRODUCED, FINGERPRINTS = "judges-reproduced", "fingerprints"
LEAST_AGREEMENT = 0.9
POPULATION = {
    "sample": SAMPLE,
    "official": OFFICIAL,
    "all": ALL,
}
Items = Literal["sample", "official", "all"]


class LabelledVerdict(Record):
    """What a judge said of one labelled item, the `row`th of the release's `file`."""

    file: Literal["train", "test"]
    row: int = Field(ge=0)
    status: VerdictStatus
    probability: float | None = Field(default=None, ge=0, le=1)
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class JudgeBlock(Record):
    """`judge.json`: whose verdicts stand beside it, on which of people's labels, and what its model costs."""

    format: Literal[1] = 1
    identity: JudgeIdentity
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    items: Items
    data_hash: Sha256
    verdicts: Sha256
    price: Price | None = None


class Repetition(Record):
    """The maintainers asked a judge of their board again: at `agreed` of `asked` labelled items it said the same. It
    counts only for the verdicts it was made on (`verdicts`, their sha256)."""

    judge: str
    verdicts: str
    date: str
    asked: int = Field(ge=1)
    agreed: int = Field(ge=0)

    @property
    def passed(self) -> bool:
        """Whether the verdicts count as the judge's."""
        return self.agreed >= LEAST_AGREEMENT * self.asked


R = TypeVar("R", Repetition, Fingerprint)


@dataclass(frozen=True, slots=True)
class JudgeRow:
    """One judge of a board's table: what was recomputed from its verdicts, and whether the maintainers saw it say the
    same. `cost` is USD per thousand verdicts."""

    block: JudgeBlock
    measured: Measured
    figures: Mapping[str, MetricValue]
    repetition: Repetition | None
    cost: float | None
    tokens: float | None

    @property
    def reproduced(self) -> bool:
        """Whether the verdicts count as the judge's."""
        return self.repetition is not None and self.repetition.passed


@dataclass(frozen=True, slots=True)
class JudgeTable:
    """The judges measured on a board, the best first; (folder, why) of those refused; and what any judge can reach."""

    rows: tuple[JudgeRow, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    ceiling: Ceiling | None = None


def parcel_of(
    judge: Judge, items: Items, chosen: Sequence[ValidationItem], opinions: Opinions, price: Price | None
) -> Parcel:
    """A judge's verdicts on people's labels, ready to be sent to a board. Raises `InvalidRun` where over 2 % of them
    are unscored."""
    refuse_unscored(judge.identity.id, opinions, len(chosen))
    verdicts = [_verdict(item, said) for item, said in zip(chosen, opinions, strict=True)]
    packed = gzip.compress(write_lines(verdicts), mtime=0)
    block = JudgeBlock(
        identity=redacted_judge(judge.identity),
        date=datetime.now(UTC).date().isoformat(),
        items=items,
        data_hash=items_hash([item.row for item in chosen]),
        verdicts=hashlib.sha256(packed).hexdigest(),
        price=price,
    )
    files = {FILE: (block.model_dump_json(indent=2, exclude_none=True) + "\n").encode(), VERDICTS: packed}
    otherwise = "remove the older one first, if these verdicts are to stand in its place"
    return Parcel(f"judge {judge.identity.id}", f"{FOLDER}/{judge.identity.id}", FILE, files, otherwise)


def chosen_items(items: Items) -> list[ValidationItem]:
    """The labelled items a block is about. Raises `DataError` where the labels cannot be had."""
    labels = released_labels(labelled_items())
    if items == "sample":
        return sample_of(labels)
    return [item for item in labels.items if items == "all" or item.row.file == "test"]


def judge_table(root: Path) -> JudgeTable:
    """The judges of the board at `root`, recomputed from their verdicts. Where people's labels are not at hand each is
    refused with that reason."""
    rows, refused = [], []
    records = _records(root / REPRODUCED, Repetition)
    for folder in sorted(path for path in (root / FOLDER).glob("*") if path.is_dir()):
        try:
            rows.append(_row(folder, records))
        except (Refused, DataError) as error:
            refused.append((f"{FOLDER}/{folder.name}", str(error)))
    best = sorted(rows, key=lambda row: -(row.measured.figures.get("balanced_accuracy") or 0))
    return JudgeTable(tuple(best), tuple(refused), released_ceiling() if rows else None)


def trusted_measured(table: JudgeTable) -> Iterator[Measured]:
    """What a board may go by: blocks recomputed here, whose judge said the same to its maintainers."""
    for row in table.rows:
        if row.reproduced:
            yield row.measured


def trusted_fingerprints(root: Path) -> Iterator[Fingerprint]:
    """The fingerprints that the maintainers of the board at `root` took themselves."""
    yield from _records(root / FINGERPRINTS, Fingerprint).values()


def keep_fingerprint(root: Path, found: Fingerprint) -> Path:
    """Keep a fingerprint the maintainers took; returns its file. Raises `CannotWrite`."""
    return keep_record(root / FINGERPRINTS / f"{found.judge}.json", found)


def repetition_of(root: Path, judge: Judge) -> tuple[JudgeBlock, list[ValidationItem], list[LabelledVerdict]]:
    """The block of `judge` on the board at `root` with what was asked and said. Raises `UsageError` where there is
    none, and `DataError` where it cannot be read."""
    folder = root / FOLDER / judge.identity.id
    if not (folder / FILE).is_file():
        had = ", ".join(sorted(path.name for path in (root / FOLDER).glob("*"))) or "none"
        raise UnknownName(
            f"{root} has no judge {judge.identity.id} (its judges: {had}): give the card, model and arguments of one"
        )
    try:
        block = _block(folder)
        return block, *_said(folder, block)
    except Refused as error:
        raise DataError(f"{folder}: {error}") from None


def keep_repetition(
    root: Path, block: JudgeBlock, before: Sequence[LabelledVerdict], again: Sequence[Opinion | None]
) -> Repetition:
    """Hold what a judge says now against what stands on the board, and keep the outcome. Raises `CannotWrite`."""
    agreed = sum(
        said is not None and said.status is verdict.status for verdict, said in zip(before, again, strict=True)
    )
    record = Repetition(
        judge=block.identity.id,
        verdicts=block.verdicts,
        date=datetime.now(UTC).date().isoformat(),
        asked=len(before),
        agreed=agreed,
    )
    keep_record(root / REPRODUCED / f"{block.identity.id}.json", record)
    return record


def _row(folder: Path, records: Mapping[str, Repetition]) -> JudgeRow:
    block = _block(folder)
    items, verdicts = _said(folder, block)
    opinions = [_opinion(block.identity.name, verdict) for verdict in verdicts]
    unscored = sum(said.status is VerdictStatus.UNSCORED for said in opinions)
    if unscored > MOST_UNSCORED * len(opinions):
        raise Refused(f"{unscored} of {len(opinions)} verdicts are unscored: at most {MOST_UNSCORED:.0%} may be")
    try:
        design = "leaked" if is_paper(block.identity) else design_by_card(block.identity)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused(f"{FILE}: its card does not say who decides") from None
    found: Block = judged_block(
        block.identity, items, opinions, NeedRule.UNANIMOUS, design, RELEASED, POPULATION[block.items]
    )
    tokens = mean_tokens(opinions)
    measured = kept_block(
        found,
        judge=block.identity.id,
        date=block.date,
        data=RELEASED,
        data_hash=block.data_hash,
        command=f"proactivebench judges submit {block.identity.name}",
        seconds_per_verdict=mean_latency(opinions),
        tokens_per_verdict=tokens,
    )
    known = records.get(block.identity.id)
    figures = {
        name: MetricValue(value=figure.value, interval=figure.interval, reason=figure.reason)
        for name, figure in found.figures.items()
    }
    return JudgeRow(
        block,
        measured,
        figures,
        known if known and known.verdicts == block.verdicts else None,
        _cost(block.price, verdicts),
        tokens,
    )


def _block(folder: Path) -> JudgeBlock:
    content = read_plain(folder / FILE, MAX_ENTRY_BYTES)
    strict_json(content)
    try:
        block = JudgeBlock.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    identity = block.identity
    if folder.name != identity.id or identity.id != judge_id(identity.name, identity.hash):
        raise Refused(f"{FILE}: the judge {identity.id[:80]} is not named by its name and hash, or lies elsewhere")
    if identity.baseline or not any(member.fallible for member in identity.members):
        raise Refused(f"{FILE}: {identity.name[:80]} is a baseline or people's votes, which nobody measures on a board")
    return block


def _said(folder: Path, block: JudgeBlock) -> tuple[list[ValidationItem], list[LabelledVerdict]]:
    """The items of a block and the verdict on each, in their order."""
    packed = read_plain(folder / VERDICTS, MAX_PACKED_BYTES)
    if hashlib.sha256(packed).hexdigest() != block.verdicts:
        raise Refused(f"{VERDICTS} is not the file that {FILE} names")
    items = chosen_items(block.items)
    if items_hash([item.row for item in items]) != block.data_hash:
        raise Refused(f"{FILE}: judged on other labels than {POPULATION[block.items]} of this version")
    said: dict[tuple[str, int], LabelledVerdict] = {}
    for verdict in read_records(unpacked_lines(packed), LabelledVerdict):
        if (verdict.file, verdict.row) in said:
            raise Refused(f"{VERDICTS}: {verdict.file} row {verdict.row} stands twice")
        said[verdict.file, verdict.row] = verdict
    wanted = [(item.row.file, item.row.row) for item in items]
    if set(wanted) != set(said):
        raise Refused(f"{VERDICTS} has {len(said)} verdicts, not one on each of the {len(wanted)} items")
    return items, [said[key] for key in wanted]


def _verdict(item: ValidationItem, said: Opinion | None) -> LabelledVerdict:
    usage = said.usage if said else None
    return LabelledVerdict(
        file="train" if item.row.file == "train" else "test",
        row=item.row.row,
        status=said.status if said else VerdictStatus.UNSCORED,
        probability=said.probability if said else None,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
    )


def _opinion(judge: str, verdict: LabelledVerdict) -> Opinion:
    known = verdict.prompt_tokens is not None or verdict.completion_tokens is not None
    usage = Usage(prompt_tokens=verdict.prompt_tokens, completion_tokens=verdict.completion_tokens) if known else None
    return Opinion(verdict.status, judge, probability=verdict.probability, usage=usage)


def _cost(price: Price | None, verdicts: Sequence[LabelledVerdict]) -> float | None:
    """USD per thousand verdicts, over those whose usage is stated."""
    stated = [one for one in verdicts if one.prompt_tokens is not None and one.completion_tokens is not None]
    if price is None or not stated:
        return None
    spent = sum(
        (one.prompt_tokens or 0) * price.prompt + (one.completion_tokens or 0) * price.completion for one in stated
    )
    return spent / 1e6 / len(stated) * 1000


def _records(folder: Path, kind: type[R]) -> dict[str, R]:
    """The maintainers' records in a folder, by judge; what cannot be read, or lies under another name, is left out."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        record = kept_record(file, kind)
        if record and record.judge == file.stem:
            found[record.judge] = record
    return found
