"""What went wrong in a run, in words: said before any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from proactivebench.scoring.answers import PROPOSED, Answers
from proactivebench.text.words import words

FEWEST = 10  # offers below which sameness says nothing
SAME = 0.5  # share of offers with one text from which on it is said
FEW_DISTINCT = 0.2  # share of different offers below which it is said
_SHOWN = 60


def findings(answers: Answers) -> Iterator[str]:
    """Sentences about what an agent did that its numbers alone would not tell, the gravest first."""
    status = answers.at(answers.status, answers.last)
    final = answers.final(status)
    moments, offers = int(final.sum()), int((status == PROPOSED).sum())
    if moments and not offers:
        yield f"it never offers anything: {moments} moments, no offer"
    if moments and offers == moments:
        yield f"it offers at every moment ({moments} of {moments}): it never had to tell when help is due"
    slots = answers.flat(answers.last)[status == PROPOSED]
    texts = [text for slot in np.asarray(slots).ravel().tolist() for text in answers.texts.get(slot, ())]
    if len(texts) < FEWEST:
        return
    told: Counter[tuple[str, ...]] = Counter()
    spelled: dict[tuple[str, ...], str] = {}
    for text, times in Counter(texts).items():
        heard = tuple(words(text))
        told[heard] += times
        spelled.setdefault(heard, text)
    most, count = told.most_common(1)[0]
    if count / len(texts) >= SAME:
        yield f"{count} of {len(texts)} offers are the same text: {_quoted(spelled[most])}"
    elif len(told) / len(texts) < FEW_DISTINCT:
        yield f"the {len(texts)} offers are {len(told)} different texts"


def _quoted(text: str) -> str:
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f'"{flat}"' if len(flat) <= _SHOWN else f'"{flat[: _SHOWN - 1]}…"'
