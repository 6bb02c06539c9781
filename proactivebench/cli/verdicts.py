"""A gate's verdict in the forms pipelines read: text, Markdown, JUnit XML, workflow annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from proactivebench.cli.terminal import safe
from proactivebench.records import GatedMetric, GateResult
from proactivebench.scoring.signflip import p_value

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~@-])")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def word(result: GateResult) -> str:
    """`passed` or `REGRESSION`."""
    return "passed" if result.passed else "REGRESSION"


def lines(result: GateResult) -> list[str]:
    """The verdict as text, the verdict first."""
    return [f"{word(result)}: {result.why}", *(f"  {line}" for line in evidence(result))]


def evidence(result: GateResult) -> list[str]:
    """What the verdict rests on, and what it could not have seen."""
    rule = "exact" if result.exact else result.rule
    return [
        f"baseline {safe(result.baseline)}, candidate {safe(result.candidate)}",
        f"rule {rule}, {result.traces} traces, judge {safe(result.judge)}: {safe(result.deciders)}",
        *(f"conditions: {safe(line)}" for line in result.conditions),
        *(line for found in result.metrics for line in _measured(found)),
        *(safe(change) for change in result.changes),
        *(f"note: {safe(warning)}" for warning in result.warnings),
    ]


def _measured(found: GatedMetric) -> list[str]:
    values = f"{found.metric}: baseline {_number(found.baseline_value)}, candidate {_number(found.candidate_value)}"
    if found.difference is None:
        return [values]
    loss = "rise" if found.better == "down" else "drop"
    spread = f", standard error {found.stderr:.4f}" if found.stderr is not None else ""
    said = [f"{values}; change {found.difference:+.4f} (minus is worse){spread}"]
    if found.p is not None:
        holm = f", by Holm {_p(found.p_adjusted)}" if found.p_adjusted not in (None, found.p) else ""
        said.append(f"  one-sided p of more than the allowed {found.max_drop:.4g}: {_p(found.p)}{holm}")
    if found.not_excluded is not None:
        said.append(f"  largest {loss} not excluded: {found.not_excluded:.4f} (one-sided 95 %)")
    if found.detectable is not None and found.unchanged_passes is not None:
        said.append(
            f"  the rule {found.rule} finds a true {loss} of {found.detectable:.4f} with 80 %; "
            f"an unchanged candidate passes with {_chance(found.unchanged_passes)}"
        )
    return said + [f"  note: {found.metric} {warning}" for warning in found.warnings]


_COLUMNS = (
    "metric", "verdict", "baseline", "candidate", "change (minus is worse)", "allowed loss", "one-sided p",
    "loss not excluded", "detectable loss (80 %)", "an unchanged one passes",
)  # fmt: skip


def markdown(result: GateResult) -> str:
    """The verdict as a comment on a pull request: a row per metric."""
    mark = "✅" if result.passed else "❌"
    rule = "exact: nothing may change" if result.exact else f"rule {result.rule}"
    head = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}"
    rows = "\n".join(f"| {' | '.join(_cells(found))} |" for found in result.metrics)
    conditions = [f"conditions: {line}" for line in result.conditions]
    remarks = [f"{found.metric} {warning}" for found in result.metrics for warning in found.warnings]
    notes = "".join(f"\n- {escaped(note)}" for note in (*conditions, *result.changes, *remarks, *result.warnings))
    return (
        f"### {mark} ProactiveBench gate: {word(result)}\n\n{escaped(result.why)}\n\n{head}\n{rows}\n\n"
        f"{escaped(result.candidate)} against {escaped(result.baseline)}, {rule}, {result.traces} traces, "
        f"judge {escaped(result.judge)}: {escaped(result.deciders)}\n{notes}\n"
    )


def _cells(found: GatedMetric) -> Iterator[str]:
    yield escaped(found.metric)
    yield "holds" if found.passed else "**regression**"
    yield _number(found.baseline_value)
    yield _number(found.candidate_value)
    yield "" if found.difference is None else f"{found.difference:+.4f}"
    yield f"{found.max_drop:.4g}" + (f" ({100 * found.relative:.4g} %)" if found.relative is not None else "")
    p = found.p if found.p_adjusted is None else found.p_adjusted
    yield "" if p is None else _p(p)
    yield "" if found.not_excluded is None else f"{found.not_excluded:.4f}"
    yield "" if found.detectable is None else f"{found.detectable:.4f}"
    yield "" if found.unchanged_passes is None else _chance(found.unchanged_passes)


def junit(result: GateResult) -> str:
    """The verdict as a JUnit test suite: a test per metric, or one for all that may not change."""
    against = f"of {result.candidate} against {result.baseline}"
    if result.exact:
        body = "\n".join(lines(result))
        return _suite([_case(f"nothing changed {against}", body, None if result.passed else result.why)])
    shared = [line for line in evidence(result) if not any(line in _measured(found) for found in result.metrics)]
    return _suite(
        [
            _case(
                f"{found.metric} {against}",
                "\n".join([found.why, *_measured(found), *shared]),
                None if found.passed else found.why,
            )
            for found in result.metrics
        ]
    )


def junit_error(name: str, why: str) -> str:
    """A JUnit test suite whose one test could not be decided."""
    return _suite([f"{_opened(name)}<error message={_attribute(why)}/></testcase>"])


def workflow_notes(result: GateResult) -> list[str]:
    """The verdict as workflow commands: an error per metric that got worse, else one notice."""
    title = f"ProactiveBench gate: {word(result)}"
    if result.passed:
        return [annotation("notice", title, result.why)]
    if result.exact:
        return [annotation("error", title, result.why)]
    return [annotation("error", title, found.why) for found in result.metrics if not found.passed]


def annotation(kind: str, title: str, message: str) -> str:
    """A workflow command that puts a note on the run (`error`, `warning` or `notice`)."""
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title.replace('%', '%25').replace(':', '%3A').replace(',', '%2C')}::{data}"


def escaped(text: str) -> str:
    """Foreign text that Markdown shows as it is: no markup, no mentions, one line."""
    return _MARKDOWN.sub(r"\\\1", safe(text)).replace("&", "&amp;")


def _suite(cases: Sequence[str]) -> str:
    failures, errors = (sum(f"<{kind} " in case for case in cases) for kind in ("failure", "error"))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>'
        f'<testsuite name="proactivebench gate" tests="{len(cases)}" failures="{failures}" errors="{errors}">'
        f"{''.join(cases)}</testsuite></testsuites>\n"
    )


def _case(name: str, body: str, failure: str | None) -> str:
    failed = f"<failure message={_attribute(failure)}>{_text(body)}</failure>" if failure is not None else ""
    return f"{_opened(name)}{failed}<system-out>{_text(body)}</system-out></testcase>"


def _opened(name: str) -> str:
    return f'<testcase classname="proactivebench.gate" name={_attribute(name)}>'


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text))


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", text))


def _p(p: float | None) -> str:
    return "–" if p is None else p_value(p, 4)


def _chance(share: float) -> str:
    """A probability in per cent that is never rounded to certainty."""
    return (
        f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 or share == 1 else "over 99 %" if share > 0.5 else "under 1 %"
    )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
