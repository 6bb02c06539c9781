"""The lexical baseline trained on the official training file: the figure that leakage flatters, made to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from proactivebench.judging.lexical.judge import LexicalJudge
from proactivebench.judging.lexical.training import train
from proactivebench.judging.lexical.weights import OTHER
from proactivebench.records import JudgeIdentity
from proactivebench.traces import LabelledItem


def leaked_judge(rows: Sequence[LabelledItem]) -> LexicalJudge:
    """A judge trained on the rows of the training file alone, whose moments the test file shares."""
    weights = train([row for row in rows if row.file == "train"])
    name = "lexical trained on the official training file"
    identity = JudgeIdentity(id="lexical-leaked", name=name, hash="leaked", silence=name, proposals=name, baseline=True)
    return LexicalJudge(weights.model_copy(update={"sets": {OTHER: weights.sets[OTHER]}}), identity)
