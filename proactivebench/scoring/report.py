"""From a run's replies and verdicts to its report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import numpy as np

from proactivebench.garbage import collector_paused
from proactivebench.records import (
    OFFER_RULES,
    Adjusted,
    HumanLabel,
    JudgeErrors,
    JudgeIdentity,
    JudgeMember,
    JudgeReport,
    Manifest,
    Measurement,
    Moment,
    Note,
    PopulationBand,
    Reply,
    Report,
    Task,
    Thresholds,
    Unclean,
    Verdict,
    digest,
)
from proactivebench.scoring.answers import Answers, count_notes, count_unclean, read_replies
from proactivebench.scoring.conditions import made_under
from proactivebench.scoring.correction import METHOD, correct, judged_metrics
from proactivebench.scoring.counting import pooled
from proactivebench.scoring.decisions import no_verdicts, read_verdicts
from proactivebench.scoring.efficiency import Prices
from proactivebench.scoring.findings import findings
from proactivebench.scoring.human_labels import People, people_of
from proactivebench.scoring.judged import Judged, Spending
from proactivebench.scoring.metric import Need
from proactivebench.scoring.moments import Moments
from proactivebench.scoring.offers import Column
from proactivebench.scoring.population import band_of
from proactivebench.scoring.prediction_powered import correct_with_people
from proactivebench.scoring.sections import Section
from proactivebench.scoring.users import figures_of

MOST_UNSCORED = 0.02
UNJUDGED = "none"


def build_report(
    task: Task,
    manifest: Manifest,
    replies: Iterable[Reply],
    verdicts: Mapping[str, Iterable[Verdict]],
    *,
    prices: Prices | None = None,
    anchors: Mapping[str, Report] | None = None,
    judge_errors: Mapping[str, JudgeErrors] | None = None,
    human_labels: Iterable[HumanLabel] = (),
    measurements: Mapping[str, Measurement] | None = None,
    populations: Mapping[str, Thresholds | str] | None = None,
    metrics: Collection[str] | None = None,
    split_metrics: Collection[str] | None = None,
    told: Callable[[Moment], str] | None = None,
) -> Report:
    """The report of a run: every metric under every judge, per split and in total.

    `replies` and `verdicts` (by judge id) may be streamed in file order: a later line replaces an earlier one with the
    same key. Moments expected follow from `task` and from the limit and repeats of `manifest`. Without any verdicts the
    one judge of the report is called `none`, and only what needs no judge is defined. `anchors` holds reports of the
    agents `never` and `always` on the same data: break-even costs against them need the same judge's verdicts.
    `judge_errors` (by judge id; None = not asked for) and `human_labels` add metrics corrected for the judge's
    mistakes, or why they are refused. `measurements` (by judge id) say what each judge's verdicts are worth (default:
    what is known without any measurement), `populations` how ready the people are whom a judge was measured on, or why
    its probabilities say nothing of them. `metrics` names the only ones to compute, without anchors or correlations (a
    board of many runs), and `split_metrics` those of them to compute per split; None = all. `told` gives the prompt of
    a moment, where it is known: findings name offers that were copied from there.
    """
    moments = Moments.expected(task, manifest)
    with collector_paused():
        answers = read_replies(moments, replies)
    spending, unclean = Spending.of(answers, prices), count_unclean(answers)
    labels = tuple(human_labels)
    judged, people = [], people_of(answers, labels, digest(manifest.identity())) if labels else None
    for judge_id, lines in (verdicts or {UNJUDGED: ()}).items():
        judge = _identity(task, manifest, judge_id)
        with collector_paused():
            ready = (populations or {}).get(judge_id) if metrics is None else None
            decisions = (
                no_verdicts(answers)
                if judge_id == UNJUDGED
                else read_verdicts(answers, judge, lines, probabilities=isinstance(ready, Thresholds))
            )
        trivial = {name: found for name, report in (anchors or {}).items() if (found := _same_judge(report, judge_id))}
        reading = Judged(answers, decisions, judge, spending, trivial, metrics)
        errors = (judge_errors or {}).get(judge_id)
        adjusted = tuple(_adjusted(reading, errors, people, asked=judge_errors is not None and judge_id != UNJUDGED))
        worth = (measurements or {}).get(judge_id, judge.unmeasured)
        found = _judge_report(reading, manifest, adjusted, unclean, worth, split_metrics)
        judged.append(found.model_copy(update={"population": _population(reading, ready)}) if ready else found)
    answered = int(answers.final(answers.at(answers.status, answers.last)).sum())
    expected = moments.count * moments.repeats
    return Report(
        task=manifest.task,
        agent=manifest.agent,
        protocol=manifest.protocol,
        decoding=manifest.decoding,
        preset=manifest.preset,
        seed=manifest.seed,
        repeats=moments.repeats,
        complete=answered == expected,
        moments_expected=expected,
        moments_answered=answered,
        judges=tuple(judged),
        conditions=made_under(manifest, count_notes(answers.notes).get(Note.CONTEXT_DROPPED, 0)),
        unclean=unclean,
        findings=tuple(findings(answers, told)) if metrics is None else (),
        users=figures_of(moments.traces, judged[0].outcomes) if metrics is None else (),
        warnings=tuple(_run_warnings(manifest, answers, answered, expected)),
    )


def _judge_report(
    judged: Judged,
    manifest: Manifest,
    adjusted: tuple[Adjusted, ...],
    unclean: Unclean,
    measurement: Measurement,
    split_metrics: Collection[str] | None,
) -> JudgeReport:
    moments, decisions = judged.answers.moments, judged.decisions
    splits = np.array([trace.split for trace in moments.traces])
    whole = pooled(judged.counts[""]).sum(axis=0)
    unscored = whole[Column.UNSCORED_OFFERS] + whole[Column.UNSCORED_SILENCES]
    share = decisions.failed / decisions.asked if decisions.asked else 0.0
    scored = share <= MOST_UNSCORED and unscored <= MOST_UNSCORED * whole[Column.MOMENTS]
    return JudgeReport(
        judge=judged.judge,
        measurement=measurement,
        valid=bool(scored) and not unclean.too_many,
        unscored_share=share,
        overall=Section(judged, np.arange(len(splits))).report(),
        splits={
            name: Section(judged, np.flatnonzero(splits == name), split_metrics).report()
            for name in dict.fromkeys(splits.tolist())
        },
        adjusted=adjusted,
        causes=decisions.causes,
        verdicts=decisions.members,
        decided=decisions.decided,
        judge_repeats=decisions.repeats,
        disagreement=decisions.disagreement,
        stale=decisions.stale,
        clipped=decisions.clipped,
        warnings=tuple(_judge_warnings(judged, manifest, float(whole[Column.UNLABELLED]))),
        trace_splits={trace.trace_id: trace.split for trace in moments.traces},
        tables=judged.tables(),
        outcomes=judged.letters(),
        stated=judged.stated,
        need_rules=() if moments.rules == OFFER_RULES else moments.rules,
    )


def _population(judged: Judged, ready: Thresholds | str) -> PopulationBand:
    """The run for people of different readiness, or why that is not known."""
    if isinstance(ready, str):
        return PopulationBand(refused=ready)
    whole, lacking = pooled(judged.counts[""]).sum(axis=0), judged.lacking(judged.views[0])
    missed = None if Need.SILENCES in lacking else float(whole[Column.FN])
    return band_of(judged.answers, judged.decisions, judged.outcomes[""], ready, missed)


def _adjusted(judged: Judged, errors: JudgeErrors | None, people: People | None, *, asked: bool) -> Iterator[Adjusted]:
    """What corrects the judged metrics: measured errors where that is asked for, and people's labels."""
    table, lacking = pooled(judged.counts[""]), judged.lacking(judged.views[0])
    table = table[table[:, Column.MOMENTS] > 0]
    if asked and not any(member.fallible for member in judged.judge.members):
        yield Adjusted(method=METHOD, refused="people's own votes decided: there is nothing to correct")
    elif asked:
        candidates = judged.answers.moments.candidates
        yield correct(table, errors, judge_hash=judged.judge.hash, candidates=candidates, lacking=lacking)
    if people is not None:
        metrics = judged_metrics(table.sum(axis=0), lacking)
        yield correct_with_people(judged.answers, judged.outcomes[""], people, metrics)


