"""JSONL traces: every fault is one line that names file, line and field."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench.errors import DataError, UsageError
from proactivebench.traces import load_task
from proactivebench.traces.jsonl import parse_traces

GOOD = {"trace_id": "a", "split": "coding", "events": [{"time": "1", "event": "The user waits."}]}


def _line(**changes):
    return json.dumps({**GOOD, **changes})


def _fault(text):
    with pytest.raises(DataError) as caught:
        parse_traces(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), "t.jsonl")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_good_file_gives_its_traces_in_order():
    text = "\n".join([_line(trace_id="b"), "", _line(trace_id="a"), ""])
    assert [trace.trace_id for trace in parse_traces(text.encode(), "t.jsonl")] == ["b", "a"]


def test_labels_may_be_missing_whole_or_at_single_moments():
    labels = [None]
    trace, other = parse_traces(f"{_line(labels=labels)}\n{_line(trace_id='b')}".encode(), "t.jsonl")
    assert trace.labels == (None,)
    assert other.labels is None


def test_votes_and_both_needs_are_kept():
    label = {"need": False, "need_majority": True, "tasks": [{"task": "Help", "votes": [True, True, False]}]}
    (trace,) = parse_traces(_line(labels=[label]).encode(), "t.jsonl")
    assert trace.labels[0].model_dump(mode="json") == label


@pytest.mark.parametrize(
    ("time", "kept"), [(12, "12"), (1717377997.5, "1717377997.5"), ("Day 1, 11 PM", "Day 1, 11 PM")]
)
def test_times_are_text_and_numbers_are_taken_as_written(time, kept):
    (trace,) = parse_traces(_line(events=[{"time": time, "event": "x"}]).encode(), "t.jsonl")
    assert trace.events[0].time == kept


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trace_id": ""}, "trace_id"),
        ({"trace_id": 7}, "trace_id"),
        ({"split": None}, "split"),
        ({"events": []}, "events"),
        ({"events": "none"}, "events"),
        ({"events": [{"time": "1"}]}, "events[0].event"),
        ({"events": [{"time": True, "event": "x"}]}, "events[0].time"),
        ({"events": [{"time": "1", "event": "x", "app": "y"}]}, "events[0].app"),
        ({"colour": "red"}, "colour"),
        ({"labels": [{"need": "yes"}]}, "labels[0].need"),
        ({"labels": [{"need": 1}]}, "labels[0].need"),
        ({"labels": [{"need": True, "tasks": [{"task": "t", "votes": []}]}]}, "labels[0].tasks[0].votes"),
        ({"labels": [{"need": True, "tasks": [{"task": "t", "votes": [0]}]}]}, "labels[0].tasks[0].votes[0]"),
    ],
)
def test_a_faulty_field_is_named_with_file_and_line(changes, field):
    message = _fault("\n" + _line(**changes))
    assert message.startswith(f"t.jsonl:2: {field}: ")


def test_labels_must_be_as_many_as_events():
    assert "2 labels, 1 events" in _fault(_line(labels=[None, None]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no trace"),
        ("\n \n", "holds no trace"),
        ("{", "not JSON"),
        ("[1]", "t.jsonl is one JSON array"),
        ('"x"', "t.jsonl:1"),
        ("NaN", "NaN is not JSON"),
        ("1" * 5000, "not a number"),
        (_line().replace('"1"', "NaN"), "NaN is not JSON"),
        (_line().replace('"1"', "-Infinity"), "-Infinity is not JSON"),
        (_line()[:-1] + ', "split": "writing"}', "key 'split' is given twice"),
        (_line() + "\n" + _line(split="b"), "was used before, at t.jsonl:1"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_a_file_of_traces_is_told_in_one_line(text, told):
    assert told in _fault(text)


def test_bad_utf8_is_told_with_its_line():
    assert _fault(_line().encode() + b'\n{"trace_id": "\xff"}').startswith("t.jsonl:2: not UTF-8")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    assert len(parse_traces(b"\xef\xbb\xbf" + _line().encode() + b"\r\n", "t.jsonl")) == 1


def test_a_lone_surrogate_is_a_data_error_and_no_crash():
    _fault(_line().replace("The user waits.", "\\ud800"))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content):
    with pytest.raises(DataError):
        parse_traces(content, "t.jsonl")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_value_crashes_the_reader(value):
    with pytest.raises(DataError):
        parse_traces(json.dumps({**GOOD, "labels": value, "extra": 1}).encode(), "t.jsonl")


def test_a_file_becomes_a_task_named_after_it(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(_line(), encoding="utf-8")
    task = load_task(str(path))
    assert (task.name, task.moments, task.unlabelled, task.source) == ("mine", 1, 1, "mine.jsonl")
    assert task.revision.startswith("sha256:")


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path):
    for path in (tmp_path / "no.jsonl", tmp_path):
        with pytest.raises((DataError, UsageError)):
            load_task(str(path))
    (tmp_path / "dir.jsonl").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        load_task(str(tmp_path / "dir.jsonl"))


def test_an_unknown_task_is_answered_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean proactivebench_sample"):
        load_task("proactivebench-sample")


def test_the_example_in_the_documentation_loads():
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    example = text.partition("```json\n")[2].partition("```")[0]
    (trace,) = parse_traces(" ".join(example.split("\n")).encode(), "docs/data.md")
    assert trace.labels[1].need
