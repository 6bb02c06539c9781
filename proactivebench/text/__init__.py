"""What others wrote, read within bounds: JSON in prose, reasoning tags, words, foreign JSON."""

from proactivebench.text.loading import NotReadable, load_json, no_constant, once
from proactivebench.text.objects import Found, Pairs, broken, find_objects, outside, says_more, too_deep
from proactivebench.text.reasoning import split_reasoning
from proactivebench.text.words import has_letter, normalised, words

__all__ = [
    "Found",
    "NotReadable",
    "Pairs",
    "broken",
    "find_objects",
    "has_letter",
    "load_json",
    "no_constant",
    "normalised",
    "once",
    "outside",
    "says_more",
    "split_reasoning",
    "too_deep",
    "words",
]
