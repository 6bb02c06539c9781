"""`proactivebench lm-eval`: lm-eval's own command with this project's tasks and models known to it."""

from __future__ import annotations

import click

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


@click.command(
    "lm-eval",
    add_help_option=False,
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lm_eval(arguments: tuple[str, ...]) -> None:
    """Run lm-eval with this project's tasks and models known to it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP, end="")
        return
    from proactivebench.lm_eval_plugin.wrapper import run_lm_eval

    run_lm_eval(arguments)
