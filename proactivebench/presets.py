"""Presets: a whole measure under one word, for whoever wants exactly the figures of a publication."""

from __future__ import annotations

from dataclasses import dataclass

from proactivebench.errors import BadArgument, UnknownName
from proactivebench.naming import did_you_mean


@dataclass(frozen=True, slots=True)
class Preset:
    """What a word stands for: the task unless another is named, and what it fixes. `temperature` is the protocol's own;
    another one given is a deviation that is said. `metrics` are the published figures in their order, under the words
    they were published with."""

    name: str
    tasks: str
    protocol: str
    judge: str
    temperature: float
    metrics: tuple[tuple[str, str], ...]
    metric: str


PAPER = Preset(
    name="paper",
    tasks="proactivebench_published",
    protocol="paper",
    judge="reward-model",
    temperature=0.0,
    metrics=(
        ("recall", "Recall"),
        ("precision", "Precision"),
        ("accuracy", "Accuracy"),
        ("false_discovery_rate", "False-Alarm"),
        ("f1", "F1"),
    ),
    metric="f1",
)
PRESETS = {preset.name: preset for preset in (PAPER,)}


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises `UsageError` with the known ones."""
    if name not in PRESETS:
        raise UnknownName(f"no preset '{name}': {did_you_mean(name, list(PRESETS))}there is {', '.join(PRESETS)}")
    return PRESETS[name]


def fixed(preset: Preset, option: str, given: str | None, value: str) -> str:
    """The value of an option that a preset fixes. Raises `UsageError` where another was given."""
    if given not in (None, "", value):
        raise BadArgument(f"--preset {preset.name} fixes {option} {value}, and {given} is given: leave one of the two")
    return value


def judge_of(preset: str | None, judge: str | None) -> str | None:
    """The judge that stored runs are read under: the preset's, where one is named. Raises `UsageError` for another."""
    if preset is None:
        return judge
    found = preset_named(preset)
    return fixed(found, "--judge", judge, found.judge)
