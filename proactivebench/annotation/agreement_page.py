"""A job's agreement as one self-contained page: pictures, tables, and the items people disagree on most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proactivebench.annotation.agreement import Disagreement, JobAgreement, KindAgreement, Person
from proactivebench.annotation.ballots import Kind
from proactivebench.annotation.job import JobFolder
from proactivebench.board.site.pages import one_file
from proactivebench.errors import WrongFile
from proactivebench.files import read_bytes
from proactivebench.records import Answer, Event
from proactivebench.store import cannot_write, write_whole
from proactivebench.validation.agreement import Estimate

LEFT, WIDTH, NOTES, ROW = 152, 160, 322, 20  # of a plot's rows, in its own pixels: names, axis, words beside, height
CELL, NAME = 46, 110  # of the matrix of pairs
MOST_PEOPLE = 15  # whose pairs fit into a matrix
_SHOWN_EVENTS = 6
_LONGEST = 21  # characters of a name in a plot
_MARK = b"<!doctype html>"
_SAYS = {
    Kind.NEED: ("The need", "“Would you want help now?”, asked before any offer of that moment is shown."),
    Kind.OFFERS: ("Offers", "Accept or reject; “not yet” counts as a rejection, “unsure” as no vote."),
}
_WORDS = {Answer.PREMATURE: "not yet"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure in a plot: `dot` at its value, `low` to `high` its interval, `before` a hollow dot at an earlier
    value; `note` stands beside."""

    label: str
    y: float
    dot: float
    low: float | None = None
    high: float | None = None
    before: float | None = None
    note: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Figures below each other on one axis, with `ticks` and perhaps a `dashed` line."""

    title: str
    caption: str
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    dashed: float | None = None

    @property
    def height(self) -> float:
        """Where the axis ends below."""
        return ROW * len(self.rows)


@dataclass(frozen=True, slots=True)
class Cell:
    """Two people in the matrix: the share on which they said the same, in words and as a shade."""

    x: float
    y: float
    share: str
    shade: float
    said: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Pairs of people: `names` along both sides."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def size(self) -> float:
        """Of its square of cells."""
        return CELL * len(self.names)


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` along a plot."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value stands; what lies outside, at the end."""
        share = (value - self.low) / (self.high - self.low)
        return LEFT + WIDTH * min(1.0, max(0.0, share))

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Five steps with their values."""
        steps = [self.low + (self.high - self.low) * step / 5 for step in range(6)]
        return tuple((self.at(step), f"{step:.1f}".replace("-", "−")) for step in steps)


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of question on the page."""

    kind: KindAgreement
    title: str
    says: str
    figures: tuple[tuple[str, str, str], ...]  # name, value, what it rests on
    plots: tuple[Plot, ...]
    matrix: Matrix | None


@dataclass(frozen=True, slots=True)
class Told:
    """A disputed item with the events it stands on: those before them are only counted."""

    item: Disagreement
    earlier: int
    events: tuple[Event, ...]


def write_page(folder: JobFolder, found: JobAgreement, output_path: Path) -> Path:
    """Write the page; an earlier one gives way; returns its path. That of a sealed job is its owner's alone.

    Raises `WrongFile` where something else stands there, `CannotWrite`.
    """
    if output_path.is_dir():
        raise WrongFile(f"{output_path} is a folder: give the name of a page, as {output_path / 'agreement.html'}")
    if output_path.is_file() and not read_bytes(output_path, "a page, or nothing").startswith(_MARK):
        raise WrongFile(f"{output_path} is there already and is no page: give another --output_path")
    folder.refuse_inside(output_path)
    with cannot_write(output_path):
        output_path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(output_path, page(folder, found), private=found.sealed)


def page(folder: JobFolder, found: JobAgreement) -> str:
    """The page's text."""
    return one_file(
        "people.html.j2",
        scripts=(),
        title=f"Do people agree? {found.job}",
        found=found,
        finding="; ".join(_finding(kind) for kind in found.kinds),
        sections=[_section(kind) for kind in found.kinds],
        disputed=[_told(folder, one) for one in found.disagreements],
        words=lambda answer: _WORDS.get(answer, answer.value),
        people=sorted({person.annotator for kind in found.kinds for person in kind.people}),
        geometry={"left": LEFT, "width": WIDTH, "notes": NOTES, "cell": CELL, "name": NAME},
    )


