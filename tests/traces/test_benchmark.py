"""The release as tasks: counts, labels and the shipped index, measured against the real files."""

import hashlib
import io
import json
import zipfile

import pytest

from proactivebench.errors import DataError
from proactivebench.records import Event, Trace
from proactivebench.traces import labelled_items, load_task, release, task_structure, which_release_trace
from proactivebench.traces.benchmark import released_task
from proactivebench.traces.build_index import align, build, dump
from proactivebench.traces.index import INDEX, event_hash
from proactivebench.traces.labels import LabelledItem, moment_labels, sessions


def test_the_shipped_index_is_the_one_rebuilt_from_the_release(mirror):
    assert INDEX.read_text(encoding="utf-8") == dump(build()), "run `python -m proactivebench.traces.build_index`"


def test_every_pinned_file_of_the_mirror_has_the_pinned_content(mirror):
    prompts = {release.AGENT_PROMPTS, release.JUDGE_PROMPTS}
    answers = {name for name in release.pins() if name.startswith(f"{release.UNPACKED}/")}
    assert all(release.is_here(name) for name in set(release.pins()) - prompts - answers - {release.ARCHIVE})
    if release.is_here(release.ARCHIVE):  # packed, else unpacked
        with zipfile.ZipFile(io.BytesIO(release.read(release.ARCHIVE))) as packed:
            assert {name: hashlib.sha256(packed.read(name)).hexdigest() for name in answers} == {
                name: release.pins()[name] for name in answers
            }
    else:
        assert all(release.is_here(name) for name in answers)


def test_the_answers_of_all_fifteen_models_are_pinned_trace_by_trace():
    answers = [name.split("/") for name in release.pins() if name.startswith(f"{release.UNPACKED}/")]
    traces = {trace.trace_id for trace in task_structure("proactivebench").traces}
    models = {model for _, _, model, _ in answers}
    assert len(models) == 15
    assert {(model, file.removesuffix(".json")) for _, _, model, file in answers} == {
        (model, trace) for model in models for trace in traces
    }


def test_the_release_has_233_labelled_moments_in_two_splits(mirror):
    task = load_task("proactivebench")
    assert (len(task.traces), task.moments, task.unlabelled) == (12, 233, 0)
    assert {trace.split for trace in task.traces} == {"coding", "writing"}
    labels = [label for trace in task.traces for label in trace.labels]
    assert sum(label.need for label in labels) == 78
    assert sum(label.need_majority for label in labels) == 164
    assert task.revision == release.COMMIT


def test_both_need_rules_follow_from_the_votes_on_every_moment(mirror):
    for trace in load_task("proactivebench").traces:
        for label in trace.labels:
            assert label.need == any(all(task.votes) for task in label.tasks)
            assert label.need_majority == any(task.accepted for task in label.tasks)


def test_the_published_variant_has_227_moments_107_and_120(mirror):
    task = load_task("proactivebench_published")
    sizes = {"coding": 0, "writing": 0}
    for trace in task.traces:
        sizes[trace.split] += len(trace.events)
    assert sizes == {"coding": 107, "writing": 120}
    assert task.unlabelled == 0


def test_published_moments_carry_the_labels_of_the_release_turn_they_map_to(mirror):
    released = {trace.trace_id: trace for trace in load_task("proactivebench").traces}
    reworded = 0
    for trace, structure in zip(
        load_task("proactivebench_published").traces, task_structure("proactivebench_published").traces, strict=True
    ):
        for turn, there in enumerate(structure.release_turns):
            original = released[trace.trace_id]
            assert trace.labels[turn] == original.labels[there]
            assert trace.events[turn].time == original.events[there].time
            reworded += trace.events[turn].event != original.events[there].event
    assert reworded == 41


def test_the_structure_agrees_with_the_loaded_task(mirror):
    for name in ("proactivebench", "proactivebench_published", "proactivebench_sample"):
        task, structure = load_task(name), task_structure(name)
        assert structure.data_hash == task.data_hash
        assert structure.splits == {trace.trace_id: trace.split for trace in task.traces}
        assert [one.events for one in structure.traces] == [tuple(map(event_hash, t.events)) for t in task.traces]


