"""A server that fails in every way we know, and a process killed at random: the reports are those of undisturbed runs.

python -m perf.faults [KILLS]    writes perf/results/faults.md; exit 1 if a report differs

Each kind of fault strikes the first tries of some of the agent's and some of the judge's requests in one sitting; the
same command then goes on against a sound server until it has nothing left to ask. "The same" is equal but for times,
latencies, attempts and the tokens of lost requests. No moment whose answer was saved may be asked again.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proactivebench.store import RunStore
from tests.servers.chat import ChatServer, Say, Seen, Step, chat_server
from tests.servers.faults import LOST, STOPPING, Kind

RESULTS = Path(__file__).parent / "results" / "faults.md"
SEED = 20261125
_TRACES, _TURNS = 4, 6
_SITTINGS = 12
_EVENT = re.compile(r"step (\d+) of trace (\d+)")
_CLOCKS_AND_TOKENS = re.compile(r"^(latency|accepted_per_1k_tokens|cost_per)")
Moment = tuple[str, int, int]  # who is asked (agent or judge), trace, turn


@dataclass
class Striking:
    """A script that lets `kind` strike: the first `tries` requests of every moment that the dice pick."""

    kind: Kind | None
    tries: int = 0
    share: float = 0.0
    seed: int = SEED
    always_from: int | None = None  # from this request on every one is struck
    struck: Counter[Moment] = field(default_factory=Counter)
    answered: int = 0

    def __call__(self, seen: Seen) -> Step:
        """The response to a request."""
        good = sound(seen)
        moment = moment_of(seen)
        if self.always_from is not None:
            self.answered += 1
            if self.kind is None or self.answered <= self.always_from:
                return good
            self.struck[moment] += 1
            return self.kind(good)
        dice = random.Random(f"{self.seed} {moment}")
        if self.kind is None or dice.random() >= self.share or self.struck[moment] >= self.tries:
            return good
        self.struck[moment] += 1
        return self.kind(good)


def moment_of(seen: Seen) -> Moment:
    """Whom a request asks, and about which moment."""
    text = json.dumps(seen.body["messages"])
    turn, trace = _EVENT.findall(text)[-1]
    return (
        ("judge" if '\\"verdict\\"' in text or "verdict" in json.dumps(seen.body) else "agent"),
        int(trace),
        int(turn),
    )


def sound(seen: Seen) -> Say:
    """An answer that depends on the question alone."""
    who, trace, turn = moment_of(seen)
    dice = hashlib.sha256(f"{who} {trace} {turn}".encode()).digest()[0]
    if who == "judge":
        return Say(json.dumps({"reason": "r", "verdict": "accepted" if dice % 2 else "rejected"}), after=0.002)
    task = f"Write step {turn} down" if dice % 3 else None
    return Say(json.dumps({"Purpose": "p", "Thoughts": "t", "Proactive Task": task, "Response": None}), after=0.002)


def task_file(folder: Path) -> Path:
    """A task of a few short traces."""
    lines = [
        {
            "trace_id": f"t{trace}",
            "split": "coding",
            "events": [{"time": str(60 * turn), "event": f"step {turn} of trace {trace}"} for turn in range(_TURNS)],
        }
        for trace in range(_TRACES)
    ]
    file = folder / "task.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def command(server: ChatServer, task: Path, path: Path) -> list[str]:
    """The command of every sitting: agent and judge behind one server."""
    address = f"base_url={server.base_url},model=m"
    return [
        sys.executable, "-m", "proactivebench", "run", "--model", "endpoint", "--model_args", address,
        "--judge", "llm", "--judge_model", "endpoint", "--judge_model_args", address, "--no_judge_cache",
        "--tasks", str(task), "--output_path", str(path), "--max_retries", "1", "--timeout", "0.6", "--json",
    ]  # fmt: skip


def sitting(server: ChatServer, task: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """One whole command."""
    return subprocess.run(
        command(server, task, path), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8"
    )


def same(report: str) -> dict[str, Any]:
    """A report without clocks and tokens."""
    shown: dict[str, Any] = json.loads(report)
    shown["agent"]["model_args"].pop("base_url")  # every kind has a server of its own
    for judge in shown["judges"]:
        for part in (judge["overall"], *judge["splits"].values()):
            part.pop("queueing", None)
            part["metrics"] = {k: v for k, v in part["metrics"].items() if not _CLOCKS_AND_TOKENS.match(k)}
        for table in judge["tables"].values():
            kept = [i for i, name in enumerate(table["columns"]) if name not in ("tokens", "cost")]
            table["columns"] = [table["columns"][i] for i in kept]
            table["rows"] = {trace: [row[i] for i in kept] for trace, row in table["rows"].items()}
    return shown


def saved(path: Path) -> set[Moment]:
    """The moments whose answers are saved."""
    if not (path / "manifest.json").exists():
        return set()
    store = RunStore(path)
    final = {("agent", int(key.trace_id[1:]), key.turn) for key, reply in store.replies().items() if reply.status.final}
    decided = {
        ("judge", int(verdict.trace_id[1:]), verdict.turn)
        for judge in store.judge_ids()
        for verdict in store.verdicts(judge).values()
        if not (verdict.cause or "").startswith("error")
    }
    return final | decided


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one kind of fault."""

    name: str
    sittings: int
    struck: int
    equal: bool
    asked_again: int
    said: str