def _finding(kind: KindAgreement) -> str:
    name = "On the need" if kind.kind is Kind.NEED else "on offers"
    if kind.alpha.value is None:
        return f"{name}: no α, {kind.alpha.reason}"
    return f"{name} α is {_number(kind.alpha.value)}{_ends(kind.alpha.interval)}"


def _section(kind: KindAgreement) -> Section:
    title, says = _SAYS[kind.kind]
    plots = [_shared(kind), _acceptance(kind.people), _drift(kind.people), _against(kind)]
    matrix = _matrix(kind) if kind.pairs and len(kind.people) <= MOST_PEOPLE else None
    return Section(kind, title, says, tuple(_figures(kind)), tuple(p for p in plots if p and p.rows), matrix)


def _figures(kind: KindAgreement) -> Iterator[tuple[str, str, str]]:
    yield "Krippendorff's α (nominal)", _estimate(kind.alpha), f"{kind.alpha.items:,} questions; bootstrap over traces"
    if kind.reason is not None:
        return
    if kind.usual and kind.icc:
        yield f"α on those with {kind.icc.k} votes", _estimate(kind.usual), f"{kind.usual.items:,} questions; the same"
    if kind.observed is not None:
        yield "Agreeing pairs of votes", _number(kind.observed), "mean over questions with two votes"
    if kind.ac1 and kind.ac1.value is not None:
        yield "Gwet's AC1", _number(kind.ac1.value) + _ends(kind.ac1.interval), "interval: questions as independent"
    if kind.icc and kind.icc.single is not None and kind.icc.mean is not None:
        rests = f"{kind.icc.items:,} questions with {kind.icc.k} votes; people's means within a trace removed"
        yield "ICC(C,1), single votes", _number(kind.icc.single), rests
        yield f"ICC(C,{kind.icc.k}), mean of {kind.icc.k}", _number(kind.icc.mean), rests
    if kind.one_human:
        yield "One person against most others", _estimate(kind.one_human), "balanced accuracy of votes, pooled"
    for human in kind.human:
        value = "–" if human.value.value is None else _number(human.value.value) + _ends(human.value.interval)
        yield f"One human, need {human.rule}", value, "balanced accuracy of need at a moment, over traces"
    if kind.ceiling:
        yield "Ceiling: AUC pooled", _number(kind.ceiling.auc_pooled), "others' mean vote predicts one's"
        yield "Ceiling: AUC within a person", _number(kind.ceiling.auc_within), "the same, no threshold entering"
        if kind.ceiling.model_auc is not None and kind.ceiling.model_balanced_accuracy is not None:
            yield "Ceiling by a model: AUC", _number(kind.ceiling.model_auc), "whoever knows the true share"
            yield "Ceiling by a model: balanced accuracy", _number(kind.ceiling.model_balanced_accuracy), "the same"
    else:
        yield "Ceiling of any judge", "–", kind.no_ceiling or ""


def _shared(kind: KindAgreement) -> Plot | None:
    figures: list[tuple[str, float | None, tuple[float, float] | None]] = [
        ("α", kind.alpha.value, kind.alpha.interval),
        ("AC1", kind.ac1.value if kind.ac1 else None, kind.ac1.interval if kind.ac1 else None),
        ("ICC of single votes", kind.icc.single if kind.icc else None, None),
        (f"ICC of a mean of {kind.icc.k}" if kind.icc else "", kind.icc.mean if kind.icc else None, None),
    ]
    known = [(name, value, ends) for name, value, ends in figures if value is not None]
    if not known:
        return None
    least = min(min(value, ends[0] if ends else value) for _, value, ends in known)
    axis = Axis(0.0, 1.0) if least >= 0 else Axis(-1.0, 1.0)
    caption = "0 is what chance would give, 1 is full agreement."
    return _plot("Agreement beyond chance", caption, known, axis, dashed=0.0 if least < 0 else None)


def _acceptance(people: Sequence[Person]) -> Plot:
    known = [
        (one.annotator, one.accepted.value, one.accepted.interval) for one in people if one.accepted.value is not None
    ]
    caption = "The share of each person's votes that say yes, with 95 % intervals over traces where there are enough."
    return _plot("Who accepts how often", caption, known, Axis(0.0, 1.0))


