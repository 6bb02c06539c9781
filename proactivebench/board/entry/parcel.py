"""What goes to a board in one go: an entry, or a judge's verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to a board: `files` by their names in `folder`, below the board's root; `first` is the file that tells
    one parcel from another, and `otherwise` what to do where another one of that name lies there."""

    title: str
    folder: str
    first: str
    files: Mapping[str, bytes]
    otherwise: str

    @property
    def message(self) -> str:
        """The title as a sentence begins: ids keep their letters."""
        return f"{self.title[:1].upper()}{self.title[1:]}"

    @property
    def branch(self) -> str:
        """The branch of a git repository it travels on."""
        return self.title.replace(" ", "/", 1)
