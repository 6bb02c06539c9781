"""A gate's verdict in the forms pipelines read: text, Markdown, JUnit XML, workflow annotations."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from proactivebench.cli.terminal import safe
from proactivebench.records import GateResult

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
    found = [
        f"baseline {safe(result.baseline)}: {_number(result.baseline_value)}; "
        f"candidate {safe(result.candidate)}: {_number(result.candidate_value)}",
        f"rule {'exact' if result.exact else result.rule}, judge {safe(result.judge)}, {result.traces} traces",
    ]
    if result.difference is not None:
        spread = f", standard error {result.stderr:.4f}" if result.stderr is not None else ""
        p = f", one-sided p {result.p:.4f}" if result.p is not None else ""
        found.append(f"change {result.difference:+.4f} (up is better){spread}{p}")
    if result.not_excluded is not None and result.detectable is not None:
        found.append(
            f"largest drop not excluded: {result.not_excluded:.4f}; "
            f"minimum detectable difference: {result.detectable:.4f}"
        )
    return found + [safe(change) for change in result.changes] + [f"note: {warning}" for warning in result.warnings]


def markdown(result: GateResult) -> str:
    """The verdict as a comment on a pull request."""
    rows = [
        ("baseline", f"{escaped(result.baseline)}: {_number(result.baseline_value)}"),
        ("candidate", f"{escaped(result.candidate)}: {_number(result.candidate_value)}"),
        ("allowed drop", "none: nothing may change" if result.exact else f"{result.max_drop:g}, rule {result.rule}"),
    ]
    if result.difference is not None:
        rows.append(("change (up is better)", f"{result.difference:+.4f}"))
    if result.p is not None:
        rows.append(("one-sided p", f"{result.p:.4f}"))
    if result.not_excluded is not None:
        rows.append(("largest drop not excluded", f"{result.not_excluded:.4f}"))
    if result.detectable is not None:
        rows.append(("minimum detectable difference", f"{result.detectable:.4f}"))
    rows.append(("judge, traces", f"{escaped(result.judge)}, {result.traces}"))
    mark = "✅" if result.passed else "❌"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    notes = "".join(f"\n- {escaped(note)}" for note in (*result.changes, *result.warnings))
    return (
        f"### {mark} ProactiveBench gate: {word(result)}\n\n{escaped(result.why)}\n\n"
        f"| {escaped(result.metric)} | |\n|---|---|\n{table}\n{notes}\n"
    )


def junit(result: GateResult) -> str:
    """The verdict as a JUnit test suite of one test."""
    body = "\n".join(lines(result))
    failure = f"<failure message={_attribute(result.why)}>{_text(body)}</failure>" if not result.passed else ""
    return _suite(
        f"{result.metric} of {result.candidate} against {result.baseline}",
        f"{failure}<system-out>{_text(body)}</system-out>",
        failures=int(not result.passed),
    )


def junit_error(name: str, why: str) -> str:
    """A JUnit test suite whose one test could not be decided."""
    return _suite(name, f"<error message={_attribute(why)}/>", errors=1)


def annotation(kind: str, title: str, message: str) -> str:
    """A workflow command that puts a note on the run (`error`, `warning` or `notice`)."""
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title.replace('%', '%25').replace(':', '%3A').replace(',', '%2C')}::{data}"


def escaped(text: str) -> str:
    """Foreign text that Markdown shows as it is: no markup, no mentions, one line."""
    return _MARKDOWN.sub(r"\\\1", safe(text)).replace("&", "&amp;")


def _suite(name: str, body: str, failures: int = 0, errors: int = 0) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites><testsuite name="proactivebench gate" tests="1" failures="{failures}" errors="{errors}">'
        f'<testcase classname="proactivebench.gate" name={_attribute(name)}>{body}</testcase>'
        "</testsuite></testsuites>\n"
    )


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text))


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", text))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
