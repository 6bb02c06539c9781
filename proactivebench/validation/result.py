"""What a validation shows, as records that can be printed, stored and written back into a card."""

from __future__ import annotations

from pydantic import Field

from proactivebench.records import (
    Design,
    JudgeErrors,
    JudgeIdentity,
    LabelledData,
    Measured,
    NeedRule,
    Record,
    Thresholds,
)
from proactivebench.validation.ceiling import Ceiling
from proactivebench.validation.figures import Figure


class Block(Record):
    """Figures of one rater on one set of items under one need rule. `leaked`: it had seen these very contexts; where
    the `design` is unknown, it may have."""

    rater: str
    design: Design
    leaked: bool
    population: str
    rule: NeedRule
    items: int
    unscored_share: float = 0
    causes: dict[str, int] = Field(default_factory=dict)
    figures: dict[str, Figure]
    errors: JudgeErrors | None = None
    thresholds: Thresholds | None = None

    @property
    def heading(self) -> str:
        """What a reader must know before the figures."""
        warning = "LEAKED, not a measure of the judge: " if self.leaked else ""
        if self.design == "unknown":
            warning = "TRAINING DATA UNKNOWN, it may have seen these moments: "
        return f"{warning}{self.rater} on {self.population} ({self.items} items, need rule {self.rule}, {self.design})"


class Validation(Record):
    """A whole validation: the judge's blocks first, then the anchors'. `people` says whose labels, where they are not
    the release's; `left_out` sessions the judge was trained on, and was not asked about; `no_ceiling` why there is
    none."""

    judge: JudgeIdentity
    date: str
    data: str
    data_hash: str
    command: str
    blocks: tuple[Block, ...]
    annotators: dict[str, float | None]
    people: LabelledData | None = None
    left_out: int = 0
    ceiling: Ceiling | None = None
    no_ceiling: str | None = None
    seconds_per_verdict: float | None = None  # a request's latency, or wall time over verdicts where none is stated
    tokens_per_verdict: float | None = None

    def measured(self) -> Measured:
        """The block a card keeps: the judge's first one."""
        return kept_block(
            self.blocks[0],
            judge=self.judge.id,
            date=self.date,
            data=self.data,
            data_hash=self.data_hash,
            command=self.command,
            people=self.people,
            seconds_per_verdict=self.seconds_per_verdict,
            tokens_per_verdict=self.tokens_per_verdict,
        )


def kept_block(
    block: Block,
    *,
    judge: str,
    date: str,
    data: str,
    data_hash: str,
    command: str,
    people: LabelledData | None = None,
    seconds_per_verdict: float | None = None,
    tokens_per_verdict: float | None = None,
) -> Measured:
    """A judge's own block as it is kept: figures rounded, those without a value left out. Raises `ValueError` for an
    anchor's block, which counts no errors."""
    if block.errors is None:
        raise ValueError("only a judge's own block is kept")
    shown = {name: figure for name, figure in block.figures.items() if figure.value is not None}
    return Measured(
        judge=judge,
        date=date,
        data=f"{data}: {block.population}",
        data_hash=data_hash,
        command=command,
        people=people,
        design=block.design,
        rule=block.rule,
        items=block.items,
        errors=block.errors,
        thresholds=block.thresholds,
        figures={
            **{name: round(figure.value, 4) for name, figure in shown.items() if figure.value is not None},
            "unscored_share": round(block.unscored_share, 4),
            **_given("seconds_per_verdict", seconds_per_verdict),
            **_given("tokens_per_verdict", tokens_per_verdict),
        },
        intervals={
            name: (round(figure.interval[0], 4), round(figure.interval[1], 4))
            for name, figure in shown.items()
            if figure.interval is not None
        },
    )


def _given(name: str, value: float | None) -> dict[str, float]:
    return {} if value is None else {name: float(f"{value:.3g}")}
