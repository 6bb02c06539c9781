"""How long `proactivebench --help` takes, against a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.measure import Measure

_TIMES = 15


def _seconds(command: list[str]) -> float:
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def run() -> list[Measure]:
    """Median and least time of the help, and the ratio of medians; taken in turn, so that both see the same machine."""
    program = str(Path(sys.executable).with_name("proactivebench"))
    _seconds([program, "--help"])
    bare, helped = [], []
    for _ in range(_TIMES):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        helped.append(_seconds([program, "--help"]))
    return [
        Measure("bare interpreter, median", 1000 * median(bare), "ms"),
        Measure("--help, median", 1000 * median(helped), "ms", 300),
        Measure("--help, least", 1000 * min(helped), "ms"),
        Measure("--help / bare interpreter", median(helped) / median(bare), "", 8),
    ]
