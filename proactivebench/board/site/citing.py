"""How to cite a board: what CITATION.cff says of the software and the paper, and which state of the board was seen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import yaml

from proactivebench.records import digest
from proactivebench.resources import shipped

_SHORT = 12  # hex digits of a revision


@dataclass(frozen=True, slots=True)
class Citing:
    """A state of a board: `revision` is a hash over what it shows, `date` the day it was built (UTC, YYYY-MM-DD).
    `sentence` is for a text, `bibtex` for a bibliography, the paper in both."""

    revision: str
    date: str
    sentence: str
    bibtex: str


def citing(digests: Iterable[str]) -> Citing:
    """How to cite a board of entries with these digests, built now (or at SOURCE_DATE_EPOCH, in seconds since 1970)."""
    known = sorted(digests)
    revision, date = digest(known)[:_SHORT], _today()
    software = _software()
    entries = f"{len(known)} {'entry' if len(known) == 1 else 'entries'}"
    paper = software["references"][0]
    arxiv = paper["identifiers"][0]["value"]
    sentence = (
        f"{_names(software['authors'])} ProactiveBench board, revision {revision} of {date} ({entries}); "
        f"made with {software['title']} {software['version']}. "
        f"Benchmark: {_names(paper['authors'])} {paper['title']}. {paper['year']}. {arxiv}."
    )
    board = {
        "author": f"{{{_bibtex_names(software['authors'])}}}",
        "title": "{ProactiveBench} board",
        "year": date[:4],
        "note": f"Revision {revision} of {date}, {entries}; made with {software['title']} {software['version']}",
    }
    article = {
        "author": _bibtex_names(paper["authors"]),
        "title": paper["title"],
        "year": str(paper["year"]),
        "eprint": arxiv.removeprefix("arXiv:"),
        "archiveprefix": "arXiv",
        "url": paper["url"],
    }
    bibtex = _bibtex("misc", f"proactivebench-board-{revision}", board) + "\n"
    return Citing(revision, date, sentence, bibtex + _bibtex("article", "proactive-agent-2024", article))


@cache
def _software() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(shipped("CITATION.cff").read_text(encoding="utf-8"))
    return found


def _today() -> str:
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(stated), UTC) if stated.isdecimal() else datetime.now(UTC)
    return now.date().isoformat()


def _names(authors: Sequence[Mapping[str, str]]) -> str:
    whole = [each.get("name") or f"{each['given-names']} {each['family-names']}" for each in authors]
    return f"{whole[0]} et al." if len(whole) > 2 else f"{' and '.join(whole)}."


def _bibtex_names(authors: Sequence[Mapping[str, str]]) -> str:
    return " and ".join(each.get("name") or f"{each['family-names']}, {each['given-names']}" for each in authors)


def _bibtex(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}}}\n"
