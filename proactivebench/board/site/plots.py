"""Pictures of a table as geometry; a template turns them into SVG. Coordinates are the plot's own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proactivebench.board.site.legend import DOUBTFUL, Shown
from proactivebench.scoring.stated import StatedOffers, curve, tabulate_stated

SIZE, MARGIN = 320, 40
LINE_HEIGHT, LABEL_WIDTH, BAR_WIDTH = 18, 210, 200
MOST = 40  # runs that are named, the trivial agents apart
_HEAP = 3  # so many trivial agents in one place are counted, not named
_WORDS, _LETTER = 28, 7.2  # characters beside a bar; pixels a letter takes
_PLACES = ((8, 4, "start"), (-8, 4, "end"), (0, -8, "middle"), (0, 16, "middle"), (6, -7, "start"), (-6, -7, "end"))

_FARTHER = ((-8, 20, "end"), (8, 20, "start"), (-8, 34, "end"), (0, 32, "middle"))  # of trivial agents


@dataclass(frozen=True, slots=True)
class Named:
    """A run as the plots know it: its number in them (None: a trivial agent, by name), its page, and whether something
    speaks against its figures (a copy, disputed, not whole)."""

    row: Shown
    number: int | None
    doubtful: bool

    @property
    def label(self) -> str:
        """What stands at its dot."""
        return (self.row.name if self.number is None else str(self.number)) + ("†" if self.doubtful else "")


@dataclass(frozen=True, slots=True)
class Dot:
    """A run in the plane, with what a reader is told of it; `named` if its number or name stands there too."""

    x: float
    y: float
    label: str
    anchor: bool
    doubtful: bool
    named: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """The words beside a dot, or beside several that lie together; `side` is an SVG text-anchor."""

    x: float
    y: float
    side: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A run as a line with its interval; `low` and `high` are None where there is no interval."""

    y: float
    x: float
    low: float | None
    high: float | None
    label: str
    anchor: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A dashed line across a plane, its label at the height `y` of its right end."""

    label: str
    path: str
    y: float


@dataclass(frozen=True, slots=True)
class Plane:
    """A square plot of two metrics, each from 0 to 1, with curves of equal F1 where they make sense."""

    id: str
    title: str
    across: str
    up: str
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]
    curves: tuple[Curve, ...] = ()
    caption: str = ""


def named(rows: Sequence[Shown], key: str) -> tuple[Named, ...]:
    """The runs with a value of the metric `key` that the plots name, in the table's order: the trivial agents, and as
    many others as a page can hold, numbered from 1."""
    found: list[Named] = []
    number = 0
    for row in rows:
        if _known(row, key) is None or (number == MOST and not row.trivial):
            continue
        number += not row.trivial
        found.append(Named(row, None if row.trivial else number, _doubtful(row)))
    return tuple(found)


def bars(runs: Sequence[Named], key: str) -> tuple[Bar, ...]:
    """The metric `key` with intervals, one line a run."""
    return tuple(_bar(run, key, LINE_HEIGHT * (place + 0.5)) for place, run in enumerate(runs))


def when_to_speak(rows: Sequence[Shown], runs: Sequence[Named]) -> Plane:
    """Needless offers across, need recall up; on the diagonal lies whoever does not tell the moments apart."""
    keys = "needless_offer_rate", "need_detection_recall"
    diagonal = (Curve("", f"M{_x(0):.1f},{_y(0):.1f}L{_x(1):.1f},{_y(1):.1f}", _y(1)),)
    title = "Needs met against needless offers"
    caption = "Best is the upper left corner; on the dashed line lies whoever does not tell the moments apart."
    dots, marks = _dots(rows, runs, *keys), _marks(runs, *keys)
    return Plane("when", title, "needless offers", "need recall", dots, marks, diagonal, caption)


def precision_recall(rows: Sequence[Shown], runs: Sequence[Named]) -> Plane:
    """Recall across, precision up, with curves of equal F1."""
    levels = (0.2, 0.4, 0.6, 0.8)
    curves = tuple(Curve(f"{level:.1f}", _equal_f1(level), _y(level / (2 - level))) for level in levels)
    keys = "recall", "precision"
    dots, marks = _dots(rows, runs, *keys), _marks(runs, *keys)
    return Plane("pr", "Precision and recall", *keys, dots, marks, curves, "Dashed: equal F1.")


def alarms_and_needs(rows: Sequence[Shown], runs: Sequence[Named]) -> Plane:
    """False-alarm rate across, need recall up: the upper left corner is where an agent should be."""
    keys = "false_alarm_rate", "need_recall"
    title = "False alarms against needs met"
    dots, marks = _dots(rows, runs, *keys), _marks(runs, *keys)
    caption = "Best is the upper left corner."
    return Plane("alarms", title, "false-alarm rate", "need recall", dots, marks, caption=caption)


def surest_first(stated: StatedOffers) -> str:
    """The path of risk against coverage, up to all offers that an agent stated its confidence of; empty without any."""
    coverage, risk = curve(tabulate_stated([stated], list(stated))[0].sum(axis=0)) if stated else ((), ())
    points = [f"{_x(x):.1f} {_y(y):.1f}" for x, y in zip(coverage, risk, strict=True)]
    return "M" + "L".join(points) if points else ""


def _doubtful(row: Shown) -> bool:
    return any(word in DOUBTFUL for word, _ in row.badges)


def _known(row: Shown, key: str) -> float | None:
    metric = row.metrics.get(key)
    return metric.value if metric else None


def _bar(run: Named, key: str, y: float) -> Bar:
    metric = run.row.metrics[key]
    low, high = (_along(end) for end in metric.interval) if metric.interval else (None, None)
    words = f"{run.number} {run.row.name}" if run.number else run.row.name
    words = words if len(words) < _WORDS else words[: _WORDS - 2] + "…"
    label = words + ("†" if run.doubtful else "")
    return Bar(y, _along(metric.value or 0.0), low, high, label, run.row.trivial, run.doubtful)


def _along(value: float) -> float:
    return LABEL_WIDTH + BAR_WIDTH * value


def _dots(rows: Sequence[Shown], runs: Sequence[Named], across: str, up: str) -> tuple[Dot, ...]:
    """A dot for every run; those that are named lie on top."""
    found = []
    known = {id(run.row) for run in runs}
    for row in rows:
        place = _place(row, across, up)
        if place:
            said = f"{row.name}: {across} {_known(row, across):.2f}, {up} {_known(row, up):.2f}"
            found.append(Dot(*place, said, row.trivial, _doubtful(row), id(row) in known))
    return tuple(sorted(found, key=lambda dot: dot.named))


def _place(row: Shown, across: str, up: str) -> tuple[float, float] | None:
    x, y = (_known(row, key) for key in (across, up))
    return None if x is None or y is None else (_x(x), _y(y))


def _marks(runs: Sequence[Named], across: str, up: str) -> tuple[Mark, ...]:
    """Words beside the dots, where there is room: trivial agents first, then from the best on. Runs that lie together
    share their words."""
    heaps: list[tuple[float, float, list[Named]]] = []
    for run in sorted(runs, key=lambda run: run.number or 0):
        place = _place(run.row, across, up)
        if place is None:
            continue
        near = next((heap for heap in heaps if abs(heap[0] - place[0]) < 5 and abs(heap[1] - place[1]) < 5), None)
        if near:
            near[2].append(run)
        else:
            heaps.append((*place, [run]))
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in heaps]
    marks = []
    for x, y, together in heaps:
        words = ", ".join(_words(together))
        for dx, dy, side in _PLACES if together[0].number else (*_PLACES, *_FARTHER):
            box = _box(x + dx, y + dy, side, words)
            if (
                box[0] > 0
                and box[1] > 0
                and box[2] < MARGIN + SIZE + 28
                and not any(_overlap(box, other) for other in taken)
            ):
                break
        else:
            continue
        taken.append(box)
        marks.append(Mark(x + dx, y + dy, side, words))
    return tuple(marks)


def _words(runs: Sequence[Named]) -> Iterator[str]:
    """The labels of runs, three and more numbers in a row as a range, of three and more trivial agents the first."""
    anchors = [run.label for run in runs if run.number is None]
    yield from anchors if len(anchors) < _HEAP else [f"{anchors[0]} +{len(anchors) - 1}"]
    yield from (run.label for run in runs if run.number is not None and run.doubtful)
    numbers = [run.number for run in runs if run.number is not None and not run.doubtful]
    breaks = [place for place, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    for start, end in pairwise([0, *breaks, len(numbers)]):
        row = numbers[start:end]
        yield from [f"{row[0]}–{row[-1]}"] if len(row) > 2 else map(str, row)


def _box(x: float, y: float, side: str, words: str) -> tuple[float, float, float, float]:
    width = _LETTER * len(words)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[side]
    return (left, y - 10, left + width, y + 2)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _equal_f1(level: float) -> str:
    """precision = F·r/(2r − F) for recall r from F/(2 − F) to 1."""
    start = level / (2 - level)
    recalls = [start + (1 - start) * (step / 24) ** 2 for step in range(25)]  # dense where the curve is steep
    points = [f"{_x(r):.1f},{_y(level * r / (2 * r - level)):.1f}" for r in recalls]
    return "M" + "L".join(points)


def _x(value: float) -> float:
    return MARGIN + SIZE * value


def _y(value: float) -> float:
    return 10 + SIZE * (1 - value)
