import asyncio
import time

import pytest

from proactivebench.errors import DataError
from proactivebench.judging import create_judge
from proactivebench.judging.lexical import LexicalJudge
from proactivebench.judging.lexical.features import proposal_features, silence_features
from proactivebench.judging.lexical.weights import OTHER, feature_names, read_weights
from proactivebench.records import Event
from proactivebench.resources import shipped
from tests.judging.scripted import item, trace

WEIGHTS = shipped("judges", "lexical", "weights.json")


def test_the_weights_are_small_and_hold_a_set_for_each_left_out_trace_and_one_for_other_data() -> None:
    weights = read_weights(WEIGHTS)
    assert len(weights.sets) == 17
    assert OTHER in weights.sets
    assert WEIGHTS.stat().st_size < 200_000


def test_features_are_as_many_as_their_documented_names() -> None:
    events = [Event(time="x", event="The user types code.")]
    assert len(silence_features(events)) == len(feature_names()["silences"])
    assert len(proposal_features(events, "Write tests")) == len(feature_names()["proposals"])


@pytest.mark.parametrize("text", ["", " ", "\x00", "🙂" * 10, "整理文件", "x" * 100_000, "''", "{{{"])
def test_any_text_gets_a_verdict_with_a_probability(text: str) -> None:
    judge = create_judge("lexical")
    for said in asyncio.run(judge.judge([item(text), item(text, on=trace(text, text), turn=1), item(None)])):
        assert said.status in ("accepted", "rejected")
        assert 0 <= said.probability <= 1


def test_a_verdict_takes_less_than_a_millisecond() -> None:
    judge = create_judge("lexical")
    on = trace(*(f"The user edits chapter {n} of the report and saves it." for n in range(20)))
    items = [item(f"Summarise chapter {n % 20} of the report", on=on, turn=n % 20) for n in range(500)]
    began = time.process_time()
    asyncio.run(judge.judge(items))
    assert (time.process_time() - began) / 500 < 0.001


def test_it_rewards_parroting_and_the_tests_say_so() -> None:
    """A documented limit: overlap with the last event is what this baseline sees."""
    event = "The user searches for the error message of the database driver in the browser."
    parrot, unrelated = asyncio.run(
        create_judge("lexical").judge([item(event, on=trace(event)), item("Order a pizza", on=trace(event))])
    )
    assert parrot.probability > unrelated.probability


def test_wrong_weights_are_one_clear_line(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for content in ("", "{}", WEIGHTS.read_text().replace("in_last", "elsewhere")):
        path = tmp_path / "w.json"
        path.write_text(content)
        with pytest.raises(DataError, match="judges train lexical"):
            read_weights(path)


def test_a_trace_that_is_not_of_the_release_uses_the_set_for_other_data() -> None:
    judge = create_judge("lexical")
    member = judge._proposals[0]  # type: ignore[attr-defined]
    assert isinstance(member, LexicalJudge)
    assert member.heads(trace("The user waters the plants.")) == member.weights.sets[OTHER]
