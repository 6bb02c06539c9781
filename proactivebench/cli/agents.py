"""`proactivebench agents`: what `--model` can name."""

from __future__ import annotations

from typing import Annotated

import typer


def agents(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """What --model can name, with the arguments each takes.

    Example: proactivebench agents
    """
    from proactivebench.agents import BASELINES, ENDPOINTS, LM_EVAL, REPLAY

    groups = {"Baselines": BASELINES, "Endpoints": ENDPOINTS, "Stored answers": (REPLAY,), "lm-eval": (LM_EVAL,)}
    if as_json:
        import json

        found = [
            {"group": group, "model": kind.word, "about": kind.about, "model_args": kind.args}
            for group, kinds in groups.items()
            for kind in kinds
        ]
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for group, kinds in groups.items():
        print(group)
        for kind in kinds:
            print(f"  {kind.word:<16}{kind.about}")
            if kind.args:
                print(f"  {'':<16}--model_args {kind.args}")
