"""A forger's tools: change what an entry says and make every hash fit again."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from proactivebench.records import Moment, question_hash
from proactivebench.store import RunStore
from proactivebench.traces import load_task

REPLIES = "replies.jsonl.gz"


def as_served(run: Path, folder: Path, name: str) -> RunStore:
    """A copy of a run in `folder`, as if a served model of this name had made it."""
    shutil.copytree(run, folder)
    manifest = RunStore(folder).manifest
    agent = manifest.agent.model_copy(update={"model": "endpoint", "model_args": {"model": name}, "name": name})
    text = manifest.model_copy(update={"agent": agent}).model_dump_json()
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return RunStore(folder)


def verdict_name(folder: Path) -> str:
    """The one verdict file of the entry."""
    return f"verdicts/{next((folder / 'verdicts').iterdir()).name}"


def lines(folder: Path, name: str) -> list[dict]:
    """The records of an evidence file."""
    return [json.loads(line) for line in gzip.decompress((folder / name).read_bytes()).splitlines()]


def write_lines(folder: Path, name: str, records: list[dict]) -> None:
    """Replace an evidence file and let `entry.json` name the new one."""
    write_packed(folder, name, gzip.compress(b"".join(json.dumps(r).encode() + b"\n" for r in records)), len(records))


def write_packed(folder: Path, name: str, packed: bytes, records: int | None = None) -> None:
    """Replace an evidence file by these very bytes and let `entry.json` name them."""
    (folder / name).write_bytes(packed)
    content = declared(folder)
    stated = content["evidence"][name]
    stated |= {"sha256": hashlib.sha256(packed).hexdigest(), "bytes": len(packed)}
    if records is not None:
        stated["records"] = records
    write_declared(folder, content)


def declared(folder: Path) -> dict:
    """`entry.json`."""
    return json.loads((folder / "entry.json").read_text(encoding="utf-8"))


def write_declared(folder: Path, content: dict) -> None:
    """Replace `entry.json`."""
    (folder / "entry.json").write_text(json.dumps(content), encoding="utf-8")


def question(record: dict, proposal: str | None) -> str:
    """The question hash a forger would compute."""
    traces = {trace.trace_id: trace for trace in load_task("proactivebench_sample").traces}
    return question_hash(Moment(traces[record["trace_id"]], record["turn"]), proposal)


def judged_by_a_model(folder: Path, name: str = "strict-judge") -> str:
    """Let the entry say that a model behind the card `name` gave all its verdicts; returns the judge's id."""
    content, old = declared(folder), verdict_name(folder)
    (identity,) = content["manifest"]["judges"].values()
    del identity["members"]
    judge = f"{name}-{'ab' * 4}"
    said = {"id": judge, "hash": "ab" * 32, "name": name, "silence": name, "proposals": name}
    content["manifest"]["judges"] = {judge: identity | said | {"baseline": False, "deterministic": False, "model": "m"}}
    content["evidence"][f"verdicts/{judge}.jsonl.gz"] = content["evidence"].pop(old)
    content["claims"] = {}
    (folder / old).rename(folder / f"verdicts/{judge}.jsonl.gz")
    write_declared(folder, content)
    new = verdict_name(folder)
    write_lines(folder, new, [verdict | {"judge": name} for verdict in lines(folder, new)])
    return judge


def edited(*path: str, value: object) -> Callable[[Path], None]:
    """What sets one field of `entry.json`."""

    def edit(folder: Path) -> None:
        content = place = declared(folder)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        write_declared(folder, content)

    return edit
