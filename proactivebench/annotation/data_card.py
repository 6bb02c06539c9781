"""The card of a published data set: a header that the Hub reads, and what a reader has to know, with figures."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import yaml

from proactivebench.board.entry.escaping import markdown
from proactivebench.records import DrawnFrom, Job, NeedRule, Task
from proactivebench.validation.agreement import Estimate, Floats, alpha_over_traces, gwet_ac1

# What SPDX, whose pages have the texts, and the Hub call a licence: the same in small letters, but for a few.
_SPDX = (
    *("Apache-2.0", "MIT", "BSD-3-Clause", "Unlicense", "CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0"),
    *("CC-BY-SA-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0", "CC-BY-ND-4.0", "CDLA-Permissive-2.0"),
    "CDLA-Sharing-1.0",
)
_OTHERWISE = {"GPL-3.0-only": "gpl-3.0", "PDDL-1.0": "pddl", "ODC-By-1.0": "odc-by", "ODbL-1.0": "odbl"}
_HUB = {name: name.casefold() for name in _SPDX} | _OTHERWISE
_KNOWN = {word: (spdx, hub) for spdx, hub in _HUB.items() for word in (spdx.casefold(), hub)}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_HAN = re.compile(r"[\u3400-\u9fff]")
_RULES = {
    NeedRule.ASKED: "most of those asked “would you want help now?” said yes",
    NeedRule.UNANIMOUS: "some offer was accepted by everybody who voted on it",
    NeedRule.MAJORITY: "some offer was accepted by most",
}


class Facts(NamedTuple):
    """What a card tells: `task` holds the sessions as they are published, `marked` counts what was redacted."""

    title: str
    name: str | None
    licence: str
    data_licence: str
    made_from: str
    job: Job
    task: Task
    people: int
    instructions: str
    marked: Counter[str]
    reasons: bool
    traces_only: bool


def card(facts: Facts) -> str:
    """The card as Markdown, with its header."""
    header = yaml.safe_dump(_header(facts), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{header}---\n\n" + "\n\n".join(_sections(facts)) + "\n"


def licence_text(facts: Facts) -> str:
    """Under which licence the data set is, and where its words are."""
    known = _KNOWN.get(facts.licence.casefold())
    where = f" Its text: https://spdx.org/licenses/{known[0]}.html" if known else ""
    said = f"This data set is published under {markdown(facts.licence)}.{where}\n"
    if facts.data_licence.casefold() not in (facts.licence.casefold(), "unknown", ""):
        said += f"\nThe sessions were taken from data under {markdown(facts.data_licence)}, which holds for them.\n"
    return said


def _header(facts: Facts) -> dict[str, object]:
    known = _KNOWN.get(facts.licence.casefold())
    found: dict[str, object] = {"pretty_name": facts.title, "license": known[1] if known else "other"}
    if not known:
        found["license_name"] = facts.licence
    texts = [event.event for trace in facts.task.traces for event in trace.events]
    chinese = sum(bool(_HAN.search(text)) for text in texts)
    languages = ["zh"] if chinese > len(texts) / 2 else ["en", "zh"] if chinese else ["en"]
    size = next((word for most, word in _SIZES if facts.task.moments < most), "n>1M")
    return found | {
        "language": languages,
        "annotations_creators": ["no-annotation" if facts.traces_only else "crowdsourced"],
        "size_categories": [size],
        "task_categories": ["other"],
        "tags": ["proactive-agents", "human-feedback", "proactivebench"],
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": "data/traces.jsonl"}]}],
    }


def _sections(facts: Facts) -> Iterator[str]:
    task = facts.task
    sessions = f"{len(task.traces):,} sessions, {task.moments:,} moments"
    yield f"# {markdown(facts.title)}"
    if facts.traces_only:
        yield (
            f"{sessions} of people at work on a computer, for measuring assistants that speak up by themselves. Their "
            "labels are not public: they stay with whoever collected them, so that nobody can train on them."
        )
    else:
        yield (
            f"{sessions} of people at work on a computer, and what {_people(facts.people)} would have wanted of an "
            "assistant at these moments."
        )
    yield f"## What was asked\n\n{_asked(facts)}"
    if not facts.traces_only:
        yield f"## Labels\n\n{_labels(facts)}"
        yield f"## How far people agree\n\n{_agreement(facts)}"
    yield f"## Consent\n\n{_consent(facts)}"
    yield f"## Redaction\n\n{_redaction(facts)}"
    yield f"## Use\n\n{_use(facts)}"
    yield f"## Known limits\n\n{_limits(facts)}"
    yield f"## Licence and citation\n\n{licence_text(facts)}\n{_citation(facts)}"


def _people(number: int) -> str:
    return f"{number} {'person' if number == 1 else 'people'}"


def _asked(facts: Facts) -> str:
    job = facts.job
    lines = ["At each moment: what happened so far, then “would you want help now?”, then each offer by itself."]
    if job.drawn_from is DrawnFrom.RUNS:
        drawn = "; ".join(f"{one.drawn:,} of {one.size:,} {one.stratum}" for one in job.drawn)
        lines.append(
            f"The moments were drawn at random from the answers of {len(job.runs)} agent run(s), blind to what any "
            f"judge says of them ({drawn}). Offers of several runs stood in no order, and identical ones were asked "
            "once."
        )
    else:
        lines.append("The moments were taken from the sessions themselves, need asked at each one chosen.")
    plan = job.plan
    lines.append(
        f"Planned for {_people(plan.annotators)}, {min(plan.overlap, plan.annotators)} of them at each session; "
        f"{plan.repeats:.0%} of a person's items came a second time. Sessions are from {markdown(facts.made_from)}."
    )
    return "\n".join(f"- {line}" for line in lines)


def _labels(facts: Facts) -> str:
    task = facts.task
    rows = ["| rule of need | a moment is one of need where | labelled | need |", "|---|---|---|---|"]
    for rule in task.need_rules:
        said = [
            need
            for trace in task.traces
            for label in trace.labels or ()
            if label is not None and (need := label.needs(rule)) is not None
        ]
        if said:
            rows.append(f"| `{rule}` | {_RULES[rule]} | {len(said):,} | {sum(said):,} |")
    leads = (
        f"`{task.need_rules[0]}` leads. Unsure is no vote; “not yet” is a rejection, and marked as one (`premature`)."
    )
    return "\n".join(rows) + f"\n\n{leads}"


def _agreement(facts: Facts) -> str:
    rows = ["| question | items | Krippendorff's α [95 %, traces drawn again] | Gwet's AC1 |", "|---|---|---|---|"]
    for question, table, traces in (("need", *_need_table(facts.task)), ("offers", *_offer_table(facts.task))):
        if not traces:
            continue
        alpha, ac1 = alpha_over_traces(table, traces), gwet_ac1(table).value
        rows.append(f"| {question} | {alpha.items:,} | {_figure(alpha)} | {'–' if ac1 is None else f'{ac1:.3f}'} |")
    return "\n".join(rows) + "\n\nItems are those with two votes or more. An α of 1 is full agreement, 0 chance."


def _figure(found: Estimate) -> str:
    if found.value is None:
        return found.reason or "undefined"
    low_high = f"[{found.interval[0]:.3f}, {found.interval[1]:.3f}]" if found.interval else f"({found.reason})"
    return f"{found.value:.3f} {low_high}"


def _table(rows: list[tuple[str, dict[str, bool]]]) -> tuple[Floats, list[str]]:
    people = {name: place for place, name in enumerate(sorted({name for _, said in rows for name in said}))}
    table = np.full((len(rows), max(1, len(people))), np.nan)
    for place, (_, said) in enumerate(rows):
        for name, vote in said.items():
            table[place, people[name]] = vote
    return table, [trace for trace, _ in rows]


def _need_table(task: Task) -> tuple[Floats, list[str]]:
    labels = [(trace.trace_id, label) for trace in task.traces for label in trace.labels or () if label]
    return _table([(name, dict(zip(one.asked_by, one.asked, strict=True))) for name, one in labels if one.asked])


def _offer_table(task: Task) -> tuple[Floats, list[str]]:
    labels = [(trace.trace_id, label) for trace in task.traces for label in trace.labels or () if label]
    return _table([(name, dict(zip(t.annotators, t.votes, strict=True))) for name, one in labels for t in one.tasks])


def _consent(facts: Facts) -> str:
    if facts.traces_only:
        return "`consent/` has what annotators agree to before the first question."
    return (
        f"{_people(facts.people)} read the instructions in `consent/` and agreed to them before the first question "
        f"(sha256 of the texts by language: `{facts.instructions}`). They could withdraw at any time, which deleted "
        "what they had said. They are named by ids drawn at random for this data set; nothing here leads to a person."
    )


def _redaction(facts: Facts) -> str:
    if not facts.marked:
        return "Nothing had to be marked. Looked for were e-mail, numbers, keys, addresses, and the names in paths."
    listed = ", ".join(f"{count:,} `[{kind}]`" for kind, count in sorted(facts.marked.items()))
    return f"{listed} stand where something personal stood; `redaction.json` says where, and not what."


def _use(facts: Facts) -> str:
    place = f"hf:{facts.name}" if facts.name else "hf:ORG/NAME"
    silence = f"labels:{facts.task.need_rules[0]}" + ("" if facts.task.labelled else "+lexical")
    judge = "" if facts.traces_only else f" \\\n      --judge silence={silence},proposals=labels+lexical"
    return (
        f"    proactivebench run --model always --tasks {place}{judge}\n\nor, with this folder, `--tasks FOLDER`. One "
        f"trace a line: `trace_id`, `split`, `events`{'' if facts.traces_only else ', `labels`'}. The sha256 of the "
        f"traces as they are compared (`data_hash`) is `{facts.task.data_hash}`; `SHA256SUMS` has those of the files."
    )


def _limits(facts: Facts) -> str:
    lines = [
        "Redaction knows forms, not meanings: names of people, places and firms in the sessions may have stayed.",
        f"{len(facts.task.traces):,} sessions are what an interval rests on: agents that are near each other cannot be "
        "told apart with few.",
    ]
    if not facts.traces_only:
        lines.insert(0, f"They are the words of {_people(facts.people)}: other people may want other things.")
        lines.append("Whatever is trained on these labels is only honest when tested on other sessions.")
    return "\n".join(f"- {line}" for line in lines)


def _citation(facts: Facts) -> str:
    key = re.sub(r"[^a-z0-9]+", "-", facts.title.casefold()).strip("-") or "sessions"
    address = f"https://huggingface.co/datasets/{facts.name}" if facts.name else "the address you had it from"
    title = json.dumps(re.sub(r"[{}\\]", "", facts.title), ensure_ascii=False)[1:-1]
    return (
        f"    @misc{{{key}-{facts.job.made.year},\n      title = {{{title}}},\n"
        f"      year = {{{facts.job.made.year}}},\n      note = {{data {facts.task.data_hash[:12]}, {address}}}\n    }}"
    )
