"""`proactivebench lm-eval`: lm-eval's own command with this project's tasks and models known to it."""

from __future__ import annotations

import typer

HELP = """Usage: proactivebench lm-eval COMMAND [lm-eval's own options]

  Runs lm-eval with this project's tasks (proactivebench, proactivebench_sample,
  proactivebench_static, proactivebench_paper) and our agents (`proactivebench
  agents`: never, always, …, replay) known to it as models. Where only these
  tasks are asked for, lm-eval's own 13,000 are not scanned.

  run, ls, validate   as in lm-eval; `proactivebench lm-eval run --help`

  PROACTIVEBENCH_RUN              the run directory (default: in the cache)
  PROACTIVEBENCH_JUDGE            judges, separated by ';'
  PROACTIVEBENCH_JUDGE_MODEL      the model behind a judge, and
  PROACTIVEBENCH_JUDGE_MODEL_ARGS its arguments

Example: proactivebench lm-eval run --model always \\
           --tasks proactivebench_sample --output_path results
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "allow_interspersed_args": False,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def lm_eval(context: typer.Context) -> None:
    """Run lm-eval with this project's tasks and models known to it."""
    if not context.args or context.args[0] in ("-h", "--help"):
        typer.echo(HELP, nl=False)
        return
    from proactivebench.harness.wrapper import run_lm_eval

    run_lm_eval(context.args)
