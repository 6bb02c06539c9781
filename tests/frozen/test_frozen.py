"""Hashes and the sample's numbers hold, whatever moves around them. `python -m tests.frozen` writes them again."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.frozen import EXPECTED, frozen, hashes


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return frozen(tmp_path_factory.mktemp("frozen"))


def differences(was: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where what was frozen is another now; what is new beside it is no difference."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key, value in was.items():
            if key in now:
                yield from differences(value, now[key], f"{path}/{key}")
            elif value:
                yield f"{path}/{key}: gone"
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from differences(one, other, f"{path}/{place}")
    elif isinstance(was, float) and isinstance(now, int | float):
        if not math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{path}: {was} then, {now} now"
    elif was != now:
        yield f"{path}: {was} then, {now} now"


def test_hashes_of_data_protocols_questions_and_judges_are_what_they_were(expected):
    assert list(differences(expected["hashes"], json.loads(json.dumps(hashes())))) == []


def test_what_agents_answered_is_read_as_it_was(expected, found):
    assert list(differences(expected["answers"], found["answers"])) == []


def test_agents_are_sent_what_they_were_sent(expected, found):
    assert list(differences(expected["conversations"], found["conversations"])) == []


@pytest.mark.parametrize("agent", ["never", "always", "oracle", "scripted", "replay"])
def test_the_report_of_an_agent_has_the_values_counts_and_intervals_it_had(expected, found, agent):
    assert list(differences(expected["reports"][agent], found["reports"][agent])) == []


def test_a_replay_of_a_run_has_the_numbers_of_the_run(found):
    replayed, run = found["reports"]["replay"]["judges"], found["reports"]["scripted"]["judges"]
    (shared,) = replayed.keys() & run.keys()
    assert set(replayed[shared]["outcomes"]) == set(run[shared]["outcomes"])


@pytest.mark.parametrize(
    ("was", "now", "where"),
    [
        ({"a": 1.0}, {"a": 1.1, "b": 2}, ["/a: 1.0 then, 1.1 now"]),
        ({"a": {"b": [1.0, None]}}, {"a": {"b": [1.0, 0.5]}}, ["/a/b/1: None then, 0.5 now"]),
        ({"a": "x"}, {}, ["/a: gone"]),
        ({"a": 0.1 + 0.2}, {"a": 0.3, "new": 1}, []),
    ],
)
def test_a_difference_is_found_and_an_addition_is_none(was, now, where):
    assert list(differences(was, now)) == where
