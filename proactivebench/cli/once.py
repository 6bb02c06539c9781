"""An option that takes one value is given once: of two values the later would win without a word.

Patience is no part of what is asked: of a limit on time, retries or requests in flight the later value holds, as a
script that adds its own to a shared command expects, and a note says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from proactivebench.errors import BadArgument, UsageError

_LONGEST = 60
_PATIENCE = ("concurrency", "timeout", "max_retries")
_COLLECTED = {"store": "append", "store_const": "append_const"}  # what the parser is told to do instead


class Option(click.Option):
    """An option that refuses a second value, unless it is one that may be repeated (`multiple`, `count`). A switch may
    be given twice, but not both ways. Raises `UsageError`."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser gather all values that are given."""
        super().add_to_parser(parser if self.multiple or self.count else _Collecting(parser), ctx)  # type: ignore[arg-type]

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Take the one value there is from what was gathered."""
        name = self.name or ""
        found = opts.get(name)
        if isinstance(found, list) and not self.multiple:
            if not ctx.resilient_parsing:
                self._refuse_second(found)
            opts = {**opts, name: found[-1]}
        return super().handle_parse_result(ctx, opts, args)

    def _refuse_second(self, found: Sequence[Any]) -> None:
        if len(found) == 1 or (self.is_flag and len(set(found)) == 1):
            return
        if self.name in _PATIENCE:
            print(f"note: {self.opts[0]} is given {len(found)} times: the last, {found[-1]}, holds", file=sys.stderr)
        elif self.is_flag:
            raise said_twice("/".join((*self.opts, *self.secondary_opts)), ["on" if on else "off" for on in found])
        else:
            raise said_twice("/".join(self.opts), found)


def said_twice(option: str, values: Sequence[Any], name: str = "") -> UsageError:
    """The refusal, naming the option and what was given for it (for its argument `name`, if any); never a secret."""
    shown = ", ".join(_shown(value, name) for value in values)
    return BadArgument(f"{option} is given {len(values)} times ({shown}), and it takes one value: leave one")


class _Collecting:
    """A parser whose options append where they would overwrite."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser

    def add_option(self, *args: Any, action: str | None = None, **rest: Any) -> None:
        """As the parser's own."""
        add: Callable[..., None] = self.parser.add_option
        add(*args, action=_COLLECTED.get(action or "store", action), **rest)


def _shown(value: Any, name: str) -> str:
    from proactivebench.models.secrets import refuse_secrets

    text = str(value)
    try:
        refuse_secrets({name: text})
        for part in text.strip("{} ").split(","):
            inner, _, given = part.replace(":", "=", 1).partition("=") if "=" not in part else part.partition("=")
            refuse_secrets({inner.strip(' "'): given.strip(' "')})
    except UsageError:
        return "(hidden)"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
