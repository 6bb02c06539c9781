"""The probability behind a verdict, from the log-probabilities of the two verdict words where a server gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from proactivebench.judging.parsing import Output
from proactivebench.models.base import TokenLogprobs


def verdict_probability(tokens: Sequence[TokenLogprobs], output: Output) -> float | None:
    """P(accept) / (P(accept) + P(reject)) at the token where the verdict's word begins; None where that place cannot be
    told or the two words begin alike there."""
    place = _verdict_place(tokens, output)
    if place is None:
        return None
    begins = {True: 0.0, False: 0.0}
    for text, logprob in tokens[place].top:
        word = text.strip(' "\n\t').casefold()
        accepts = bool(word) and output.accept.casefold().startswith(word)
        rejects = bool(word) and output.reject.casefold().startswith(word)
        if accepts and rejects:
            return None
        if accepts or rejects:
            begins[accepts] += math.exp(logprob)
    total = begins[True] + begins[False]
    return min(1.0, begins[True] / total) if total > 0 else None


def _verdict_place(tokens: Sequence[TokenLogprobs], output: Output) -> int | None:
    """Index of the token that holds the first letter of the verdict's word: the value of the last `"field":`."""
    text = "".join(token.token for token in tokens)
    key = text.rfind(f'"{output.field}"')
    if key < 0:
        return None
    colon = text.find(":", key)
    letter = next((i for i in range(colon + 1, len(text)) if text[i].isalpha()), None) if colon >= 0 else None
    if letter is None:
        return None
    end = 0
    for index, token in enumerate(tokens):
        end += len(token.token)
        if letter < end:
            return index
    return None
