"""ProactiveBench: does a proactive agent offer help at the right moments, and keep quiet otherwise?

import proactivebench as pb

task = pb.load_traces("proactivebench_sample")
print(f"{task.moments} moments in {len(task.traces)} traces")
report = pb.evaluate("always", "proactivebench_sample", output_path="runs/always")
print(report.judges[0].overall.metrics["f1"].value)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from proactivebench.api import compare, evaluate, load_traces, score
    from proactivebench.records import Report, Task, Trace

__all__ = ["Report", "Task", "Trace", "__version__", "compare", "evaluate", "load_traces", "score"]


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'proactivebench' has no attribute '{name}'")
    from importlib import import_module

    home = "proactivebench.records" if name in ("Report", "Task", "Trace") else "proactivebench.api"
    return getattr(import_module(home), name)
