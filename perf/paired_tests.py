"""The paired test and the joint test under no difference (their size) and under one (their power).

python -m perf.paired_tests --runs 2000 --output_path perf/results/paired_tests.md
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.simulation import SIZES, Floats, Truth, draw_shares, draw_tables, widened, write_table
from proactivebench.scoring.comparison import pair_up
from proactivebench.scoring.power import LEVEL, power_at
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.signflip import holm, joint_signflip, signflip

TRACES = 12
RHO = 0.05
MODERATE = Truth((95, 67, 50, 15))
EAGER = Truth((99, 121, 5, 2))
# Unlike agents with the same metric: the first is MODERATE, the second hardly ever silent.
UNLIKE = {
    "f1": Truth((121.5, 104.9, 0.5, 0.1)),
    "precision": Truth((130.1, 91.8, 4, 1.1)),
    "recall": Truth((95, 121, 0.5, 15)),
    "accuracy": Truth((144, 81, 1, 1)),
    "false_alarm_rate": Truth((30, 67, 50, 80)),
    "mcc": Truth((40, 17, 91, 79)),
}
SPARSE = Truth((581, 67, 50, 80))  # MODERATE's false-alarm rate on a seventh of the moments
SPARSE_MOMENTS = sum(SIZES) / TRACES * float(SPARSE.shares[1] + SPARSE.shares[2])
SIZE_METRICS = ("f1", "precision", "recall", "accuracy", "false_alarm_rate", "mcc")
DIFFERENCES = (0.0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.19, 0.24)


def matched(metric: str, base: Truth, other: Truth) -> Truth:
    """`other`, its accepted offers scaled until its metric is that of `base`."""
    if abs(other.value(metric) - base.value(metric)) < 1e-9:
        return other
    low, high = 0.01, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        tp, fp, tn, fn = other.cells
        found = Truth((tp * middle, fp, tn, fn)).value(metric)
        low, high = (middle, high) if found < base.value(metric) else (low, middle)
    return Truth((other.cells[0] * low, *other.cells[1:]))


def tables(random: np.random.Generator, truths: list[Truth], runs: int, *, shared: bool) -> Floats:
    """Outcome tables of several agents, (runs, agents, traces, 4). With `shared` all agents have one truth, and each
    trace its own probabilities for all of them; else agents vary over traces by themselves."""
    if shared:
        shares = draw_shares(random, truths[0], RHO, runs, TRACES)
        return np.stack([draw_tables(random, shares) for _ in truths], axis=1)
    return np.stack([draw_tables(random, draw_shares(random, truth, RHO, runs, TRACES)) for truth in truths], axis=1)


def rejections(metric: str, drawn: Floats) -> float:
    """Share of pairs of agents that the sign-flip test calls different."""
    measure = METRICS[metric].measure
    assert measure is not None
    rejected = tested = 0
    for run in widened(drawn):
        values = pair_up(measure, run).values[0]
        if np.isfinite(values).all():
            tested += 1
            rejected += signflip(values) <= LEVEL
    return rejected / tested if tested else float("nan")


def sizes(random: np.random.Generator, runs: int) -> Iterator[str]:
    """Size of the paired test, by metric, for three kinds of equal agents."""
    yield "| metric | same agent, traces shared | same agent, apart | unlike agents, equal metric |"
    yield "|---|---|---|---|"
    for metric in SIZE_METRICS:
        same = rejections(metric, tables(random, [MODERATE] * 2, runs, shared=True))
        apart = rejections(metric, tables(random, [MODERATE] * 2, runs, shared=False))
        pair = [MODERATE, matched(metric, MODERATE, UNLIKE[metric])]
        if abs(pair[1].value(metric) - MODERATE.value(metric)) > 1e-6:
            raise ValueError(f"{metric}: no agent of that kind has the same metric")
        unlike = rejections(metric, tables(random, pair, runs, shared=False))
        yield f"| {metric} | {same:.3f} | {apart:.3f} | {unlike:.3f} |"
    sparse = rejections("false_alarm_rate", tables(random, [MODERATE, SPARSE], runs, shared=False))
    yield f"| false_alarm_rate, {SPARSE_MOMENTS:.1f} moments a trace in one denominator | | | {sparse:.3f} |"
    eager = rejections("recall", tables(random, [EAGER] * 2, runs, shared=False))
    yield f"| recall {EAGER.value('recall'):.2f} | | {eager:.3f} | |"


def joint(random: np.random.Generator, runs: int, agents: int, lead: float) -> tuple[float, float, float]:
    """With `agents` agents, one of them better in F1 by `lead`: share of comparisons that call two equal agents
    different by max-T, and the mean share of the leader's pairs found by max-T and by Holm."""
    measure = METRICS["f1"].measure
    assert measure is not None
    drawn = tables(random, [better(lead)] + [MODERATE] * (agents - 1), runs, shared=False)
    false, found, found_holm = 0, 0.0, 0.0
    for run in widened(drawn):
        paired = pair_up(measure, run)
        p = joint_signflip(paired.values)
        with_leader = (paired.first == 0) if lead else np.zeros(len(p), dtype=bool)
        false += bool((p[~with_leader] <= LEVEL).any())
        if lead:
            single = np.array([signflip(row) for row in paired.values])
            found += float((p[with_leader] <= LEVEL).mean())
            found_holm += float((holm(single)[with_leader] <= LEVEL).mean())
    return false / runs, found / runs, found_holm / runs


def better(lead: float) -> Truth:
    """MODERATE with false alarms and misses turned into hits until F1 is `lead` higher."""
    tp, fp, tn, fn = MODERATE.cells
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        moved = Truth((tp + middle * (fp + fn), fp * (1 - middle), tn, fn * (1 - middle)))
        low, high = (middle, high) if moved.value("f1") - MODERATE.value("f1") < lead else (low, middle)
    return Truth((tp + low * (fp + fn), fp * (1 - low), tn, fn * (1 - low)))


def powers(random: np.random.Generator, runs: int) -> Iterator[str]:
    """Power of the paired test in F1 by true difference, beside what planning says."""
    yield "| true difference in F1 | power, simulated | noncentral t | max-T over 16 runs | Holm over 16 runs |"
    yield "|---|---|---|---|---|"
    measure = METRICS["f1"].measure
    assert measure is not None
    for lead in DIFFERENCES:
        drawn = tables(random, [better(lead), MODERATE], runs, shared=False)
        # As a variance: the planning formula takes the standard error of Δ, not its mean over runs.
        stderr = np.sqrt(np.mean([pair_up(measure, run).stderr[0] ** 2 for run in widened(drawn)]))
        _, found, by_holm = joint(random, max(50, runs // 10), 16, lead) if lead else (0.0, 0.0, 0.0)
        yield (
            f"| {lead:.2f} | {rejections('f1', drawn):.3f} | {power_at(lead, float(stderr), TRACES):.3f} "
            + (f"| {found:.3f} | {by_holm:.3f} |" if lead else "| – | – |")
        )


def report(runs: int, seed: int) -> Iterator[str]:
    """All tables, line by line, as Markdown."""
    random = np.random.default_rng(seed)
    yield f"Size at .05, {TRACES} traces, ρ = {RHO}:\n"
    yield from sizes(random, runs)
    false = joint(random, runs, 16, 0.0)[0]
    yield f"\nmax-T over 16 equal runs (120 pairs) rejects anything in {false:.3f} of comparisons.\n"
    yield from powers(random, runs)


if __name__ == "__main__":
    write_table("paired_tests", __doc__, 2000, "comparisons a figure (a tenth for max-T and Holm power)", report)
