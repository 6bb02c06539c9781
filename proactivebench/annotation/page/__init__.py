"""The annotators' page: one front end, served by the local server or sent as one file.

page.html      the page, all its parts in it
style.css      its look, on the colours of the board's pages (`leaderboard/templates/tokens.css`)
timeline.js    times, gaps and the events so far
backends.js    where answers go: to the local server, or into the browser
words.js       the page's texts in the reader's language, and what a browser remembers
drawing.js     what is on the screen
app.js         the way through the items, and the keys
texts/XX.json  the page's own texts in one language; a job may bring more, as texts.XX.json in its folder
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from proactivebench.errors import DataError
from proactivebench.resources import shipped
from proactivebench.store import first_problem

if TYPE_CHECKING:
    from jinja2 import Template

SCRIPTS = ("timeline.js", "backends.js", "words.js", "drawing.js", "app.js")
_FOLDER = Path(__file__).parent
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_MOST_BYTES = 100_000  # of a language's file
_TEXTS = TypeAdapter(dict[str, str])


class Page(NamedTuple):
    """A page and the content security policy under which it runs."""

    html: str
    policy: str


def render(language: str, texts: Mapping[str, Mapping[str, str]], mail: Mapping[str, Any] | None = None) -> Page:
    """The annotators' page.

    Args:
        language: The one it begins in, where the reader has chosen none.
        texts: Its own texts by language (see `texts_of`).
        mail: All that a mailed page asks (see `annotation.mailing`); None for the page of the local server, which asks
            the server.
    """
    from proactivebench.web.guard import policy, policy_of_a_file

    script, style = _script(), _style()
    allowed = (policy if mail is None else policy_of_a_file)([script], [style])
    html = _template().render(
        language=language,
        title="Annotation",
        policy="" if mail is None else allowed,
        style=style,
        code=script,
        data={"texts": texts, "mail": mail},
    )
    return Page(html, allowed)


def texts_of(job: Path) -> dict[str, dict[str, str]]:
    """The page's texts by language, English first: those that are shipped, then `texts.XX.json` of the job's folder.

    Raises `DataError` naming a file of the job that is no such thing, or the first text that it lacks.
    """
    found = {language: dict(texts) for language, texts in shipped_texts().items()}
    for file in sorted(job.glob("texts.*.json")):
        language = file.name.split(".")[1]
        if not _LANGUAGE.match(language):
            raise DataError(f"{file}: {language!r} is no language: name it as in texts.de.json")
        found[language] = _own(file, found["en"])
    return found


@cache
def shipped_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts that come with the page, by language, English first."""
    files = sorted((_FOLDER / "texts").glob("*.json"), key=lambda file: (file.stem != "en", file.stem))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def _own(file: Path, english: Mapping[str, str]) -> dict[str, str]:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise DataError(f"{file} is no texts of a page: it has more than {_MOST_BYTES:,} bytes")
        texts = _TEXTS.validate_json(content)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{file} is no texts of a page, an object of texts: {first_problem(error)}") from None
    for key in english:
        if key not in texts:
            raise DataError(f"{file} has no {key!r}: give it every text that texts/en.json of the package has")
        if _places(texts[key]) != _places(english[key]):
            wanted = ", ".join(sorted(_places(english[key]))) or "none"
            raise DataError(f"{file}: {key!r} has other {{places}} than in English: {wanted}")
    return {key: texts[key] for key in english}


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@cache
def _script() -> str:
    parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '"use strict";\n' + "\n".join(parts)


@cache
def _style() -> str:
    colours = shipped("leaderboard", "templates", "tokens.css").read_text(encoding="utf-8")
    return colours + (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_FOLDER / "page.html").read_text(encoding="utf-8"))
