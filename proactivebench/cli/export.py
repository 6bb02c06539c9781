"""`proactivebench export`: a run in the form other tools read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """What a run can be written as."""

    LM_EVAL = "lm-eval"
    EVERY_EVAL_EVER = "every-eval-ever"
    HUB = "hub"


def export(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    to: Annotated[Form, typer.Option(help="The form to write.")],
    output_path: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("export"),
    tasks: Annotated[str | None, typer.Option(help="Where the run's data is now, should it have moved.")] = None,
    model_id: Annotated[
        str | None, typer.Option(help="every-eval-ever: the model as ORG/NAME, where the run does not say it.")
    ] = None,
    dataset_id: Annotated[str | None, typer.Option(help="hub: the benchmark's data set repository, ORG/NAME.")] = None,
) -> None:
    """Write a whole, valid run as lm-eval, Every Eval Ever or the Hub has it.

    No key and no path of this machine is in any of it. Exit 3: incomplete.

    Example: proactivebench export runs/always --to lm-eval
    """
    from proactivebench.errors import BadArgument
    from proactivebench.exports.every_eval_ever import write_every_eval_ever
    from proactivebench.exports.hub import write_hub
    from proactivebench.exports.lm_eval_layout import write_lm_eval
    from proactivebench.exports.source import Source
    from proactivebench.store import cannot_write

    if model_id and model_id.count("/") != 1:
        raise BadArgument(f"--model_id {model_id}: write it as ORG/NAME")
    source = Source.read(run, tasks)
    with cannot_write(output_path):
        output_path.mkdir(parents=True, exist_ok=True)
        if to is Form.LM_EVAL:
            written = write_lm_eval(source, output_path)
        elif to is Form.HUB:
            written = write_hub(source, output_path, dataset_id=dataset_id)
        else:
            written = write_every_eval_ever(source, output_path, model_id=model_id)
    for file in written:
        typer.echo(str(file))
