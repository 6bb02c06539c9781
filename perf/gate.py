"""How often each rule of the gate fails a candidate, by its true drop: its size where the drop is what is allowed, its
power beyond, and how often an unchanged candidate passes.

python -m perf.gate --runs 4000 --output_path perf/results/gate.md
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.paired_tests import MODERATE, RHO, better
from perf.simulation import Floats, draw_shares, draw_tables, widened, write_table
from proactivebench.records import GateRule
from proactivebench.scoring.comparison import pair_up
from proactivebench.scoring.intervals import t_quantile
from proactivebench.scoring.power import LEVEL, detectable_drop, unchanged_passes
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.signflip import signflip

ALLOWED = 0.05
DROPS = (0.0, ALLOWED, 0.1, 0.15, 0.2)
TRACES = (6, 12, 48, 200)
_DRAWS = 1_999  # sign vectors beyond 12 traces: the p-values of the product need not be as fine to be compared with .05
_CHECKED = 25  # runs whose p-value is held against the product's own


def changes(random: np.random.Generator, traces: int, drop: float, runs: int) -> tuple[Floats, Floats, Floats]:
    """Candidates whose F1 is truly `drop` below their baseline's, over `traces`: the values v of each run (runs,
    traces), Δ and its standard error."""
    measure = METRICS["f1"].measure
    assert measure is not None
    candidate, baseline = (
        draw_tables(random, draw_shares(random, truth, RHO, runs, traces)) for truth in (MODERATE, better(drop))
    )
    paired = [pair_up(measure, run) for run in widened(np.stack([candidate, baseline], axis=1))]
    values = np.array([found.values[0] for found in paired])
    kept = np.isfinite(values).all(axis=1)
    deltas, stderrs = (np.array([getattr(found, name)[0] for found in paired]) for name in ("difference", "stderr"))
    return values[kept], deltas[kept], stderrs[kept]


def p_values(random: np.random.Generator, values: Floats) -> Floats:
    """One-sided sign-flip p-values of many runs, over the same sign vectors."""
    traces = values.shape[1]
    if traces <= 12:
        codes = np.arange(2**traces)
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(traces)) & 1)
    else:
        signs = np.vstack([np.ones(traces), random.choice((-1.0, 1.0), size=(_DRAWS, traces))])
    observed = values.sum(axis=1)
    p: Floats = (signs @ values.T <= observed + 1e-9 * np.abs(values).sum(axis=1)).mean(axis=0)
    if traces <= 12 and not np.allclose(p[:_CHECKED], [signflip(run, "lower") for run in values[:_CHECKED]]):
        raise ValueError("the simulation's test is not the gate's")
    return p


def failed(random: np.random.Generator, traces: int, drop: float, runs: int) -> dict[str, float]:
    """Share of candidates that each rule fails."""
    values, deltas, stderrs = changes(random, traces, drop, runs)
    beyond = deltas < -ALLOWED
    return {
        "significant": float((p_values(random, values + ALLOWED) <= LEVEL).mean()),
        "testing Δ < 0 instead": float((beyond & (p_values(random, values) <= LEVEL)).mean()),
        "point": float(beyond.mean()),
        "noninferior": float((deltas - t_quantile(1 - LEVEL, traces - 1) * stderrs < -ALLOWED).mean()),
    }


def planned(random: np.random.Generator, traces: int, runs: int) -> Iterator[str]:
    """What the gate says beforehand of itself, from the true standard error, beside what comes of it."""
    _, _, stderrs = changes(random, traces, 0.0, runs)
    stderr = float(np.sqrt(np.mean(stderrs**2)))
    unchanged = failed(random, traces, 0.0, runs)
    for rule in GateRule:
        found = detectable_drop(rule, ALLOWED, stderr, traces)
        power = failed(random, traces, found, runs)[rule]
        passes = unchanged_passes(rule, ALLOWED, stderr, traces)
        yield f"| {traces} | {rule} | {found:.3f} | {power:.2f} | {passes:.2f} | {1 - unchanged[rule]:.2f} |"


def report(runs: int, seed: int) -> Iterator[str]:
    """All tables, line by line, as Markdown."""
    random = np.random.default_rng(seed)
    yield f"Share of candidates failed, F1 {MODERATE.value('f1'):.2f} after the drop, ρ = {RHO}, {ALLOWED} allowed:\n"
    yield "| traces | true drop | significant | testing Δ < 0 instead | point | noninferior |"
    yield "|---|---|---|---|---|---|"
    for traces in TRACES:
        for drop in DROPS:
            found = failed(random, traces, drop, runs)
            yield f"| {traces} | {drop:.2f} | " + " | ".join(f"{share:.3f}" for share in found.values()) + " |"
    yield "\nWhat the gate prints of itself, at the true standard error, and what comes of it:\n"
    yield "| traces | rule | detectable drop | failed there (planned .80) | unchanged passes, planned | simulated |"
    yield "|---|---|---|---|---|---|"
    for traces in TRACES[:3]:
        yield from planned(random, traces, runs)


if __name__ == "__main__":
    write_table("gate", __doc__, 4000, "candidates a figure", report)
