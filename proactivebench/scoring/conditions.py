"""Under which conditions runs were made, and how those of several runs differ: said where runs stand side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from proactivebench.agents import REPLAY, is_baseline, is_endpoint
from proactivebench.records import (
    FIRST_AGENT,
    FORMAT,
    FORMAT_ENFORCED,
    SAMPLES,
    WANTED,
    Conditions,
    Decoding,
    Manifest,
    Report,
    printable,
)

UNKNOWN = "unknown"
NO_FORMAT = "none"
_FORM = re.compile(r"[a-z_, ]{1,40}")
_LONGEST = 80
_MESSAGES = {
    "system_role": "no system role",
    "alternating_roles": "turns joined",
    "reasoning_returned": "thoughts sent back",
}


def made_under(manifest: Manifest, dropped: int = 0) -> Conditions:
    """The conditions that a run's manifest tells of; `dropped` replies did not see all of their history."""
    found = manifest.parameters
    model = manifest.agent.model if manifest.agent.model != REPLAY else found.get(FIRST_AGENT)
    if not isinstance(model, str):  # answers from elsewhere: what stands in an older manifest is the reader's
        return Conditions(dropped=dropped)
    if is_baseline(model):
        return Conditions(decoding=manifest.decoding, generated=False)
    if manifest.decoding is None:  # a program, which decides by itself how it comes to an answer
        return Conditions(generated=False, dropped=dropped)
    asked = found.get(FORMAT)
    if asked is None and not is_endpoint(model) and model != SAMPLES:
        asked = NO_FORMAT  # lm-eval's backends are asked for text
    return Conditions(
        decoding=manifest.decoding,
        response_format=asked if isinstance(asked, str) and _FORM.fullmatch(asked) else None,
        format_enforced=_truth(found.get(FORMAT_ENFORCED)),
        not_taken=("temperature",) if found.get("temperature") is False else (),
        wanted=tuple(said for name, said in _MESSAGES.items() if found.get(name) is WANTED[name]),
        dropped=dropped,
    )


def conditions_of(report: Report) -> Conditions:
    """The conditions a report states, or what a report of an older version lets one know of them."""
    if report.conditions is not None:
        return report.conditions
    if is_baseline(report.agent.model):
        return Conditions(decoding=report.decoding, generated=False)
    # An older version wrote the reader's own settings beside replayed answers.
    known = None if report.agent.model == REPLAY else report.decoding
    dropped = max((judged.overall.notes.get("context_dropped", 0) for judged in report.judges), default=0)
    return Conditions(decoding=known, dropped=dropped)


def described(conditions: Conditions) -> str:
    """The conditions in a few words."""
    if not conditions.generated:
        return "computed, not generated"
    said = ["decoding unknown" if conditions.decoding is None else _decoding(conditions)]
    if conditions.decoding is not None or conditions.response_format is not None:
        said.append(f"response format {response_format(conditions)}")
    said += conditions.wanted
    if conditions.dropped:
        said.append(f"history dropped in {conditions.dropped} replies")
    return "; ".join(said)


def in_brief(conditions: Conditions) -> str:
    """The conditions for a narrow column; `described` says what its words mean."""
    if not conditions.generated:
        return "computed"
    said = ["decoding unknown"]
    if conditions.decoding is not None:
        said = [f"t {_temperature(conditions)}", f"{conditions.decoding.max_gen_toks} tokens"]
        said += [
            f"format {response_format(conditions)}",
            *(f"{name} {value}" for name, value in _others(conditions.decoding)),
        ]
    return "; ".join([*said, *conditions.wanted, *(["history dropped"] if conditions.dropped else [])])


def condition_differences(conditions: Sequence[Conditions], names: Sequence[str]) -> list[str]:
    """How runs differ in their conditions, a phrase each. What is unknown of a run that did say how it decoded (an
    older report) is no difference; answers of unknown decoding are one where others' is known."""
    runs = [(name, each) for name, each in zip(names, conditions, strict=True) if each.generated]
    known = [(name, each) for name, each in runs if each.decoding is not None]
    found = []
    if known and len(known) < len(runs):
        found.append(_phrase("decoding", [(name, "known" if each.decoding else UNKNOWN) for name, each in runs]))
    for aspect, value in _ASPECTS.items():
        values = [(name, shown) for name, each in known if (shown := value(each)) != UNKNOWN]
        if len({shown for _, shown in values}) > 1:
            found.append(_phrase(aspect, values))
    return found


def unknown_conditions(conditions: Sequence[Conditions], names: Sequence[str]) -> list[str]:
    """What is not known of the conditions of runs, a phrase each."""
    runs = [(name, each) for name, each in zip(names, conditions, strict=True) if each.generated]
    replayed = [name for name, each in runs if each.decoding is None]
    older = [name for name, each in runs if each.decoding is not None and each.response_format is None]
    return [
        f"{what} of {', '.join(whose)} unknown"
        for what, whose in (("decoding", replayed), ("response format", older))
        if whose
    ]


def _decoding(conditions: Conditions) -> str:
    decoding = conditions.decoding or Decoding()
    said = [f"temperature {_temperature(conditions)}", f"at most {decoding.max_gen_toks} tokens"]
    return ", ".join(said + [f"{name} {value}" for name, value in _others(decoding)])


def _temperature(conditions: Conditions) -> str:
    asked = f"{conditions.decoding.temperature:g}" if conditions.decoding else UNKNOWN
    return "the server's own" if "temperature" in conditions.not_taken else asked


def response_format(conditions: Conditions) -> str:
    """The form of the answer that was asked of the server, and whether it was kept to, in a few words."""
    form = conditions.response_format
    if form is None:
        return UNKNOWN
    return f"{form} (not enforced)" if conditions.format_enforced is False and form != NO_FORMAT else form


def _others(decoding: Decoding) -> Iterator[tuple[str, str]]:
    if decoding.top_p is not None:
        yield "top_p", f"{decoding.top_p:g}"
    if decoding.until:
        yield "until", " ".join(map(repr, decoding.until))
    for name, value in sorted(decoding.extra.items()):
        yield printable(name[:_LONGEST]), printable(str(value)[:_LONGEST])


_ASPECTS: dict[str, Callable[[Conditions], str]] = {
    "response format": response_format,
    "temperature": _temperature,
    "token limit": lambda conditions: str(conditions.decoding.max_gen_toks) if conditions.decoding else UNKNOWN,
    "decoding": lambda conditions: (
        (", ".join(f"{name} {value}" for name, value in _others(conditions.decoding)) or "nothing more")
        if conditions.decoding
        else UNKNOWN
    ),
    "messages": lambda conditions: (
        UNKNOWN if conditions.response_format is None else ", ".join(conditions.wanted) or "as the protocol has them"
    ),
    "history": lambda conditions: "dropped in part" if conditions.dropped else "whole",
}


def _phrase(aspect: str, values: Sequence[tuple[str, str]]) -> str:
    """`aspect: value (runs), value (runs)`."""
    runs: dict[str, list[str]] = {}
    for name, value in values:
        runs.setdefault(value, []).append(name)
    return f"{aspect}: " + ", ".join(f"{value} ({_few(names)})" for value, names in runs.items())


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
