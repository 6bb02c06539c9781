"""Measures what is claimed about speed: `python -m perf [NAME…] [--json FILE]`. Exit 1 if a promise is broken."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from perf.measure import Measure, table

NAMES = ("startup", "store", "scoring", "judging", "rollout", "board", "annotating")


def main() -> int:
    """Run the named benchmarks, all by default, and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    measured: dict[str, list[Measure]] = {}
    for name in asked.names or NAMES:
        module = import_module(f"perf.{name}")
        print(f"\n{(module.__doc__ or name).splitlines()[0]}\n", flush=True)
        measured[name] = module.run()
        print(table(measured[name]), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({n: [asdict(m) for m in ms] for n, ms in measured.items()}, indent=2) + "\n")
    return 0 if all(m.kept for measures in measured.values() for m in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
