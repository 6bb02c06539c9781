"""How long `proactivebench --help` and a verb's own help take, against a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from perf.measure import Measure

_TIMES = 15


def _seconds(command: list[str]) -> float:
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def run() -> list[Measure]:
    """Medians, the least time of the help, and ratios of medians; taken in turn, so that all see the same machine."""
    program = str(Path(sys.executable).with_name("proactivebench"))
    _seconds([program, "--help"])
    bare, helped, verb = [], [], []
    for _ in range(_TIMES):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        helped.append(_seconds([program, "--help"]))
        verb.append(_seconds([program, "run", "--help"]))
    return [
        Measure("bare interpreter, median", 1000 * median(bare), "ms"),
        Measure("--help, median", 1000 * median(helped), "ms", 300),
        Measure("--help, least", 1000 * min(helped), "ms"),
        Measure("run --help, median", 1000 * median(verb), "ms", 300),
        Measure("--help / bare interpreter", median(helped) / median(bare), "", 8),
        Measure("run --help / bare interpreter", median(verb) / median(bare), "", 16),
    ]
