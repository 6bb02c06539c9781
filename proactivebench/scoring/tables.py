"""Counts of some traces in one view, and metrics measured on them: the whole, each trace left out, every corner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from proactivebench.scoring.counting import Count, Counts, pooled
from proactivebench.scoring.dispersion import REMOVED, Classes, design_effect, one_fewer
from proactivebench.scoring.intervals import Resampled, jackknife_variances
from proactivebench.scoring.measures import Measure
from proactivebench.scoring.metric import Metric
from proactivebench.scoring.offers import Column, strict, unclean_corners, unscored_corners

C = Column

STRICT, UNCLEAN, UNSCORED = "strict", "unclean", "unscored"  # parts of what metrics are measured on


class Table:
    """Counts of the chosen traces in one view: per trace and sample, pooled, and all that metrics are measured on."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        weighted = pooled(counts)
        self.pooled = weighted[weighted[:, C.MOMENTS] > 0]
        self.whole = self.pooled.sum(axis=0)
        self._classes: dict[tuple[Count, ...], Classes] = {}

    @cached_property
    def resampled(self) -> Resampled:
        """The pooled counts, the whole with unclean replies wrong, and at each corner left open."""
        more = {
            STRICT: strict(self.pooled).sum(axis=0)[None],
            UNCLEAN: unclean_corners(self.pooled).sum(axis=1),
            UNSCORED: unscored_corners(self.pooled).sum(axis=1),
        }
        if self._one_sample:
            more[REMOVED] = one_fewer(self.pooled)
        return Resampled(self.pooled, more)

    @cached_property
    def sample(self) -> Resampled:
        """The first sample alone, for design effects."""
        if self._one_sample:
            return self.resampled
        counts = self.counts[:, 0, 0]
        return Resampled(counts, {REMOVED: one_fewer(counts)})

    @property
    def _one_sample(self) -> bool:
        """Whether the pooled counts are those of the one sample there is."""
        return self.counts.shape[1:3] == (1, 1) and len(self.pooled) == len(self.counts)

    def classes(self, cells: tuple[Count, ...]) -> Classes:
        """The first sample's moments by class."""
        if cells not in self._classes:
            self._classes[cells] = Classes(self.sample, cells)
        return self._classes[cells]


class Values:
    """Some metrics of a table, measured on all its rows at once: `values` (metrics, rows). Lists by metric: jackknife
    `variances`, values with unclean replies wrong (`strict`), ends of the range over the corners that `unclean` and
    `unscored` moments leave open (NaN where every corner is undefined), and `design_effects`."""

    def __init__(self, table: Table, metrics: Sequence[tuple[Metric, Measure]]) -> None:
        self.traces = table.resampled
        self.measures = [measure for _, measure in metrics]
        self.values = np.stack([measure(self.traces.stack) for _, measure in metrics])
        self.variances = jackknife_variances(self.traces.rows(self.values, "left_out")).tolist()
        self.strict = self.traces.rows(self.values, STRICT)[:, 0].tolist()
        self.unclean, self.unscored = (
            list(zip(np.fmin.reduce(part, axis=1).tolist(), np.fmax.reduce(part, axis=1).tolist(), strict=True))
            for part in (self.traces.rows(self.values, name) for name in (UNCLEAN, UNSCORED))
        )
        first, sampled, variances = table.sample, self.values, self.variances
        if first is not self.traces:
            sampled = np.stack([measure(first.stack) for _, measure in metrics])
            variances = jackknife_variances(first.rows(sampled, "left_out")).tolist()
        removed = first.rows(sampled, REMOVED)
        self.design_effects = [
            design_effect(table.classes(measure.cells), removed[place], variances[place])
            for place, (_, measure) in enumerate(metrics)
        ]
