"""The nouns: all that is stored, exchanged or shown, as frozen pydantic models. The only schema in the project."""

from proactivebench.records.activity import Event, Moment, MomentLabels, NeedRule, Task, TaskVotes, Trace
from proactivebench.records.base import Record, digest
from proactivebench.records.comparisons import Comparison, GateResult, GateRule, PairComparison, Standing
from proactivebench.records.replies import Note, Reply, ReplyKey, ReplyStatus, Usage
from proactivebench.records.reports import (
    Adjusted,
    Confusion,
    ErrorCount,
    HumanLabel,
    JudgeErrors,
    JudgeReport,
    MetricValue,
    Report,
    SplitReport,
    TraceTable,
)
from proactivebench.records.runs import (
    TRANSPORT_ARGS,
    AgentIdentity,
    Decoding,
    JudgeIdentity,
    Manifest,
    ProtocolIdentity,
    Session,
    TaskIdentity,
)
from proactivebench.records.verdicts import SILENCE, Verdict, VerdictKey, VerdictStatus, question_hash

__all__ = [
    "SILENCE",
    "TRANSPORT_ARGS",
    "Adjusted",
    "AgentIdentity",
    "Comparison",
    "Confusion",
    "Decoding",
    "ErrorCount",
    "Event",
    "GateResult",
    "GateRule",
    "HumanLabel",
    "JudgeErrors",
    "JudgeIdentity",
    "JudgeReport",
    "Manifest",
    "MetricValue",
    "Moment",
    "MomentLabels",
    "NeedRule",
    "Note",
    "PairComparison",
    "ProtocolIdentity",
    "Record",
    "Reply",
    "ReplyKey",
    "ReplyStatus",
    "Report",
    "Session",
    "SplitReport",
    "Standing",
    "Task",
    "TaskIdentity",
    "TaskVotes",
    "Trace",
    "TraceTable",
    "Usage",
    "Verdict",
    "VerdictKey",
    "VerdictStatus",
    "digest",
    "question_hash",
]