def _drift(people: Sequence[Person]) -> Plot | None:
    axis = Axis(0.0, 1.0)
    rows = tuple(
        Row(
            _short(one.annotator),
            ROW * (place + 0.5),
            axis.at(one.drift.second),
            before=axis.at(one.drift.first),
            note="no test" if one.drift.p is None else "p < .001" if one.drift.p < 0.001 else f"p = {one.drift.p:.3f}",
        )
        for place, one in enumerate(one for one in people if one.drift)
        if one.drift
    )
    caption = (
        "Hollow: the first half of what each answered; filled: the second. p: as large a difference when the sessions "
        "come in another order; none with fewer than 5 sessions."
    )
    return Plot("Who changes on the way", caption, rows, axis.ticks) if rows else None


def _against(kind: KindAgreement) -> Plot | None:
    if kind.reason is not None:
        return None
    rows: list[tuple[str, float | None, tuple[float, float] | None]] = [
        (one.annotator, one.against_others.value, one.against_others.interval)
        for one in kind.people
        if one.against_others
    ]
    own = len([value for _, value, _ in rows if value is not None])
    if kind.one_human:
        rows.append(("everybody, pooled", kind.one_human.value, kind.one_human.interval))
    rows += [(f"one human, {one.rule}", one.value.value, one.value.interval) for one in kind.human]
    if kind.ceiling:
        rows += [("ceiling: AUC", kind.ceiling.auc_pooled, None), ("… within a person", kind.ceiling.auc_within, None)]
        rows += [("… by a model of votes", kind.ceiling.model_auc, None)]
    known = [(name, value, ends) for name, value, ends in rows if value is not None]
    caption = (
        "Balanced accuracy of each person's votes against the majority of the others, of the need at a moment (the "
        "human row), and what any judge can reach; dashed: one half, which says nothing."
    )
    return _plot("One against the others, and the ceiling", caption, known, Axis(0.0, 1.0), dashed=0.5, own=own)


def _plot(
    title: str,
    caption: str,
    known: Iterable[tuple[str, float, tuple[float, float] | None]],
    axis: Axis,
    *,
    dashed: float | None = None,
    own: int | None = None,
) -> Plot:
    """A row for each; those from `own` on are of more than one person."""
    rows = tuple(
        Row(
            _short(name),
            ROW * (place + 0.5),
            axis.at(value),
            low=axis.at(ends[0]) if ends else None,
            high=axis.at(ends[1]) if ends else None,
            note=_number(value, 2) + _ends(ends, 2),
            quiet=own is not None and place >= own,
        )
        for place, (name, value, ends) in enumerate(known)
    )
    return Plot(title, caption, rows, axis.ticks, None if dashed is None else axis.at(dashed))


def _matrix(kind: KindAgreement) -> Matrix:
    place = {person.annotator: number for number, person in enumerate(kind.people)}
    cells = []
    for pair in kind.pairs:
        for a, b in ((pair.first, pair.second), (pair.second, pair.first)):
            share = pair.same / pair.both if pair.both else None
            said = f"{a} and {b}: the same on {pair.same} of {pair.both}"
            shade = 0.0 if share is None else round(0.45 * max(0.0, 2 * share - 1), 3)
            text = "–" if share is None else f"{share:.0%}"
            cells.append(Cell(CELL * place[b], CELL * place[a], text, shade, said))
    return Matrix(tuple(_short(name, 14) for name in place), tuple(cells))


def _told(folder: JobFolder, item: Disagreement) -> Told:
    events = folder.traces[item.trace_id].events[: item.turn + 1]
    shown = events[-_SHOWN_EVENTS:]
    return Told(item, len(events) - len(shown), shown)


def _short(name: str, most: int = _LONGEST) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _estimate(found: Estimate) -> str:
    if found.value is None:
        return f"– ({found.reason})"
    return _number(found.value) + (_ends(found.interval) or (f" ({found.reason})" if found.reason else ""))


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _ends(ends: tuple[float, float] | None, digits: int = 3) -> str:
    return f" [{_number(ends[0], digits)}, {_number(ends[1], digits)}]" if ends else ""
