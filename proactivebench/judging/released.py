"""The published reward model's prompt, read from the pinned release as string constants; nothing of it is executed."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass

from proactivebench.errors import DataError
from proactivebench.models.base import Message
from proactivebench.records import Moment, digest
from proactivebench.traces import release

_FUNCTION = "format_reward_instruction"


@dataclass(frozen=True, slots=True)
class RewardTemplate:
    """The system prompt and the fields of the user message in order. A field's value is its constant text, or None for
    the two that are filled in: the events first, then the proposal, as the function's parameters stand."""

    system: str
    fields: tuple[tuple[str, str | None], ...]
    events_field: str
    proposal_field: str

    def messages(self, moment: Moment, proposal: str | None) -> tuple[Message, ...]:
        """What the release sends for a proposal (None = silence) at a moment, byte for byte."""
        filled: dict[str, object] = dict(self.fields)
        filled[self.events_field] = [{"time": event.time, "event": event.event} for event in moment.events]
        filled[self.proposal_field] = proposal
        user = json.dumps(filled, ensure_ascii=False, indent=4)
        return Message("system", self.system), Message("user", user)

    @property
    def hash(self) -> str:
        """sha256 over all texts."""
        return digest([self.system, self.fields, self.events_field, self.proposal_field])


def read_reward_template(pins: Mapping[str, str] | None = None) -> RewardTemplate:
    """The template in the pinned file; `pins` replaces the shipped pins, as in `release.read`.

    Raises DataError where the file is missing, altered or of another shape.
    """
    return parse_reward_template(release.read_text(release.JUDGE_PROMPTS, pins))


def parse_reward_template(source: str) -> RewardTemplate:
    """The template in the text of such a file. Raises DataError where it has another shape."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        raise _refusal("it is not Python") from None
    system = next((_text(n.value) for n in tree.body if isinstance(n, ast.Assign) and _names(n) == ["SYSTEM"]), None)
    function = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == _FUNCTION), None)
    if system is None or function is None:
        raise _refusal(f"it has no text SYSTEM or no function {_FUNCTION}")
    parameters = [argument.arg for argument in function.args.args]
    for table in (node for node in ast.walk(function) if isinstance(node, ast.Dict)):
        fields = [(_text(key), _text(value)) for key, value in zip(table.keys, table.values, strict=True)]
        places = [(value.id, place) for place, value in enumerate(table.values) if isinstance(value, ast.Name)]
        constants = sum(value is not None for _, value in fields)
        names = [key for key, _ in fields if key is not None]
        if sorted(name for name, _ in places) != sorted(parameters[:2]) or len(names) != constants + 2:
            continue
        filled = {name: names[place] for name, place in places}
        values = [value for _, value in fields]
        return RewardTemplate(
            system, tuple(zip(names, values, strict=True)), filled[parameters[0]], filled[parameters[1]]
        )
    raise _refusal(f"{_FUNCTION} builds no dict of its two parameters and constant texts")


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _refusal(why: str) -> DataError:
    return DataError(f"{release.JUDGE_PROMPTS}: not the reward model's template: {why}; fetch the pinned file again")