def test_the_structure_needs_no_release():
    structure = task_structure("proactivebench_published")
    assert structure.moments == 227
    code_13 = next(trace for trace in structure.traces if trace.trace_id == "code_13")
    assert code_13.release_turns == tuple(range(17))
    writing_12 = next(trace for trace in structure.traces if trace.trace_id == "writing_12")
    assert writing_12.release_turns == tuple(range(1, 20))


def test_without_the_release_the_tasks_say_so(monkeypatch, tmp_path):
    released_task.cache_clear()
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match="not in the mirror"):
        load_task("proactivebench")


def test_all_labelled_rows_of_all_16_sessions_are_given(mirror):
    items = labelled_items()
    assert len(items) == 1749
    assert sum(item.file == "test" for item in items) == 120
    assert sum(item.pred_task is not None for item in items) == 1447
    assert len({item.trace for item in items}) == 16
    assert len({(item.trace, item.turn) for item in items}) == 313
    assert {item.category for item in items} == {"MN", "CR", "CD", "FA"}
    assert all(item.valid == (not item.help_needed) for item in items if item.pred_task is None)


def test_a_labelled_row_belongs_to_the_trace_its_events_are_from(mirror):
    traces = {trace.trace_id: trace.events for trace in load_task("proactivebench").traces}
    ours = [item for item in labelled_items() if item.trace in traces]
    assert all(item.events == traces[item.trace][: item.turn + 1] for item in ours)
    assert len({(item.trace, item.turn) for item in ours}) == 233


def test_a_release_trace_is_recognised_by_content_under_any_name_and_time(mirror):
    for name in ("proactivebench", "proactivebench_published"):
        for trace in load_task(name).traces:
            assert which_release_trace(trace) == trace.trace_id
            copy = Trace(
                trace_id="x", split="y", events=tuple(Event(time="0", event=e.event) for e in trace.events[5:])
            )
            assert which_release_trace(copy) == trace.trace_id


def test_every_labelled_session_is_recognised(mirror):
    for events in sessions(item.events for item in labelled_items()):
        assert which_release_trace(Trace(trace_id="x", split="y", events=events)) is not None


def test_other_data_is_not_taken_for_the_release():
    assert [which_release_trace(trace) for trace in load_task("proactivebench_sample").traces] == [None] * 15


def test_the_index_holds_hashes_and_no_texts():
    index = json.loads(INDEX.read_text(encoding="utf-8"))
    words = {word for hashes in index["labelled"].values() for word in hashes.split()}
    words |= {word for task in index["tasks"].values() for trace in task["traces"] for word in trace["events"].split()}
    assert all(len(word) == 16 and set(word) <= set("0123456789abcdef") for word in words)


def test_alignment_keeps_order_and_prefers_the_likeliest_text():
    long = [Event(time=t, event=e) for t, e in [("1", "opens"), ("1", "closes"), ("1", "opens again"), ("2", "leaves")]]
    short = [Event(time="1", event="closes it"), Event(time="1", event="opens again"), Event(time="2", event="goes")]
    assert align(short, long) == [1, 2, 3]
    with pytest.raises(ValueError, match="no place"):
        align([Event(time="9", event="x")], long)


MOMENT = (Event(time="1", event="e"),)


def _item(task, votes, need):
    return LabelledItem("train", 0, "t", MOMENT, task, votes, need, valid=True, category="CD")


def test_silences_carry_need_but_no_task():
    (labels,) = moment_labels([_item(None, (True, False), need=False)]).values()
    assert (labels.need, labels.need_majority, labels.tasks) == (False, False, ())


def test_votes_on_one_text_at_one_moment_are_pooled():
    rows = [_item("help", (True, True), need=True), _item("help", (False, False, True), need=True)]
    (labels,) = moment_labels(rows).values()
    assert [task.votes for task in labels.tasks] == [(True, True, False, False, True)]


def test_rows_that_disagree_about_need_are_refused():
    with pytest.raises(DataError, match="help_needed differs"):
        moment_labels([_item("a", (True,), need=True), _item("b", (False,), need=False)])
