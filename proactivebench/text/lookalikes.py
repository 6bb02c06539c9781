"""Letters that look like other letters, and characters that look like nothing: told, and folded away."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from proactivebench.text.words import normalised

# Letters of other scripts, in lower case, that pass for a Latin one in most fonts. Letters that only remind of one
# (Cyrillic г, Greek λ, μ or Ω, which stand in units and terms) are not among them.
_OTHER_SCRIPTS = {
    "a": "аα\u13aa\ua4ee",
    "b": "вь\u13f4\ua4d0",
    "c": "сϲ\u13df\ua4da",
    "d": "ԁ\u13a0\ua4d3",
    "e": "еҽ\u13ac\ua4f0",
    "f": "ғ\u0584\ua4dd",
    "g": "ց\u0581\u13c0\ua4d6",
    "h": "һнհ\u13bb\ua4e7",
    "i": "іιӏ\u13a5\ua4f2",
    "j": "јϳ\u13ab\ua4d9",
    "k": "кκ\u13e6\ua4d7",
    "l": "\u13de\ua4e1",
    "m": "м\u13b7\ua4df",
    "n": "ոη\ua4e0",
    "o": "оοօ\ua4f3",
    "p": "рρ\u13e2\ua4d1",
    "q": "ԛզ",
    "r": "\u13a1\ua4e3",
    "s": "ѕ\u13da\ua4e2",
    "t": "тτ\u13a2\ua4d4",
    "u": "υս\ua4f4",
    "v": "ѵν\u13d9\ua4e6",
    "w": "ԝա\u13b3\ua4ea",
    "x": "хχ\ua4eb",
    "y": "уүγ\u13bd\ua4ec",
    "z": "\u13c3\ua4dc",
}
# Latin letters of phonetics and small capitals, and letters with a stroke that no decomposition takes off.
_ODD_LATIN = {
    "a": "\u0251\u1d00",
    "b": "\u0299\u0180",
    "c": "\u1d04",
    "d": "\u1d05đð",
    "e": "\u1d07",
    "f": "\ua730",
    "g": "\u0261\u0262ǥ",
    "h": "\u029cħ",
    "i": "\u0131\u0269\u026a",
    "j": "\u1d0a\u0237",
    "k": "\u1d0b",
    "l": "\u029fł",
    "m": "\u1d0d",
    "n": "\u0274",
    "o": "\u1d0fø",
    "p": "\u1d18",
    "r": "\u0280",
    "s": "\ua731",
    "t": "\u1d1bŧ",
    "u": "\u1d1c",
    "v": "\u1d20",
    "w": "\u1d21",
    "y": "\u028f",
    "z": "\u1d22ƶ",
}
_FOREIGN = {ord(letter.casefold()): latin for latin, letters in _OTHER_SCRIPTS.items() for letter in letters}
_TWINS = {ord(letter): latin for latin, letters in _ODD_LATIN.items() for letter in letters}
_DIGITS = {ord(digit): letter for digit, letter in zip("01l", "oii", strict=True)}
_FOLD: dict[int, str | None] = {**dict.fromkeys(range(0x300, 0x370)), **_FOREIGN, **_TWINS, **_DIGITS}
_ODD_LETTERS = _TWINS.keys() - set(map(ord, "đðħłøŧƶǥ"))  # these are letters of living languages, and look it

_NOT_LETTER = re.compile("[\\W_\u02b0-\u02ff\u115f\u1160]+")  # and letters that look like none
_WORD = re.compile(r"[^\W\d_]+")
# Shown as nothing or as a blank, whatever their category says: fillers, joiners, variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\ufffc\U0001d159\U000e0100-\U000e01ef]"
)
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d\ufe0f"  # they shape letters of some scripts, and pictures
_JOINED = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})
_MOST_MARKS = 4  # in a row, in any script that is written
_ORDINALS = "ªº"


def folded(text: str) -> str:
    """The letters and digits of `text` without case, accents and signs, each in the Latin letter it passes for: equal
    for texts that a reader takes for the same."""
    if not text.isascii():
        text = unicodedata.normalize("NFD", normalised(text).casefold())
    return _NOT_LETTER.sub("", text.casefold().translate(_FOLD))


def unseen(text: str, allowed: str = "") -> str | None:
    """The first character of `text` that a reader cannot see or that piles up on another, as U+XXXX; None where there
    is none. Joiners between letters or pictures that need them are no fault; neither is what is `allowed`."""
    if text.isascii() and text.isprintable():
        return None
    marks = 0
    for place, letter in enumerate(text):
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if letter in allowed:
            continue
        if letter in _JOINERS and place and _joins(text[place - 1]):
            continue
        if category in _CATEGORIES or letter == "\ufe0f" or _UNSEEN.match(letter) or marks > _MOST_MARKS:
            return f"U+{ord(letter):04X}"
    return None


def disguised(text: str, *, strict: bool = False) -> str | None:
    """The first word of `text` whose letters pass for others: Latin letters mixed with letters of another script that
    look Latin, or Latin letters in a mathematical or wide form. `strict`: words wholly in such letters as well, and
    those with letters of phonetics. None where there is none."""
    if text.isascii():
        return None
    return next((word for word in _WORD.findall(text) if not word.isascii() and _is_disguise(word, strict)), None)


def _joins(before: str) -> bool:
    return unicodedata.category(before) in _JOINED or before in _JOINERS or before in "#*0123456789"


@lru_cache(maxsize=4096)
def _is_disguise(word: str, strict: bool) -> bool:
    plain = sum(letter.isascii() for letter in word)
    passing = sum(ord(letter.casefold()[0]) in _FOREIGN for letter in word)
    if any(_is_form(letter) for letter in word) or (passing and _has_latin(word)):
        return True
    return strict and (plain + passing == len(word) or any(ord(letter) in _ODD_LETTERS for letter in word))


def _has_latin(word: str) -> bool:
    return any(unicodedata.name(letter, "").startswith("LATIN ") for letter in word)


def _is_form(letter: str) -> bool:
    """Whether a letter is another in a mathematical, wide or raised form."""
    if letter.isascii() or letter in _ORDINALS or not letter.isalpha():
        return False
    plain = unicodedata.normalize("NFKC", letter)
    return len(plain) == 1 and plain.isascii() and plain.isalnum()
