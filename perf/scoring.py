"""One million verdicts, from the run directory to the report: seconds and peak memory of a process of its own.

The promise is for verdicts on replies that were judged several times. A million replies judged once are twice as many
lines to read; they are measured beside it, without a promise of time.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from perf.latency import chains, synthetic_task
from perf.measure import Measure
from proactivebench.evaluation import task_identity
from proactivebench.provenance import versions
from proactivebench.records import (
    AgentIdentity,
    Decoding,
    JudgeIdentity,
    Manifest,
    Moment,
    ProtocolIdentity,
    Session,
    Task,
    question_hash,
)
from proactivebench.reporting import report_of
from proactivebench.store import RunStore

_VERDICTS = 1_000_000
_SHAPES = {  # traces, repeats, judge repeats, seconds promised
    "100,000 replies judged 10 times": (1_000, 5, 10, 10),
    "1,000,000 replies judged once": (2_000, 25, 1, None),
}
_JUDGE = "bench-0a1b2c3d"


def _manifest(task: Task, repeats: int) -> Manifest:
    judge = JudgeIdentity(id=_JUDGE, name="bench", hash="0a1b2c3d" * 8, silence=_JUDGE, proposals=_JUDGE)
    return Manifest(
        task=task_identity(task, "bench"),
        agent=AgentIdentity(model="endpoint", name="bench"),
        protocol=ProtocolIdentity(name="standard", version="1", hash="0" * 64, history="own"),
        decoding=Decoding(),
        seed=0,
        silence_source=_JUDGE,
        judges={_JUDGE: judge},
        sessions=(Session(started="2026-01-01T00:00:00+00:00", versions=versions(), repeats=repeats),),
    )


def write_run(folder: Path, traces: int, repeats: int, judge_repeats: int) -> int:
    """A run of a million verdicts or so, written line by line as the store would; returns how many verdicts."""
    task = synthetic_task(chains(traces, 0), labelled=True)
    RunStore(folder).begin(_manifest(task, repeats))
    (folder / "verdicts").mkdir()
    rng, written = random.Random(0), 0
    with (
        (folder / "replies.jsonl").open("w") as replies,
        (folder / "verdicts" / f"{_JUDGE}.jsonl").open("w") as verdicts,
    ):
        for trace in task.traces:
            for turn in range(len(trace.events)):
                moment = Moment(trace, turn)
                silence = question_hash(moment, None)
                for repeat in range(repeats):
                    place = {"trace_id": trace.trace_id, "turn": turn, "repeat": repeat, "round": 0}
                    offer = f"Tidy up paragraph {turn} of draft {repeat}" if rng.random() < 0.7 else None
                    reply = {"status": "proposed", "proposals": [offer]} if offer else {"status": "silent"}
                    cost = {"attempts": 1, "usage": {"prompt_tokens": 500, "completion_tokens": 30}, "latency_s": 1.25}
                    replies.write(json.dumps(place | reply | {"text": json.dumps({"task": offer})} | cost) + "\n")
                    question = question_hash(moment, offer) if offer else silence
                    for judge_repeat in range(judge_repeats):
                        status = rng.choices(("accepted", "rejected", "unscored"), (0.6, 0.395, 0.005))[0]
                        asked = {"candidate": 0 if offer else -1, "judge_repeat": judge_repeat, "judge": "bench"}
                        said = {"status": status, "question": question, "reason": "It fits what the user is doing."}
                        verdicts.write(json.dumps(place | asked | said) + "\n")
                        written += 1
    return written


def score(folder: Path, traces: int) -> None:
    """Score the run in `folder`; prints seconds and peak memory in bytes as JSON."""
    task = synthetic_task(chains(traces, 0), labelled=True)
    started, worked = perf_counter(), process_time()
    report = report_of(RunStore(folder), task)
    seconds, cpu = perf_counter() - started, process_time() - worked
    assert report.complete
    assert report.judges[0].overall.metrics["f1"].interval is not None
    print(json.dumps([seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))


def run() -> list[Measure]:
    """Seconds and gigabytes for a million verdicts, in two shapes."""
    measures = []
    for name, (traces, repeats, judge_repeats, promised) in _SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            verdicts = write_run(Path(folder), traces, repeats, judge_repeats)
            command = [sys.executable, "-m", "perf.scoring", folder, str(traces)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, cpu, peak = json.loads(told)
        share = verdicts / _VERDICTS
        measures += [
            Measure(f"{name}: verdicts", verdicts),
            Measure(f"{name}: seconds for a million verdicts", seconds / share, "s", promised),
            Measure(f"{name}: of these, processor", cpu / share, "s"),
            Measure(f"{name}: peak memory for a million verdicts", peak / share / 1e9, "GB", 1),
        ]
    return measures


if __name__ == "__main__":
    score(Path(sys.argv[1]), int(sys.argv[2]))
