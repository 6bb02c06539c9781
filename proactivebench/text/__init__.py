"""What others wrote, read within bounds: JSON in prose, reasoning tags, words, foreign JSON; secrets redacted."""

from proactivebench.text.lines import BadLine, load_strict, read_lines, write_lines
from proactivebench.text.loading import NotReadable, load_json, no_constant, once
from proactivebench.text.objects import Found, Pairs, broken, find_objects, outside, says_more, too_deep
from proactivebench.text.reasoning import split_reasoning
from proactivebench.text.redaction import own_kinds, redact, redacted
from proactivebench.text.words import has_letter, normalised, words

__all__ = [
    "BadLine",
    "Found",
    "NotReadable",
    "Pairs",
    "broken",
    "find_objects",
    "has_letter",
    "load_json",
    "load_strict",
    "no_constant",
    "normalised",
    "once",
    "outside",
    "own_kinds",
    "read_lines",
    "redact",
    "redacted",
    "says_more",
    "split_reasoning",
    "too_deep",
    "words",
    "write_lines",
]
