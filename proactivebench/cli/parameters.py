"""What options and arguments are made of here, on top of click."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from proactivebench.cli.once import Option

Call = TypeVar("Call", bound=Callable[..., Any])
Word = TypeVar("Word", bound=StrEnum)

PATH = click.Path(path_type=Path)


def option(*names: str, **attributes: Any) -> Callable[[Call], Call]:
    """`click.option`, for options that are given once (see `Option`). The help shows every default but an empty one."""
    if attributes.get("default") == "":
        attributes["show_default"] = False
    return click.option(*names, cls=Option, **attributes)


def switch(*names: str, **attributes: Any) -> Callable[[Call], Call]:
    """An option without a value: off unless it is given, or its `default` is on."""
    return option(*names, is_flag=True, **attributes)


class Group(click.Group):
    """A verb with verbs below it, which its help lists in the order they are written in."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The names of the verbs below."""
        return list(self.commands)


class Whole(click.IntRange):
    """A whole number within limits."""

    name = "integer"


class Number(click.FloatRange):
    """A number within limits; what is no number, or endless, is within none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises `click.BadParameter`."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class Words(click.Choice[str], Generic[Word]):
    """One of an enumeration's values, spelled as it is: dashes and underscores differ here."""

    def __init__(self, kind: type[Word]) -> None:
        super().__init__([word.value for word in kind])
        self.kind = kind

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:  # noqa: ARG002 - as click calls it
        """The word as it stands."""
        return str(choice)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Word:
        """The member of the enumeration. Raises `click.BadParameter`."""
        return self.kind(super().convert(value, param, ctx))
