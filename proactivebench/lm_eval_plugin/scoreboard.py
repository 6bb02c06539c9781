"""From the rows that lm-eval gathers over all ranks to a report, by the one scorer, and its cells by column."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proactivebench.judging.measurement import worth
from proactivebench.lm_eval_plugin.columns import CARRIER, UNSCORED, cell, columns
from proactivebench.lm_eval_plugin.session import Session
from proactivebench.lm_eval_plugin.transcript import Row
from proactivebench.records import JudgeReport, MetricValue, Reply, Report, Verdict
from proactivebench.records import Session as Sitting
from proactivebench.reporting import measurements_in, score_run

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Scoreboard:
    """The reports of one task under lm-eval, by judge. An invalid one shows no metric."""

    session: Session
    splits: tuple[str, ...]
    reports: dict[str, JudgeReport] = field(default_factory=dict)
    invalid: dict[str, str] = field(default_factory=dict)  # why the numbers of a judge may not be used

    def add(self, texts: Sequence[str]) -> JudgeReport:
        """Score the rows of one judge, whichever rank they come from."""
        rows = [Row.loads(text) for text in texts]
        judge_id = rows[0].judge
        replies = [reply for row in rows for reply in row.replies]
        whole = self._report(judge_id, replies, [verdict for row in rows for verdict in row.verdicts])
        report = whole.judges[0]
        self.reports[judge_id] = report
        for said in (whole.caution, *whole.findings):
            if said:
                _log.warning("%s", said)
        why = whole.invalid(report)
        if why:
            self.invalid[judge_id] = why
            _log.warning("%s: not valid, no metric is shown: %s", judge_id, why)
        if self.session.opened is not None:
            score_run(self.session.opened, self.session.task)
        for warning in report.warnings:
            _log.warning("%s: %s", judge_id, warning)
        _log.warning("%s: %s", judge_id, report.deciders)
        for said in worth(report, str(self.session.opened.path) if self.session.opened else "RUN"):
            _log.warning("%s: %s", judge_id, said)
        return report

    def value(self, judge_id: str, column: str) -> float | None:
        """The number in a column; None where it is undefined."""
        report = self.reports[judge_id]
        if column == CARRIER:
            return int(report.overall.answered)
        if column == UNSCORED:
            return report.unscored_share
        return self._cell(judge_id, column.removesuffix("_stderr")).value

    def stderr(self, judge_id: str, column: str) -> float | str:
        """The cluster standard error of a column, or lm-eval's word for none."""
        found = self._cell(judge_id, column).stderr
        return "N/A" if found is None else found

    def _cell(self, judge_id: str, column: str) -> MetricValue:
        if judge_id in self.invalid:
            return MetricValue(value=None, reason=self.invalid[judge_id])
        shown = columns(self.splits, self.session.task.need_rules)
        key, split = next((key, split) for name, key, split in shown if name == column)
        return cell(self.reports[judge_id], column, key, split)

    def _report(self, judge_id: str, replies: Iterable[Reply], verdicts: Iterable[Verdict]) -> Report:
        from proactivebench.scoring import build_report

        replies = list(replies)
        seen = {reply.trace_id for reply in replies}
        task = self.session.task
        scored = task.part(trace for trace in task.traces if trace.trace_id in seen)
        sitting = Sitting(
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            versions={},
            repeats=self.session.evaluation.repeats,
        )
        judge = self.session.judges[judge_id].identity
        manifest = self.session.evaluation.manifest()
        manifest = manifest.model_copy(update={"judges": {judge_id: judge}, "sessions": (sitting,)})
        return build_report(
            scored, manifest, replies, {judge_id: verdicts}, measurements=measurements_in(manifest, task)
        )
