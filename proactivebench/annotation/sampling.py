"""Simple random samples that reach at least four traces, and how likely each answer was to be in one.

A sample is drawn again, whole, until it reaches four traces: without that no interval can come of its labels. The
draws that are thrown away make an answer of a rare trace more likely, and one of a common trace less likely, than n/N.
How likely exactly is counted here, so that the probabilities that go with the labels are true: with c the answers that
ask for the same thing, the chance that one of them at least is drawn is

    1 − (C(N − c, n) − F₋c(n)) / (C(N, n) − F(n)),

with F(n) the number of samples in fewer than four traces, and F₋c the same without those c.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import comb

from proactivebench.scoring.intervals import FEWEST_TRACES

SELDOM = 0.01  # a share of samples that reach four traces too small to wait for
_NEVER = 1e-9  # a chance so small that no probability shows it


class Sample:
    """`n` answers of one stratum, each as likely as the next but for the rule of four traces.

    Args:
        traces: The trace of every answer, by any name.
        wanted: How many to draw; all, where there are fewer.
        rng: Whence chance comes.

    Raises:
        ValueError: The answers are in fewer than four traces, fewer than four are wanted, or so few samples reach four
            traces that their probabilities would say nothing.
    """

    def __init__(self, traces: Sequence[str], wanted: int, rng: random.Random) -> None:
        self.traces = traces
        self.size = len(traces)
        self.drawn = min(wanted, self.size)
        self.sizes = Counter(traces)
        if len(self.sizes) < FEWEST_TRACES or self.drawn < FEWEST_TRACES:
            raise ValueError(f"{self.drawn} drawn of answers in {len(self.sizes)} traces, and 4 of each are the fewest")
        self._missed: dict[tuple[int, int], float] = {}
        reaching = 1 - self._few / comb(self.size, self.drawn)
        if reaching < SELDOM:
            raise ValueError(f"of samples of {self.drawn} only {reaching:.1g} reach {FEWEST_TRACES} traces")
        self.places = self._draw(rng)

    def _draw(self, rng: random.Random) -> list[int]:
        """The places drawn, in order: the first of the samples that reaches four traces."""
        while True:
            found = sorted(rng.sample(range(self.size), self.drawn))
            if len({self.traces[place] for place in found}) >= FEWEST_TRACES:
                return found

    @property
    def probability(self) -> float:
        """n/N: each answer's chance, but for the rule of four traces (`missed` knows it exactly)."""
        return self.drawn / self.size

    def missed(self, trace: str, answers: int = 1) -> float:
        """How likely none of so many answers of one trace is drawn."""
        key = (self.sizes[trace], answers)
        if key not in self._missed:
            without = comb(self.size - answers, self.drawn) - (self._few_without(trace, answers) if self._few else 0)
            self._missed[key] = without / (comb(self.size, self.drawn) - self._few)
        return self._missed[key]

    @cached_property
    def _few(self) -> int:
        """How many samples are in fewer than four traces; 0 where that never happens."""
        most = sum(sorted(self.sizes.values())[-3:])
        if most < self.drawn:
            return 0
        bound = comb(len(self.sizes), 3) * comb(most, self.drawn)
        return 0 if bound / comb(self.size, self.drawn) < _NEVER else samples_in_few(self.sizes.values(), self.drawn)

    def _few_without(self, trace: str, answers: int) -> int:
        return samples_in_few(
            [size - answers if name == trace else size for name, size in self.sizes.items()], self.drawn
        )


def samples_in_few(sizes: Iterable[int], drawn: int) -> int:
    """How many samples of `drawn` answers are in three traces or fewer, of traces with so many answers.

    U_j, the samples within j traces summed over all choices of j, counts a sample in exactly k of the G traces
    C(G − k, j − k) times, which gives the numbers in exactly one, two and three.
    """
    one = Counter(sizes)
    traces = one.total()
    double = Counter({2 * size: count for size, count in one.items()})
    triple = Counter({3 * size: count for size, count in one.items()})
    two = _sums(one, one)

    def within(sums: Counter[int]) -> int:
        return sum(count * comb(size, drawn) for size, count in sums.items())

    in_one = within(one)
    in_pairs = (within(two) - within(double)) // 2
    in_threes = (within(_sums(two, one)) - 3 * within(_sums(double, one)) + 2 * within(triple)) // 6
    exactly_two = in_pairs - (traces - 1) * in_one
    exactly_three = in_threes - (traces - 2) * exactly_two - comb(traces - 1, 2) * in_one
    return in_one + exactly_two + exactly_three


def _sums(first: Counter[int], second: Counter[int]) -> Counter[int]:
    """How often each sum of a number of the one and a number of the other comes."""
    found: Counter[int] = Counter()
    for a, many in first.items():
        for b, more in second.items():
            found[a + b] += many * more
    return found
