"""What a task is told besides lm-eval's own options: `pb_…` entries of its metadata (task file or `--metadata`), and
the environment, which wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from proactivebench.errors import BadArgument, UnknownName
from proactivebench.judging import default_spec
from proactivebench.preparation import Settings, with_preset
from proactivebench.traces import load_task

ENVIRONMENT = {
    "PROACTIVEBENCH_JUDGE": "pb_judge",
    "PROACTIVEBENCH_JUDGE_MODEL": "pb_judge_model",
    "PROACTIVEBENCH_JUDGE_MODEL_ARGS": "pb_judge_model_args",
    "PROACTIVEBENCH_JUDGE_GEN_KWARGS": "pb_judge_gen_kwargs",
}
RUN_FOLDER = "PROACTIVEBENCH_RUN"

_NUMBERS = {"pb_candidates", "pb_feedback_rounds", "pb_judge_repeats", "pb_seed"}
_WORDS = {
    "pb_task", "pb_preset", "pb_protocol", "pb_history", "pb_feedback_judge", "pb_judge", "pb_judge_model",
    "pb_judge_model_args", "pb_judge_gen_kwargs",
}  # fmt: skip
_LM_EVALS_OWN = {"version", "config_source", "config", "preset"}


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a run under lm-eval, its judges by spec, and what else stood in the metadata: the model's
    arguments, which lm-eval puts there."""

    settings: Settings
    judges: tuple[str | None, ...]
    model_args: dict[str, str]


def read_options(metadata: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
    """Options from a task's metadata and the environment. Several judges are separated by `;`.

    Raises `UsageError` for `pb_` words that do not exist, numbers that are none, and where no data is named.
    """
    given = {key: value for key, value in metadata.items() if key.startswith("pb_") and value not in (None, "")}
    if metadata.get("preset"):
        given.setdefault("pb_preset", metadata["preset"])
    given |= {key: environment[name] for name, key in ENVIRONMENT.items() if environment.get(name)}
    if unknown := sorted(given.keys() - _NUMBERS - _WORDS):
        raise UnknownName(
            f"{unknown[0]}: no such entry in the task's metadata; there are {', '.join(sorted(_WORDS | _NUMBERS))}"
        )
    words = {key: str(value) for key, value in given.items() if key in _WORDS}
    numbers = {key: _number(key, value) for key, value in given.items() if key in _NUMBERS}
    if not words.keys() & {"pb_task", "pb_preset"}:
        raise BadArgument("the task's metadata names no data: give pb_task, in the words of --tasks")
    judges = tuple(spec.strip() for spec in words.get("pb_judge", "").split(";") if spec.strip())
    settings = with_preset(
        Settings(
            model="never",  # stands in for lm-eval's model until there is one
            tasks=words.get("pb_task"),
            preset=words.get("pb_preset"),
            predict_only=True,  # judged afterwards, by the filters
            judge_model=words.get("pb_judge_model"),
            judge_model_args=_arguments(words, "pb_judge_model_args"),
            judge_gen_kwargs=_arguments(words, "pb_judge_gen_kwargs"),
            judge_repeats=numbers.get("pb_judge_repeats", 1),
            protocol=words.get("pb_protocol"),
            judge=words.get("pb_judge") if "pb_preset" in words else None,
            history=words.get("pb_history"),
            candidates=numbers.get("pb_candidates"),
            feedback_rounds=numbers.get("pb_feedback_rounds"),
            feedback_judge=words.get("pb_feedback_judge"),
            seed=numbers.get("pb_seed", 0),
        )
    )
    if settings.preset and settings.judge:
        judges = (settings.judge,)
    rest = {
        key: str(value) for key, value in metadata.items() if not key.startswith("pb_") and key not in _LM_EVALS_OWN
    }
    return Options(_with_adviser(settings, judges), judges or (None,), rest)


def _with_adviser(settings: Settings, judges: tuple[str, ...]) -> Settings:
    """Feedback rounds without a judge of their own are advised by the first that scores."""
    if not settings.feedback_rounds or settings.feedback_judge or settings.tasks is None:
        return settings
    return replace(settings, feedback_judge=judges[0] if judges else default_spec(load_task(settings.tasks)))


def _number(key: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadArgument(f"{key}={value}: not a whole number") from None


def _arguments(words: Mapping[str, str], key: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in words.get(key, "").split(",") if pair.strip()]
    if bad := [name for name, equals, _ in pairs if not equals]:
        raise BadArgument(f"{key}: '{bad[0]}' has no value; write name=value,name=value")
    return {name.strip(): value for name, _, value in pairs}
