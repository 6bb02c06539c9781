"""An option that takes one value is given once: of two values the later would win without a word.

Patience is no part of what is asked: of a limit on time, retries or requests in flight the later value holds, as a
script that adds its own to a shared command expects, and a note says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proactivebench.errors import BadArgument, UsageError

_LONGEST = 60
_PATIENCE = ("concurrency", "timeout", "max_retries")
_COLLECTED = {"store": "append", "store_const": "append_const"}  # what the parser is told to do instead


def refuse_repeats(command: Any) -> None:
    """Make `command`, and every command below it, raise `UsageError` for an option of one value that is given twice,
    or a switch that is given both ways. Options that may be repeated stay as they are."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.multiple and not parameter.count:
            _collect(parameter)
    for below in getattr(command, "commands", {}).values():
        refuse_repeats(below)


def said_twice(option: str, values: Sequence[Any], name: str = "") -> UsageError:
    """The refusal, naming the option and what was given for it (for its argument `name`, if any); never a secret."""
    shown = ", ".join(_shown(value, name) for value in values)
    return BadArgument(f"{option} is given {len(values)} times ({shown}), and it takes one value: leave one")


def _collect(option: Any) -> None:
    """Let the parser gather all values of `option`, and take the one there is from what it gathered."""
    add, handle = option.add_to_parser, option.handle_parse_result

    def add_to_parser(parser: Any, ctx: Any) -> None:
        add(_Collecting(parser), ctx)

    def handle_parse_result(ctx: Any, opts: Mapping[str, Any], args: list[str]) -> Any:
        found = opts.get(option.name)
        if isinstance(found, list):
            switch = option.is_flag and len(set(map(str, found))) == 1
            if len(found) > 1 and option.name in _PATIENCE:
                print(
                    f"note: {option.opts[0]} is given {len(found)} times: the last, {found[-1]}, holds", file=sys.stderr
                )
            elif len(found) > 1 and not switch and not ctx.resilient_parsing:
                names = (*option.opts, *option.secondary_opts) if option.is_flag else option.opts
                values = ["on" if value else "off" for value in found] if option.is_flag else found
                raise said_twice("/".join(names), values)
            opts = {**opts, option.name: found[-1]}
        return handle(ctx, opts, args)

    option.add_to_parser, option.handle_parse_result = add_to_parser, handle_parse_result


class _Collecting:
    """A parser whose options append where they would overwrite."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser

    def add_option(self, *args: Any, action: str | None = None, **rest: Any) -> None:
        """As the parser's own."""
        add: Callable[..., None] = self.parser.add_option
        add(*args, action=_COLLECTED.get(action or "store", action), **rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parser, name)


def _shown(value: Any, name: str) -> str:
    from proactivebench.agents.secrets import refuse_secrets

    text = str(value)
    try:
        refuse_secrets({name: text})
        for part in text.strip("{} ").split(","):
            inner, _, given = part.replace(":", "=", 1).partition("=") if "=" not in part else part.partition("=")
            refuse_secrets({inner.strip(' "'): given.strip(' "')})
    except UsageError:
        return "(hidden)"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