def disturbed(name: str, kind: Kind, task: Path, folder: Path, undisturbed: dict[str, Any], *, stops: bool) -> Outcome:
    """Sittings until the run is whole: the first two with the fault, further ones with a sound server."""
    path, again, struck, said = folder / re.sub(r"\W+", "-", name), 0, 0, ""
    codes: list[int] = []
    reports: list[str] = []
    with chat_server(sound) as server:
        while len(codes) < _SITTINGS and (len(codes) < 2 or codes[-1]):
            number, before, asked = len(codes), saved(path), len(server.asked)
            if stops:
                script = Striking(kind if number == 0 else None, always_from=9)
            else:
                script = Striking(kind if number < 2 else None, tries=1 + number, share=0.3, seed=SEED + number)
            server.script = script
            done = sitting(server, task, path)
            again += sum(moment_of(seen) in before for seen in server.asked[asked:])
            struck += sum(script.struck.values())
            codes.append(done.returncode)
            reports.append(done.stdout)
            said = said or (done.stderr.strip().splitlines() or [""])[-1] * bool(done.returncode)
    equal = codes[-1] == 0 and same(reports[-1]) == undisturbed and "fault of proactivebench" not in said
    equal = equal and (not stops or codes[0] == 2)
    return Outcome(name, len(codes), struck, equal, again, _placeless(said, folder))


def _placeless(said: str, folder: Path) -> str:
    return re.sub(r":\d{4,5}/", ":PORT/", said.replace(str(folder), "…"))


def killed(kills: int, task: Path, folder: Path, undisturbed: dict[str, Any]) -> Iterator[tuple[bool, int, int]]:
    """Runs killed at random points until `kills` are used up: (equal, answers asked again, kills) of each."""
    rng, left, run = random.Random(SEED), kills, 0
    while left > 0:
        path, again, used = folder / f"killed-{run}", 0, 0
        run += 1
        with chat_server(sound) as server:
            while left > 0:
                before, asked = saved(path), len(server.asked)
                process = subprocess.Popen(
                    command(server, task, path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                until = rng.choice([lambda: True, _asks(server, asked + rng.randint(1, 20))])
                pause = rng.uniform(0, 1.5) if rng.random() < 0.3 else 0.0
                while process.poll() is None and not until():
                    time.sleep(0.001)
                time.sleep(pause if process.poll() is None else 0)
                process.send_signal(signal.SIGKILL)
                ended = process.wait()
                again += sum(moment_of(seen) in before for seen in server.asked[asked:])
                if ended != -signal.SIGKILL:
                    break  # it was faster than its killer
                used, left = used + 1, left - 1
            before, asked = saved(path), len(server.asked)
            done = sitting(server, task, path)
            again += sum(moment_of(seen) in before for seen in server.asked[asked:])
        yield done.returncode == 0 and same(done.stdout) == undisturbed, again, used


def _asks(server: ChatServer, number: int) -> Callable[[], bool]:
    return lambda: len(server.asked) >= number


def main(kills: int = 100) -> int:
    """Run all kinds and all kills; returns the exit code."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        task = task_file(folder)
        with chat_server(sound) as server:
            whole = sitting(server, task, folder / "undisturbed")
        if whole.returncode:
            print(whole.stderr)
            return 1
        undisturbed = same(whole.stdout)
        outcomes = []
        for stops, kinds in ((False, LOST), (True, STOPPING)):
            for name, kind in kinds.items():
                outcomes.append(disturbed(name, kind, task, folder, undisturbed, stops=stops))
                print(_row(outcomes[-1]), flush=True)
        deaths = list(killed(kills, task, folder, undisturbed))
    text = _results(outcomes, deaths)
    RESULTS.write_text(text, encoding="utf-8")
    print(text.rpartition("\n\n")[2])
    return 0 if all(o.equal and not o.asked_again for o in outcomes) and all(e and not a for e, a, _ in deaths) else 1


def _row(outcome: Outcome) -> str:
    said = outcome.said.replace("|", "\\|")
    verdict = "the same" if outcome.equal else "DIFFERS"
    return f"| {outcome.name} | {outcome.struck} | {outcome.sittings} | {verdict} | {outcome.asked_again} | {said} |"


def _results(outcomes: list[Outcome], deaths: list[tuple[bool, int, int]]) -> str:
    equal = sum(outcome.equal for outcome in outcomes)
    used = sum(kills for _, _, kills in deaths)
    head = (
        "# Faults and kills\n\n`python -m perf.faults`: "
        f"{_TRACES} traces of {_TURNS} moments, an endpoint as agent and an `llm` judge behind the same server.\n\n"
        "| the server's fault | requests struck | sittings | report | saved answers asked again "
        "| what the first failing sitting said |\n|---|---:|---:|---|---:|---|\n"
    )
    tail = (
        f"\n\n{equal} of {len(outcomes)} kinds leave the report of an undisturbed run. {used} kills at random points "
        f"over {len(deaths)} runs: {sum(e for e, _, _ in deaths)} of {len(deaths)} reports the same, "
        f"{sum(a for _, a, _ in deaths)} saved answers asked again.\n"
    )
    return head + "\n".join(map(_row, outcomes)) + tail


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
