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
    from proactivebench.agents.contract import Action, Agent, Decision, Moment, PastAction, TraceStart
    from proactivebench.api import compare, evaluate, load_traces, score
    from proactivebench.errors import (
        AuthenticationFailed,
        BadArgument,
        CannotWrite,
        CheckFailed,
        DataError,
        InvalidRun,
        NotComparable,
        NotFound,
        NotInstalled,
        OtherRun,
        OutOfFiles,
        PaymentRequired,
        ProactiveBenchError,
        ServerRefusal,
        UnknownName,
        Unreachable,
        UsageError,
        WrongFile,
    )
    from proactivebench.judging.base import Item, Judge, Opinion
    from proactivebench.judging.kind import BaseCard, JudgeKind
    from proactivebench.judging.model import ModelJudge, Question
    from proactivebench.models.base import Answer, Message, Model, Request
    from proactivebench.protocols.cards import ProtocolKind
    from proactivebench.protocols.standard import StandardProtocol
    from proactivebench.records import Event, Report, Task, Trace, Usage, VerdictStatus
    from proactivebench.scoring.counting import count
    from proactivebench.scoring.measures import Ratio, total
    from proactivebench.scoring.metric import Interval, Metric, MetricTable, Need
    from proactivebench.scoring.offers import Column

__all__ = [
    "Action",
    "Agent",
    "Answer",
    "AuthenticationFailed",
    "BadArgument",
    "BaseCard",
    "CannotWrite",
    "CheckFailed",
    "Column",
    "DataError",
    "Decision",
    "Event",
    "Interval",
    "InvalidRun",
    "Item",
    "Judge",
    "JudgeKind",
    "Message",
    "Metric",
    "MetricTable",
    "Model",
    "ModelJudge",
    "Moment",
    "Need",
    "NotComparable",
    "NotFound",
    "NotInstalled",
    "Opinion",
    "OtherRun",
    "OutOfFiles",
    "PastAction",
    "PaymentRequired",
    "ProactiveBenchError",
    "ProtocolKind",
    "Question",
    "Ratio",
    "Report",
    "Request",
    "ServerRefusal",
    "StandardProtocol",
    "Task",
    "Trace",
    "TraceStart",
    "UnknownName",
    "Unreachable",
    "Usage",
    "UsageError",
    "VerdictStatus",
    "WrongFile",
    "__version__",
    "compare",
    "count",
    "evaluate",
    "load_traces",
    "score",
    "total",
]

_HOMES = {
    "proactivebench.models.base": ("Answer", "Message", "Model", "Request"),
    "proactivebench.agents.contract": ("Action", "Agent", "Decision", "Moment", "PastAction", "TraceStart"),
    "proactivebench.api": ("compare", "evaluate", "load_traces", "score"),
    "proactivebench.errors": (
        "AuthenticationFailed",
        "BadArgument",
        "CannotWrite",
        "CheckFailed",
        "DataError",
        "InvalidRun",
        "NotComparable",
        "NotFound",
        "NotInstalled",
        "OtherRun",
        "OutOfFiles",
        "PaymentRequired",
        "ProactiveBenchError",
        "ServerRefusal",
        "UnknownName",
        "Unreachable",
        "UsageError",
        "WrongFile",
    ),
    "proactivebench.judging.base": ("Item", "Judge", "Opinion"),
    "proactivebench.judging.kind": ("BaseCard", "JudgeKind"),
    "proactivebench.judging.model": ("ModelJudge", "Question"),
    "proactivebench.protocols.cards": ("ProtocolKind",),
    "proactivebench.protocols.standard": ("StandardProtocol",),
    "proactivebench.records": ("Event", "Report", "Task", "Trace", "Usage", "VerdictStatus"),
    "proactivebench.scoring.counting": ("count",),
    "proactivebench.scoring.measures": ("Ratio", "total"),
    "proactivebench.scoring.metric": ("Interval", "Metric", "MetricTable", "Need"),
    "proactivebench.scoring.offers": ("Column",),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: importing the package costs nothing."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'proactivebench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(home), name)
