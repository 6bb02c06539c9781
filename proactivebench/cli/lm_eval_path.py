"""`proactivebench lm-eval-path`: where the task files lie."""

from __future__ import annotations

import click


@click.command("lm-eval-path")
def lm_eval_path() -> None:
    """Print the folder of task files, for lm-eval's --include_path.

    Example: lm_eval run --include_path "$(proactivebench lm-eval-path)" \\
      --tasks proactivebench_sample --model hf --model_args pretrained=DIR
    """
    from proactivebench.lm_eval_plugin import task_folder

    print(task_folder())
