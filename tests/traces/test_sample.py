"""The built-in sample keeps the promises the demonstration rests on."""

from collections import Counter

from proactivebench.traces import load_task, task_structure
from proactivebench.traces.build_index import dump
from proactivebench.traces.index import INDEX, event_hash, read_index

SAMPLE = load_task("proactivebench_sample")
LABELS = [label for trace in SAMPLE.traces for label in trace.labels]


def test_it_has_at_least_twelve_traces_of_about_fifteen_events_in_three_splits():
    assert len(SAMPLE.traces) >= 12
    assert all(13 <= len(trace.events) <= 17 for trace in SAMPLE.traces)
    assert Counter(trace.split for trace in SAMPLE.traces) == {"coding": 5, "writing": 5, "daily_life": 5}


def test_every_moment_is_labelled_and_needs_follow_from_the_votes():
    assert SAMPLE.unlabelled == 0
    for label in LABELS:
        assert label.need == any(all(task.votes) for task in label.tasks)
        assert label.need_majority == any(task.accepted for task in label.tasks)


def test_help_is_mostly_not_needed_and_the_two_rules_differ():
    assert 0.3 <= sum(label.need for label in LABELS) / len(LABELS) <= 0.45
    assert 0.35 <= sum(label.need_majority for label in LABELS) / len(LABELS) < 0.5
    assert any(label.need_majority and not label.need for label in LABELS)


def test_every_moment_has_a_task_and_many_only_rejected_ones():
    assert all(label.tasks and all(len(task.votes) == 3 for task in label.tasks) for label in LABELS)
    assert sum(not any(task.accepted for task in label.tasks) for label in LABELS) > len(LABELS) / 2


def test_need_occurs_in_every_trace_and_never_everywhere():
    for trace in SAMPLE.traces:
        assert 3 <= sum(label.need for label in trace.labels) <= len(trace.events) / 2


def test_times_are_seconds_that_run_forward_over_several_minutes():
    for trace in SAMPLE.traces:
        times = [float(event.time) for event in trace.events]
        assert times == sorted(set(times))
        assert times[-1] - times[0] >= 120


def test_texts_are_not_repeated():
    events = Counter(event.event for trace in SAMPLE.traces for event in trace.events)
    assert max(events.values()) == 1


def test_the_index_describes_the_sample_as_it_is():
    structure = task_structure("proactivebench_sample")
    assert structure.data_hash == SAMPLE.data_hash, "run `python -m proactivebench.traces.build_index`"
    assert [one.events for one in structure.traces] == [tuple(map(event_hash, t.events)) for t in SAMPLE.traces]
    assert dump(read_index()) == INDEX.read_text(encoding="utf-8")
