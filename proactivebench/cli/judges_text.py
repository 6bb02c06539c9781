"""What `proactivebench judges` prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from proactivebench.board.site.published import Counts, published
from proactivebench.cli.paper import percent
from proactivebench.cli.terminal import safe
from proactivebench.presets import PAPER
from proactivebench.records import FINGERPRINT, FINGERPRINT_WITHIN, JudgeErrors

if TYPE_CHECKING:
    from proactivebench.judging.cards import Declared
    from proactivebench.judging.kind import BaseCard
    from proactivebench.plugins import Plug
    from proactivebench.records import Fingerprint, LabelledData, Measured, Measurement
    from proactivebench.validation.attacks import Acceptance, AttackAudit
    from proactivebench.validation.figures import Figure
    from proactivebench.validation.leaks import LeakAudit, LookupScore
    from proactivebench.validation.result import Validation

_LABELS = {
    "balanced_accuracy": "balanced accuracy",
    "recall": "recall (of acceptance)",
    "precision": "precision",
    "accuracy": "accuracy",
    "false_discovery_rate": "false alarm (1 − precision)",
    "f1": "F1 of acceptance",
    "accuracy_cd": "CD (accept a good offer)",
    "accuracy_fa": "FA (reject a bad offer)",
    "accuracy_cr": "CR (accept silence)",
    "accuracy_mn": "MN (reject silence)",
}


_FIVE = PAPER.metrics
_WIDTH = 24
_NAMED = "{:<24}" + "{:>9}{:>11}{:>10}{:>13}{:>8}" + "{:>5}" * 4


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


def judge_lines(card: BaseCard, kept: Iterable[Measured] = ()) -> Iterator[str]:
    """A card in a few lines, with what the cache knows of judges by it."""
    yield f"{card.name:<14}{card.kind:<14}{safe(card.summary)}"
    known = (*card.measured, *kept)
    for one in known:
        value, interval = one.figures.get("balanced_accuracy"), one.intervals.get("balanced_accuracy")
        ends = f"[{interval[0]:.2f}, {interval[1]:.2f}], " if interval else ""
        if value is not None:
            about = f"{ends}{one.design}, {one.items} items ({one.judge}, {one.date})"
            yield f"{'':<14}balanced accuracy {value:.3f} {about}"
            if one.people is not None:
                yield f"{'':<16}by {people_words(one.people)}, need rule {one.rule}, data {one.data_hash[:12]}"
    if not known and card.fallible:
        yield f"{'':<14}not measured yet"


def people_words(people: LabelledData) -> str:
    """Whose labels, which data and under which licence, in words."""
    return safe(f"{people.people} ({people.name}, {people.revision}, licence {people.licence})")


def foreign_lines(plugs: Iterable[Plug]) -> Iterator[str]:
    """Judges that installed packages add, a line each. None is loaded."""
    for plug in plugs:
        if not plug.ours:
            yield f"{plug.word:<14}{'':<14}of the package {plug.package}"


def card_text(name: str, found: Declared) -> str:
    """A card as it stands in its file, or as it is where a plug has none; with its hash and, from outside, its code."""
    from proactivebench.judging.cards import card_path, has_card

    said = f"# hash {found.card.hash}\n"
    if found.code is not None:
        where = " ".join(filter(None, (found.code.package, found.code.version)))
        said += f"# code {safe(where)}, sha256 {found.code.sha256 or 'unknown'}\n"
    if has_card(name):
        path = card_path(name)
        return f"# {path}\n{said}{path.read_text(encoding='utf-8')}"
    import yaml

    return said + str(yaml.safe_dump(found.card.model_dump(mode="json", exclude_defaults=True), sort_keys=False))


def validation_lines(found: Validation) -> Iterator[str]:
    """A validation as text: the judge's blocks, then its anchors."""
    yield safe(f"{found.judge.id} against {found.data} ({found.data_hash[:12]}), {found.date}")
    if found.people is not None:
        yield f"People: {people_words(found.people)}"
    if found.left_out:
        yield f"Left out: {found.left_out} of the sessions, which its declared training data share"
    for block in found.blocks:
        yield ""
        yield safe(block.heading)
        for name, figure in block.figures.items():
            if figure.value is not None:
                yield f"  {_LABELS.get(name, name.replace('_', ' ')):<28}{_figure(figure)}"
        if block.unscored_share:
            causes = ", ".join(f"{safe(cause)} {count}" for cause, count in block.causes.items())
            yield f"  {'unscored':<28}{block.unscored_share:.3f}  ({causes or 'moment not in the training file'})"
    yield from reward_model_table(found)
    yield ""
    yield "People among themselves, Krippendorff's alpha: " + (
        ", ".join(
            f"{name.removeprefix('alpha_').replace('_', ' ')} {value:.2f}"
            for name, value in found.annotators.items()
            if value is not None
        )
        or "undefined, no two of them vote on anything, or all say the same"
    )
    if found.ceiling is not None:
        yield f"The ceiling: {found.ceiling.sentence}."
    elif found.no_ceiling:
        yield f"The ceiling: unknown, {safe(found.no_ceiling)}."
    if found.seconds_per_verdict is not None:
        yield f"Seconds per verdict: {found.seconds_per_verdict:.3g}"
    if found.tokens_per_verdict is not None:
        yield f"Tokens per verdict: {found.tokens_per_verdict:.0f}"


