"""lm-eval: the task class, the judge as a filter, the baselines and the replay as models, the wrapper command.

Stock lm-eval finds the tasks with `--include_path "$(proactivebench lm-eval-path)"`; from Python:

    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from proactivebench.lm_eval_plugin import task_folder

    tasks = TaskManager(include_path=str(task_folder()), include_defaults=False)
    simple_evaluate("hf", "pretrained=DIR", tasks=["proactivebench_sample"], task_manager=tasks)
"""

from pathlib import Path

from proactivebench.resources import shipped


def task_folder() -> Path:
    """The folder of task files for lm-eval's `--include_path`."""
    return shipped("tasks")
