"""Runs for harsh, median and lenient users, in one picture: where lines cross, the order turns with who is asked."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from proactivebench.cli.drawings import COLOURS, GREY, MARKERS, STYLE, note
from proactivebench.scoring.alignment import Aligned
from proactivebench.scoring.population import FIGURES, THIRDS


def has_band(runs: Aligned) -> bool:
    """Whether any run is known for users of other readiness."""
    return any(judged.population is not None and judged.population.acceptance for judged in runs.judged)


def draw_population(runs: Aligned) -> Figure:
    """Each run's F1 and share of offers accepted for the three thirds, a line a run."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.2), layout="constrained")
        left, named = set(), set[str]()
        for axes, (field, title) in zip(figure.subplots(1, len(FIGURES)), FIGURES.items(), strict=True):
            for run, name in enumerate(runs.names):
                band = runs.judged[run].population
                values = {} if band is None else getattr(band, field)
                if not values:
                    left.add(f"{name} ({band.refused if band and band.refused else 'not known'})")
                    continue
                axes.plot(
                    [values[third] for third in THIRDS],
                    marker=MARKERS[run % len(MARKERS)],
                    color=COLOURS[run % len(COLOURS)],
                    label=None if name in named else name,
                )
                named.add(name)
            axes.set(ylim=(0, 1.03), title=f"expected {title}", xlim=(-0.2, 2.2))
            axes.set_xticks(range(len(THIRDS)), THIRDS)
            if not axes.lines:
                axes.text(1, 0.5, "undefined for these runs", color=GREY, ha="center")
        figure.legend(loc="outside right upper")
        people = {judged.population.people for judged in runs.judged if judged.population} - {""}
        note(
            figure,
            runs,
            "users: thirds of " + "; ".join(sorted(people)),
            "not drawn: " + "; ".join(sorted(left)) if left else "",
        )
    return figure
