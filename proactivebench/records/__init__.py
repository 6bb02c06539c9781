"""The nouns: all that is stored, exchanged or shown, as frozen pydantic models. The only schema in the project."""

from proactivebench.records.activity import Event, Moment, MomentLabels, NeedRule, Task, TaskVotes, Trace
from proactivebench.records.base import Record, digest
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
    "Confusion",
    "Decoding",
    "ErrorCount",
    "Event",
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
    "ProtocolIdentity",
    "Record",
    "Reply",
    "ReplyKey",
    "ReplyStatus",
    "Report",
    "Session",
    "SplitReport",
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
