"""What `proactivebench judges` prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from proactivebench.cli.terminal import safe

if TYPE_CHECKING:
    from proactivebench.judging.cards import Card
    from proactivebench.validation.attacks import Acceptance, AttackAudit
    from proactivebench.validation.figures import Figure
    from proactivebench.validation.leaks import LeakAudit, LookupScore
    from proactivebench.validation.result import Validation

_LABELS = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "f1": "F1 of acceptance",
    "accuracy_cd": "CD (accept a good offer)",
    "accuracy_fa": "FA (reject a bad offer)",
    "accuracy_cr": "CR (accept silence)",
    "accuracy_mn": "MN (reject silence)",
}


def print_json(value: Any) -> None:
    """Only JSON on standard output."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


def say(words: str) -> None:
    """A line on standard error: what a judge is asked before it is, and what came out."""
    print(safe(words), file=sys.stderr)


def progress(what: str) -> Callable[[int, int], None]:
    """Says on standard error how far the work is, every ten seconds."""
    said = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= 10:
            said = time.monotonic()
            print(f"{done}/{total} {what}", file=sys.stderr)

    return say


def judge_lines(card: Card) -> Iterator[str]:
    """A card in a few lines."""
    yield f"{card.name:<14}{card.kind:<14}{safe(card.summary)}"
    for one in card.measured:
        value, interval = one.figures.get("balanced_accuracy"), one.intervals.get("balanced_accuracy")
        ends = f"[{interval[0]:.2f}, {interval[1]:.2f}], " if interval else ""
        if value is not None:
            about = f"{ends}{one.design}, {one.items} items ({one.judge}, {one.date})"
            yield f"{'':<14}balanced accuracy {value:.3f} {about}"
    if not card.measured and card.kind != "labels":
        yield f"{'':<14}not measured yet"


def validation_lines(found: Validation) -> Iterator[str]:
    """A validation as text: the judge's blocks, then its anchors."""
    yield f"{found.judge.id} against {found.data} ({found.data_hash[:12]}), {found.date}"
    for block in found.blocks:
        yield ""
        yield safe(block.heading)
        for name, figure in block.figures.items():
            if figure.value is not None:
                yield f"  {_LABELS.get(name, name.replace('_', ' ')):<28}{_figure(figure)}"
        if block.unscored_share:
            causes = ", ".join(f"{safe(cause)} {count}" for cause, count in block.causes.items())
            yield f"  {'unscored':<28}{block.unscored_share:.3f}  ({causes or 'moment not in the training file'})"
    yield ""
    yield "People among themselves, Krippendorff's alpha: " + ", ".join(
        f"{name.removeprefix('alpha_').replace('_', ' ')} {value:.2f}"
        for name, value in found.annotators.items()
        if value is not None
    )
    if found.seconds_per_verdict is not None:
        yield f"Seconds per verdict: {found.seconds_per_verdict:.3g}"
    if found.tokens_per_verdict is not None:
        yield f"Tokens per verdict: {found.tokens_per_verdict:.0f}"


def _figure(figure: Figure) -> str:
    ends = f"[{figure.interval[0]:.3f}, {figure.interval[1]:.3f}]" if figure.interval else f"({figure.reason})"
    return f"{figure.value:.3f}  {ends}"


def leak_lines(found: LeakAudit) -> Iterator[str]:
    """A leak audit as text."""
    rows = {
        "test rows whose moment is in train": (found.test_rows_with_shared_moment, found.test_rows),
        "test traces in train": (found.test_traces_shared, found.test_traces),
        "test rows word for word in train": (found.test_rows_exact, found.test_rows),
        "train rows on benchmark moments": (found.train_rows_on_benchmark, found.train_rows),
        "benchmark moments in train": (found.benchmark_moments_in_train, found.benchmark_moments),
        "test rows on benchmark moments": (found.test_rows_on_benchmark, found.test_rows),
    }
    for name, (count, total) in rows.items():
        yield f"{name:<36}{count:>7,} of {total:,}"
    if found.conflicting_duplicates:
        yield f"{'of these with another label':<36}{found.conflicting_duplicates:>7,}"
    yield "Accuracy on the test rows without any model, by looking the moment up in train:"
    yield f"  {'any sibling accepted':<34}{_lookup(found.lookup_by_sibling)}"
    yield f"  {'need alone':<34}{_lookup(found.lookup_by_need)}"
    yield f"  {'always the commoner label':<34}{found.majority_label:.3f}"


def _lookup(score: LookupScore | None) -> str:
    return "no moment is shared" if score is None else f"{score.accuracy:.3f} ({score.correct} of {score.rows})"


def attack_lines(found: AttackAudit) -> Iterator[str]:
    """An attack audit as text."""
    yield f"{found.judge}, suite {found.suite}, {found.contexts} contexts of {found.data} where people rejected all"
    yield f"  {'honest offers people rejected':<32}{_acceptance(found.honest)}"
    for name, family in found.families.items():
        mark = "FAILED" if name in found.failed else "ok"
        yield f"  {name.replace('_', ' '):<32}{_acceptance(family)}  {mark}"
        for example, count in found.accepted_examples.get(name, {}).items():
            yield f"      accepted {count} times: {safe(example)}"


def _acceptance(found: Acceptance) -> str:
    ends, unscored = found.interval, f", {found.unscored} unscored" if found.unscored else ""
    if found.rate is None or ends is None:
        return f"no verdict in {found.asked}{unscored}"
    return f"{found.rate:.3f} [{ends[0]:.3f}, {ends[1]:.3f}] of {found.asked}{unscored}"