def _identity(task: Task, manifest: Manifest, judge_id: str) -> JudgeIdentity:
    if judge_id in manifest.judges:
        return manifest.judges[judge_id]
    if judge_id == UNJUDGED:
        if task.unlabelled == task.moments:
            return JudgeIdentity(id=UNJUDGED, name=UNJUDGED, hash="")
        rule = task.need_rules[0]
        people = JudgeMember(stratum="silence", name=f"labels:{rule}", kind="labels", rule=rule, fallible=False)
        return JudgeIdentity(id=UNJUDGED, name=UNJUDGED, hash="", silence=people.name, members=(people,))
    # A verdict file whose judge the manifest does not name (copied in by hand) is read as one judge for all.
    return JudgeIdentity(id=judge_id, name=judge_id, hash="", silence=judge_id, proposals=judge_id)


def _same_judge(report: Report, judge_id: str) -> JudgeReport | None:
    return next((found for found in report.judges if found.judge.id == judge_id), None)


def _run_warnings(manifest: Manifest, answers: Answers, answered: int, expected: int) -> Iterator[str]:
    if manifest.swept is not None:
        yield f"not the agent's own answers: {manifest.swept.words}"
    if answered < expected:
        yield f"incomplete: {expected - answered} of {expected} moments have no final reply and are left out everywhere"
    if answers.strays:
        yield f"{answers.strays} stored replies are not on the moments asked about and were left out"


def _judge_warnings(judged: Judged, manifest: Manifest, unlabelled: float) -> Iterator[str]:
    decisions = judged.decisions
    if decisions.stale:
        yield f"{decisions.stale} verdicts were given on other answers than the current ones and were left out"
    adviser = manifest.protocol.feedback_judge
    if adviser and adviser in (judged.judge.id, judged.judge.name, judged.judge.hash):
        yield "the judge that scores also advised the agent between rounds"
    if unlabelled and judged.answers.moments.need(judged.views[0].rule).max(initial=-1) >= 0:
        yield f"{unlabelled:g} moments have no need labels: need metrics are over the others"
