"""`proactivebench export`: a run in the form other tools read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Words, option


class Form(StrEnum):
    """What a run can be written as."""

    LM_EVAL = "lm-eval"
    EVERY_EVAL_EVER = "every-eval-ever"
    HUB = "hub"
    USERS = "users"


@click.command()
@click.argument("run", type=PATH, help="A run directory.")
@option("--to", type=Words(Form), required=True, help="The form to write.")
@option("--output_path", type=PATH, default=Path("export"), help="The folder to write into.")
@options.moved_tasks
@option("--model_id", help="every-eval-ever: the model as ORG/NAME, where the run does not say it.")
@option("--dataset_id", help="hub: the benchmark's data set repository, ORG/NAME.")
def export(
    run: Path,
    to: Form,
    output_path: Path,
    tasks: str | None,
    model_id: str | None,
    dataset_id: str | None,
) -> None:
    """Write a whole, valid run as lm-eval, Every Eval Ever or the Hub has it, or its figures per user as CSV.

    No key and no path of this machine is in any of it. Exit 3: incomplete.

    Example: proactivebench export runs/always --to lm-eval
    """
    from proactivebench.errors import BadArgument
    from proactivebench.exports.every_eval_ever import write_every_eval_ever
    from proactivebench.exports.hub import write_hub
    from proactivebench.exports.lm_eval_layout import write_lm_eval
    from proactivebench.exports.source import Source
    from proactivebench.exports.users import write_users
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
        elif to is Form.USERS:
            written = write_users(source, output_path)
        else:
            written = write_every_eval_ever(source, output_path, model_id=model_id)
    for file in written:
        print(file)
