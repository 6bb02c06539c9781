"""The page of one annotator as one file to mail: it holds what they are asked, keeps what they say in their browser,
and hands it back as a votes file for `annotate collect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proactivebench.annotation.page import render
from proactivebench.annotation.showing import Material, Progress
from proactivebench.records import Annotator
from proactivebench.store import cannot_write, write_whole


def write_page(material: Material, annotator: Annotator, output_path: Path) -> Path:
    """Write the page of one annotator, `NAME.html`, into a folder, and return its path.

    Args:
        material: What the job asks.
        annotator: Whose page it is.
        output_path: The folder; it is made where there is none.

    Raises:
        CannotWrite: The folder or the page cannot be written.
    """
    languages = material.languages
    html = render(languages[0], material.page_texts, mail_of(material, annotator)).html
    with cannot_write(output_path):
        output_path.mkdir(parents=True, exist_ok=True)
    return write_whole(output_path / f"{annotator.pseudonym}.html", html)


def mail_of(material: Material, annotator: Annotator) -> dict[str, Any]:
    """All that the page of one annotator holds: their showings in order, the sessions up to the last event that one of
    them needs, the instructions. Nothing of models, verdicts, runs or other people."""
    progress = Progress(material, annotator)
    sessions: list[list[dict[str, str]]] = []
    places: dict[str, int] = {}
    showings = []
    for index in range(progress.total):
        shown = progress.shown(index)
        place = places.setdefault(shown.item.trace_id, len(sessions))
        if place == len(sessions):
            sessions.append([])
        known = len(sessions[place])
        sessions[place] += [event.model_dump() for event in shown.events[known:]]
        showings.append(
            {
                "item_id": shown.item.item_id,
                "occasion": shown.occasion,
                "practice": shown.item.practice,
                "session": shown.session,
                "trace": place,
                "turn": shown.item.turn,
                "ask_need": shown.item.ask_need,
                "offers": [{"offer_id": offer.offer_id, "text": offer.text} for offer in shown.offers],
                "taught": shown.taught,
            }
        )
    return {
        "mailed": progress.mailed.model_dump(),
        "instructions": material.instructions,
        "instructions_sha256": material.instructions_sha256,
        "sessions": sessions,
        "showings": showings,
    }
