"""What went wrong in a run, in words: said before any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from proactivebench.records import Cause, Moment
from proactivebench.records.reports import SAID_BY_MODEL
from proactivebench.scoring.answers import PROPOSED, Answers
from proactivebench.text.words import words

FEWEST = 10  # offers below which sameness says nothing
SAME = 0.5  # share of offers with one text from which on it is said
FEW_DISTINCT = 0.2  # share of different offers below which it is said
_SHOWN = 60


def findings(answers: Answers, told: Callable[[Moment], str] | None = None) -> Iterator[str]:
    """Sentences about what an agent did that its numbers alone would not tell, the gravest first.

    Args:
        answers: all replies of the run.
        told: the prompt of a moment (None where that is not known).

    Yields:
        One line each, without a full stop.
    """
    status = answers.at(answers.status, answers.last)
    final = answers.final(status)
    moments, offers = int(final.sum()), int((status == PROPOSED).sum())
    if moments and not offers:
        yield f"it never offers anything: {moments} moments, no offer"
    if moments and offers == moments:
        yield f"it offers at every moment ({moments} of {moments}): it never had to tell when help is due"
    copied = answers.count_causes(Cause.TEMPLATE, Cause.ECHO)
    if moments and copied / moments >= SAID_BY_MODEL:
        yield f"{copied} of {moments} answers are a text that stands in the prompt: they count as silence"
    yield from _sameness(answers, answers.flat(answers.last)[status == PROPOSED].ravel().tolist(), told)


def _sameness(answers: Answers, slots: list[int], told: Callable[[Moment], str] | None) -> Iterator[str]:
    """Whether the offers in some slots are mostly one text, and whose, or few."""
    said: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for slot in slots:
        for text in answers.texts.get(slot, ()):
            heard = tuple(words(text))
            said[heard] += 1
            first.setdefault(heard, (slot, text))
    offers = said.total()
    if offers < FEWEST:
        return
    most, count = said.most_common(1)[0]
    texts = "text" if len(said) == 1 else "texts"
    distinct = f"{len(said)} different {texts} among {offers} offers ({len(said) / offers:.0%})"
    if count / offers >= SAME:
        slot, text = first[most]
        stands = told is not None and _within(most, text, told(answers.moment(slot)))
        whose = ", which stands in the prompt" if stands else ""
        yield f"{count} of {offers} offers are the same text{whose}: {_quoted(text)}; {distinct}"
    elif len(said) / offers < FEW_DISTINCT:
        yield distinct


def _within(heard: Sequence[str], text: str, prompt: str) -> bool:
    """Whether a text stands in a prompt, word for word, or letter for letter where it has no words."""
    return f" {' '.join(heard)} " in f" {' '.join(words(prompt))} " if heard else bool(text) and text in prompt


def _quoted(text: str) -> str:
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f'"{flat}"' if len(flat) <= _SHOWN else f'"{flat[: _SHOWN - 1]}…"'
