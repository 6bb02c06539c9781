"""A board of the largest entries that are allowed: `python -m perf.heavy_entries FOLDER [COUNT]` writes one.

Then, for instance:

    (ulimit -v 1500000; proactivebench leaderboard build FOLDER --output_path site --allow_refused)

The entries take turns: raw texts of combining marks, raw texts that Python holds in four bytes a letter, offers and
reasons as long as may be, and as many records as may be. Every one of them is well formed; all but the first two kinds
are under a judge and protocol that nobody here can repeat.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from proactivebench.board.entry.form import Declaration
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.preparation import Settings, prepare
from proactivebench.records import Moment, question_hash
from proactivebench.store import RunStore
from proactivebench.traces import load_task

_TASK = "proactivebench_sample"
_TRAINED = {"trained_on_traces": False, "trained_on_labels": False}
_DECLARED = Declaration(organisation="heavy", model="m", licence="MIT", contact="a@example.org", **_TRAINED)
_WHOLE = 94 * 1024 * 1024
_MODEL = {"hash": "ab" * 32, "baseline": False, "deterministic": False, "model": "m"}


def write_board(root: Path, count: int) -> None:
    """Write `count` entries below `root`/entries."""
    with tempfile.TemporaryDirectory() as scratch:
        base = _served(Path(scratch))
        kinds = [_marks, _wide, _offers, _records]
        made = []
        for kind in kinds:
            folder = Path(scratch) / kind.__name__
            shutil.copytree(base, folder)
            kind(folder)
            made.append(folder)
        for number in range(count):
            folder = root / "entries" / f"heavy__m{number}" / "r1"
            shutil.copytree(made[number % len(made)], folder)
            content = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
            content["declared"]["model"] = f"m{number}"
            (folder / "entry.json").write_text(json.dumps(content), encoding="utf-8")


def _served(scratch: Path) -> Path:
    asyncio.run(prepare(Settings(model="never", tasks=_TASK)).run(scratch / "run"))
    manifest = RunStore(scratch / "run").manifest
    agent = manifest.agent.model_copy(update={"model": "endpoint", "model_args": {"model": "m"}, "name": "m"})
    text = manifest.model_copy(update={"agent": agent}).model_dump_json()
    (scratch / "run" / "manifest.json").write_text(text, encoding="utf-8")
    prepare_entry(RunStore(scratch / "run"), scratch / "base", _DECLARED, "r1")
    return scratch / "base"


def _marks(folder: Path) -> None:
    chance = random.Random(0)
    _texts(folder, "".join(chance.choices("\u0301\u0316\u0345\u0f73", k=180_000)))


def _wide(folder: Path) -> None:
    _texts(folder, "\U0001f4bb" + "a" * 380_000)


def _texts(folder: Path, text: str) -> None:
    content, replies = _read(folder)
    each = _WHOLE // len(replies)
    said = text.encode()[:each].decode(errors="ignore")
    _write(folder, content, [reply | {"status": "unparsable", "text": said} for reply in replies], None)


def _offers(folder: Path) -> None:
    content, replies = _read(folder)
    content["manifest"]["protocol"] |= {"name": "mine", "hash": "cd" * 32, "candidates": 2}
    chance = random.Random(1)
    offers = ["".join(chance.choices("abcdefghij \u0301\u0316", k=9_000)) for _ in range(50)]
    offered = [reply | {"status": "proposed", "proposals": chance.sample(offers, 2)} for reply in replies]
    _judged(folder, content, offered, "r" * 4000)


def _records(folder: Path) -> None:
    content, replies = _read(folder)
    content["manifest"]["protocol"] |= {"name": "mine", "hash": "cd" * 32, "candidates": 16}
    content["manifest"]["sessions"] = [{"started": "", "versions": {}, "repeats": 32}]
    many = [
        reply | {"status": "proposed", "proposals": [f"offer {n}" for n in range(16)], "repeat": repeat}
        for repeat in range(32)
        for reply in replies
    ]
    _judged(folder, content, many, None)


def _judged(
    folder: Path,
    content: dict[str, Any],
    replies: list[dict[str, Any]],
    reason: str | None,
) -> None:
    traces = {trace.trace_id: trace for trace in load_task(_TASK).traces}
    ((old, identity),) = content["manifest"]["judges"].items()
    new = "model-judge-abababab"
    identity |= _MODEL | {"id": new, "name": "model-judge", "silence": "model-judge", "proposals": "model-judge"}
    sources = [{"stratum": stratum, "name": "model-judge", "kind": "llm"} for stratum in ("silence", "proposals")]
    identity["members"] = sources
    identity["card"] = {"name": "model-judge", "kind": "llm"}
    content["manifest"]["judges"] = {new: identity}
    del content["evidence"][f"verdicts/{old}.jsonl.gz"]
    (folder / f"verdicts/{old}.jsonl.gz").unlink()
    asked: dict[tuple[str, int, str], str] = {}
    found = []
    for reply in replies:
        for place, offer in enumerate(reply["proposals"]):
            key = (reply["trace_id"], reply["turn"], offer)
            if key not in asked:
                asked[key] = question_hash(Moment(traces[key[0]], key[1]), offer)
            where = {name: reply[name] for name in ("trace_id", "turn", "repeat", "round") if name in reply}
            said = {"status": "accepted", "judge": "model-judge", "question": asked[key]} | (
                {"reason": reason} if reason else {}
            )
            found.append(where | {"candidate": place} | said)

    _write(folder, content, replies, found, new)


def _read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    content = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    content["claims"] = {}
    packed = (folder / "replies.jsonl.gz").read_bytes()
    return content, [json.loads(line) for line in gzip.decompress(packed).splitlines()]


def _write(
    folder: Path,
    content: dict[str, Any],
    replies: list[dict[str, Any]],
    verdicts: list[dict[str, Any]] | None,
    judge: str = "",
) -> None:
    files = {"replies.jsonl.gz": replies} | ({} if verdicts is None else {f"verdicts/{judge}.jsonl.gz": verdicts})
    for name, records in files.items():
        lines = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
        packed = gzip.compress(lines, 6, mtime=0)
        (folder / name).write_bytes(packed)
        stated = {"sha256": hashlib.sha256(packed).hexdigest(), "bytes": len(packed), "records": len(records)}
        content["evidence"][name] = stated
    (folder / "entry.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    write_board(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
