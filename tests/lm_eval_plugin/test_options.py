"""Options from a task's metadata and the environment; what the wrapper makes of a command line."""

import pytest

from proactivebench.errors import UsageError
from proactivebench.lm_eval_plugin.columns import CHANCE, columns, higher_is_better
from proactivebench.lm_eval_plugin.options import read_options
from proactivebench.lm_eval_plugin.wrapper import asks_only_for_ours, our_tasks
from proactivebench.scoring.registry import METRICS, split_key


def test_the_environment_wins_over_the_task_file() -> None:
    found = read_options({"pb_task": "t", "pb_judge": "lexical"}, {"PROACTIVEBENCH_JUDGE": "labels+lexical"})
    assert found.judges == ("labels+lexical",)


def test_without_a_judge_the_tasks_default_is_taken() -> None:
    assert read_options({"pb_task": "t"}, {}).judges == (None,)


def test_judges_are_separated_by_semicolons_and_a_route_keeps_its_comma() -> None:
    found = read_options({"pb_task": "t", "pb_judge": "lexical ; silence=labels,proposals=llm;"}, {})
    assert found.judges == ("lexical", "silence=labels,proposals=llm")


def test_what_is_not_ours_in_the_metadata_is_the_models_arguments() -> None:
    found = read_options({"pb_task": "t", "version": 1, "config_source": "/x", "pretrained": "p", "dtype": 32}, {})
    assert found.model_args == {"pretrained": "p", "dtype": "32"}


def test_settings_come_in_their_types() -> None:
    metadata = {"pb_task": "t", "pb_candidates": "3", "pb_seed": 7, "pb_protocol": "standard-confidence"}
    settings = read_options(metadata | {"pb_judge_model_args": "base_url=http://x,model=m"}, {}).settings
    assert (settings.candidates, settings.seed, settings.protocol) == (3, 7, "standard-confidence")
    assert settings.judge_model_args == {"base_url": "http://x", "model": "m"}
    assert read_options(metadata | {"pb_judge_gen_kwargs": "max_gen_toks=9"}, {}).settings.judge_gen_kwargs == {
        "max_gen_toks": "9"
    }


@pytest.mark.parametrize(
    "metadata", [{"pb_candidates": "three"}, {"pb_unknown": 1}, {"pb_judge_model_args": "no-equals-sign"}, {}]
)
def test_what_makes_no_sense_is_refused(metadata: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        read_options({"pb_task": "t"} | metadata if metadata else {}, {})


def test_every_column_is_a_metric_of_the_registry_under_a_name_of_its_own() -> None:
    found = list(columns(("coding", "writing")))
    names = [name for name, _, _ in found]
    assert len(names) == len(set(names))
    assert all(column.startswith(CHANCE) or split_key(key)[0] in METRICS for column, key, _ in found)
    assert set(higher_is_better(("coding",))) <= {"pb_unscored_share", *(name for name, _, _ in columns(("coding",)))}


def test_our_tasks_are_the_shipped_files() -> None:
    assert our_tasks() == {"proactivebench", "proactivebench_paper", "proactivebench_sample", "proactivebench_static"}


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        (["run", "--tasks", "proactivebench_sample", "--model", "hf"], True),
        (["run", "--tasks=proactivebench,proactivebench_static"], True),
        (["run", "-t", "proactivebench", "proactivebench_sample", "--limit", "2"], True),
        (["run", "--tasks", "proactivebench,gsm8k"], False),
        (["run", "--model", "proactivebench"], False),
        (["ls", "tasks"], False),
    ],
)
def test_the_scan_is_left_out_only_where_every_task_is_ours(arguments: list[str], ours: bool) -> None:
    assert asks_only_for_ours(arguments) is ours