def _figure(figure: Figure) -> str:
    ends = f"[{figure.interval[0]:.3f}, {figure.interval[1]:.3f}]" if figure.interval else f"({figure.reason})"
    return f"{figure.value:.3f}  {ends}"


def reward_model_table(found: Validation) -> Iterator[str]:
    """The paper's five figures and four categories of a judge on the official items, beside the paper's table."""
    from proactivebench.validation.validate import OFFICIAL

    official = [one for one in found.blocks if one.population == OFFICIAL and one.errors]
    block = min(official, key=lambda one: one.leaked, default=None)
    table = next((one for one in published().tables if one.id == "reward-model"), None)
    if block is None or table is None:
        return
    yield ""
    yield f"{table.title}, per cent, beside this judge on the same {block.items} items:"
    yield _NAMED.format("", *(title for _, title in _FIVE), *FINGERPRINT)
    own = [percent(block.figures[key].value) for key, _ in _FIVE]
    yield _NAMED.format(_short(block.rater), *own, *(_right(block.errors, name) for name in FINGERPRINT))
    for row in table.rows:
        counts = row.confusion.get("all")
        cells = [row.figures.get(key, _of_counts(counts, key)) for key, _ in _FIVE]
        published_right = [str(n) for n in FINGERPRINT.values()] if counts else ["–"] * len(FINGERPRINT)
        yield _NAMED.format(_short(row.model), *cells, *published_right)
    yield "Recall and precision of acceptance; False-Alarm = 1 − precision; MN, CR, CD, FA: right of 30."


def _short(name: str) -> str:
    shown = safe(name)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"


def _right(errors: JudgeErrors | None, name: str) -> str:
    from proactivebench.validation.items import Category

    count = getattr(errors, Category(name).counted, None)
    return "–" if count is None else str(count.correct)


def _of_counts(counts: Counts | None, key: str) -> str:
    if counts is None:
        return "–"
    accepted = counts.tp + counts.fp
    shares = {
        "recall": counts.tp / (counts.tp + counts.fn),
        "precision": counts.tp / accepted,
        "false_discovery_rate": counts.fp / accepted,
    }
    return percent(shares.get(key))


def fingerprint_lines(found: Fingerprint, worth: Measurement) -> Iterator[str]:
    """A fingerprint as text, beside the published one."""
    served = ", ".join(f"{safe(name)} {safe(value)}" for name, value in found.served.items())
    yield f"{found.judge}, {found.date}{f' ({served})' if served else ''}"
    yield f"  {'right of 30':<22}{'here':>6}{'published':>12}"
    for name, right in FINGERPRINT.items():
        yield f"  {_LABELS[f'accuracy_{name.lower()}']:<24}{found.counts[name].correct:>4}{right:>12}"
    if found.unscored:
        yield f"  unscored {found.unscored} of 120, counted as not right"
    verdict = "passed" if found.passed else "failed"
    yield f"fingerprint {verdict}: each category within {FINGERPRINT_WITHIN} of the published judge's"
    yield f"{worth.status}: {safe(worth.reason)}"


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
