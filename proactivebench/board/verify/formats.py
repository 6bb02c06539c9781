"""What a check found, said to a person, a program, a CI log or a pull request. Submissions are quoted, never obeyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proactivebench.board.entry.escaping import github_command, markdown, plain
from proactivebench.board.entry.evidence import Finding

if TYPE_CHECKING:
    from proactivebench.board.entry.evidence import Refusal

FORMATS = ("rich", "json", "github", "markdown")
UNREADABLE = "unreadable"
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Said:
    """The outcome for one entry: `word` names it (accepted, verified, …), `remarks` are worth knowing and no fault;
    `sealed`: it answers a sealed set whose labels are at hand."""

    path: str
    key: str
    passed: bool
    word: str
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
    sealed: bool = False


def say(outcomes: Sequence[Said], form: str) -> str:
    """The outcomes in one of `FORMATS`."""
    return {"rich": _for_people, "json": _for_programs, "github": _for_github, "markdown": _for_pull_requests}[form](
        outcomes
    )


def refused(refusals: Sequence[Refusal]) -> list[str]:
    """A line for each entry that a board does not show, with the first thing wrong with it; the last line counts the
    rest where there are many. No line steers a terminal or a CI log."""
    lines = []
    for refusal in refusals[:_LISTED]:
        file, message = refusal.findings[0] if refusal.findings else ("", "no reason given")
        line = plain(f"refused {refusal.folder}: {_where(Finding(file, message))}{message}")
        lines.append(line.replace("##[", "##\u200b["))
    return lines + ([f"refused {len(refusals) - _LISTED} more"] if len(refusals) > _LISTED else [])


def _for_people(outcomes: Sequence[Said]) -> str:
    lines = []
    for outcome in outcomes:
        lines.append(f"{outcome.word:<10} {plain(outcome.key)}")
        lines += [f"  {plain(_where(finding))}{plain(finding.message)}" for finding in outcome.findings]
        lines += [f"  ({plain(remark)})" for remark in outcome.remarks]
    return "\n".join(lines)


def _for_programs(outcomes: Sequence[Said]) -> str:
    return json.dumps(
        [
            {
                "path": outcome.path,
                "key": outcome.key,
                "passed": outcome.passed,
                "outcome": outcome.word,
                "findings": [{"file": f.file, "message": f.message} for f in outcome.findings],
                "remarks": list(outcome.remarks),
            }
            for outcome in outcomes
        ],
        indent=2,
    )


def _for_github(outcomes: Sequence[Said]) -> str:
    lines = []
    for outcome in outcomes:
        for finding in outcome.findings:
            file = github_command("/".join(part for part in (outcome.path, finding.file) if part), is_property=True)
            lines.append(f"::error file={file},title=Entry refused::{github_command(finding.message)}")
        lines += [f"::notice title=Entry::{github_command(remark)}" for remark in outcome.remarks]
        lines.append(f"{outcome.word}: {github_command(outcome.key)}")
    return "\n".join(lines)


def _for_pull_requests(outcomes: Sequence[Said]) -> str:
    lines = ["| Entry | Outcome | What |", "| --- | --- | --- |"]
    for outcome in outcomes:
        said = [f"{_where(finding)}{finding.message}" for finding in outcome.findings] + list(outcome.remarks)
        lines.append(f"| {markdown(outcome.key)} | {outcome.word} | {'<br>'.join(markdown(one) for one in said)} |")
    return "\n".join(lines)


def _where(finding: Finding) -> str:
    return f"{finding.file}: " if finding.file else ""
