"""Every surface over a stranger's package, in one process of a fresh environment; what came out is printed as JSON."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

from proactivebench.cli import main

SAMPLE = "proactivebench_sample"


def call(*words: object) -> dict[str, object]:
    """A command as a user types it: its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def steps(folder: Path) -> dict[str, dict[str, object]]:
    """The commands, by name; the folders they leave are named like them."""
    card = folder / "strict.yaml"
    card.write_text('name: strict\nkind: brief\nversion: "1"\nsummary: at most ten characters\nmost: 10\n')
    run = ("run", "--tasks", SAMPLE, "--judge", "brief", "--json", "--output_path")
    entry = ("--organisation", "strangers", "--licence", "MIT", "--contact", "s@example.org", "--model_name")
    told = ("--trained_on_traces", "no", "--trained_on_labels", "no")
    done = {
        "agents": call("agents"),
        "agent": call(*run, folder / "agent", "--model", "after-saving"),
        "model": call(
            *run, folder / "model", "--model", "echo", "--model_args", "loudness=2", "--protocol", "loud", "--limit", 2
        ),
        "card": call("judge", folder / "agent", "--judge", card, "--json"),
        "behind": call("judge", folder / "agent", "--judge", "llm", "--judge_model", "echo", "--json"),
        "never": call(*run, folder / "never", "--model", "never"),
        "gate": call("gate", folder / "never", folder / "agent", "--judge", "brief", "--metric", "mean_silence=.5"),
        "compare": call("compare", folder / "agent", folder / "never", "--judge", "brief", "--metric", "mean_silence"),
        "show": call("show", folder / "agent"),
        "prepare": call(
            "leaderboard", "prepare", folder / "agent", *entry, "after-saving", *told, "--run_id", "r1",
            "--output_path", folder / "board" / "entries" / "strangers__after-saving" / "r1",
        ),
        "build": call("leaderboard", "build", folder / "board", "--output_path", folder / "site"),
    }  # fmt: skip
    os.environ |= {"PROACTIVEBENCH_JUDGE": "brief", "PROACTIVEBENCH_RUN": str(folder / "lm-run")}
    theirs = ("lm-eval", "run", "--tasks", SAMPLE, "--limit", "3", "--output_path", folder / "lm", "--model")
    done["lm-eval"] = call(*theirs, "after-saving")
    return done


if __name__ == "__main__":
    sys.stdout.write(json.dumps(steps(Path(sys.argv[1]))) + "\n")
