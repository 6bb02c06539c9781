"""What this checkout costs against an earlier one, command by command, as ratios of processor time.

    python -m perf.against FOLDER [NAME…] [--times 7]

FOLDER is a checkout of the earlier commit (`git worktree add --detach FOLDER COMMIT`). Each command runs in turn here
and there, so that both see the same machine, once before anything is counted and then `times` times. What is compared
is the user and system time of the process and of all that it started and waited for, not the wall, which on a machine
with other work says little.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_SAMPLE = "proactivebench_sample"
_CLI = ("-m", "proactivebench")
_ENTRIES = 20
_CHAINS = (40, 20)  # traces and turns of the rollout
_ROLLOUT = f"""
from {{bench}}.rollout import timed_run
from {{bench}}.server import slow_server
with slow_server(constant_s=.001) as url:
    print(timed_run([[.001] * {_CHAINS[1]}] * {_CHAINS[0]}, url, concurrency=32).cpu_s)
"""
_WRITE_BOARD = f"""
import sys
from pathlib import Path
from {{bench}}.board import write_board
if __name__ == "__main__":
    write_board(Path(sys.argv[1]), {_ENTRIES})
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One command: what it is called, the interpreter's arguments in a folder of runs, and whether it prints its own
    seconds of processor time (a server beside it is not counted then) instead of having them taken. `{bench}` stands
    for the checkout's package of measurements."""

    name: str
    arguments: Callable[[Path], tuple[str, ...]]
    told: bool = False


CASES = (
    Case("--help", lambda _: (*_CLI, "--help")),
    Case("agents", lambda _: (*_CLI, "agents")),
    Case("judges list", lambda _: (*_CLI, "judges", "list")),
    Case("run --model never", lambda at: (*_CLI, *_run("never", at / "new"))),
    Case("score", lambda at: (*_CLI, "score", str(at / "never"))),
    Case("compare", lambda at: (*_CLI, "compare", str(at / "never"), str(at / "always"))),
    Case("rollout", lambda _: ("-c", _ROLLOUT), told=True),
    Case("board", lambda at: ("-m", "{bench}.board", str(at / "board"), str(at / "site"))),
    Case("lm-eval", lambda _: (*_CLI, "lm-eval", "run", "--tasks", _SAMPLE, "--model", "never")),
)


def _run(model: str, path: Path) -> tuple[str, ...]:
    return "run", "--model", model, "--tasks", _SAMPLE, "--output_path", str(path)


def _bench(checkout: Path) -> str:
    return "perf" if (checkout / "perf").is_dir() else "benchmarks"  # its earlier name


def seconds(checkout: Path, arguments: tuple[str, ...], cache: Path, *, told: bool = False) -> float:
    """Processor seconds of one interpreter in a checkout, those of the processes it waited for included."""
    arguments = tuple(each.replace("{bench}", _bench(checkout)) for each in arguments)
    environment = os.environ | {"PYTHONPATH": str(checkout), "PROACTIVEBENCH_CACHE": str(cache), "COLUMNS": "100"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=checkout, env=environment, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if process.returncode:
        raise SystemExit(f"{checkout}: {' '.join(arguments)[:100]} ended with {process.returncode}:\n{text[-2000:]}")
    return float(text.splitlines()[-1]) if told else used.ru_utime + used.ru_stime


def compared(case: Case, checkouts: tuple[Path, Path], rooms: tuple[Path, Path], times: int) -> tuple[float, float]:
    """Medians of one case, here and there, taken in turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    for time in range(times + 1):
        for place in (0, 1) if time % 2 else (1, 0):
            for made in ("new", "site"):
                subprocess.run(["rm", "-rf", str(rooms[place] / made)], check=True)
            cache = rooms[place] / ("empty" if case.name == "board" else "cache")
            subprocess.run(["rm", "-rf", str(rooms[place] / "empty")], check=True)
            arguments = case.arguments(rooms[place])
            spent = seconds(checkouts[place], arguments, cache, told=case.told)
            if time:
                taken[place].append(spent)
    return median(taken[0]), median(taken[1])


def main() -> None:
    """Print a Markdown table: each command's median here, there, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m perf.against", description=__doc__)
    parser.add_argument("folder", type=Path, help="a checkout of the earlier commit")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(case.name for case in CASES)}")
    parser.add_argument("--times", type=int, default=7, help="how often each is taken (default: 7)")
    asked = parser.parse_args()
    cases = [case for case in CASES if not asked.names or case.name in asked.names]
    checkouts = Path(__file__).resolve().parents[1], asked.folder.resolve()
    with tempfile.TemporaryDirectory() as folder:
        rooms = Path(folder) / "here", Path(folder) / "there"
        for checkout, room in zip(checkouts, rooms, strict=True):
            room.mkdir()
            for model in ("never", "always"):
                seconds(checkout, (*_CLI, *_run(model, room / model)), room / "cache")
            if any(case.name == "board" for case in cases):
                (room / "write.py").write_text(_WRITE_BOARD.replace("{bench}", _bench(checkout)))
                seconds(checkout, (str(room / "write.py"), str(room / "board")), room / "cache")
        print("| command | here | there | ratio |\n|---|---:|---:|---:|")
        for case in cases:
            here, there = compared(case, checkouts, rooms, asked.times)
            print(f"| `{case.name}` | {here:.3f} s | {there:.3f} s | {here / there:.2f} |", flush=True)


if __name__ == "__main__":
    main()
