"""The released annotation goes in, comes out as it was, and says what the release says of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from proactivebench.anchors import HUMAN, anchors_of
from proactivebench.annotation.exporting import export_job
from proactivebench.annotation.formats import format_of
from proactivebench.annotation.importing import Imported, import_job, import_votes
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.merging import labelled_traces
from proactivebench.records import Trace
from proactivebench.traces import load_task, release
from proactivebench.validation.agreement import krippendorff_alpha

RELEASE = format_of("release")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """The release's two files of reward data, or a visible skip."""
    mirror = os.environ.get("PROACTIVEBENCH_MIRROR")
    if not mirror:
        pytest.skip("PROACTIVEBENCH_MIRROR is not set: the real release is not here")
    return [Path(mirror, name) for name in release.REWARD_DATA]


@pytest.fixture(scope="module")
def made(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[JobFolder, Imported]:
    return import_job(RELEASE, files, tmp_path_factory.mktemp("released") / "job")


def _rows(*files: Path) -> Counter[str]:
    return Counter(json.dumps(json.loads(line), sort_keys=True) for file in files for line in file.open("rb"))


def test_all_rows_go_in_and_come_out_the_same(
    made: tuple[JobFolder, Imported], files: list[Path], tmp_path: Path
) -> None:
    folder, imported = made
    assert (imported.new, len(imported.annotators)) == (5054, 46)
    assert "votes carry no names" in imported.notes[0]
    assert folder.job.licence == "Apache-2.0"
    export_job(RELEASE, folder, tmp_path / "out")
    assert _rows(tmp_path / "out" / "reward_data.jsonl") == _rows(*files)
    assert sum(_rows(*files).values()) == 1749
    again = import_votes(RELEASE, files, folder)
    assert (again.new, again.replaced, again.known) == (0, 0, 5054)


def test_the_votes_say_what_the_release_says_of_need_and_of_people(made: tuple[JobFolder, Imported]) -> None:
    released = load_task("proactivebench")
    ours = {trace.trace_id: trace for trace in labelled_traces(made[0]).records if isinstance(trace, Trace)}
    alike = 0
    for trace in released.traces:
        assert ours[trace.trace_id].events == trace.events
        for theirs, labels in zip(trace.labels or (), ours[trace.trace_id].labels or (), strict=True):
            assert theirs is not None
            assert labels is not None
            # where every offer was split and none was kept, no offer says anything: no help was needed there
            assert (bool(labels.need), bool(labels.need_majority)) == (theirs.need, theirs.need_majority)
            alike += 1
    assert alike == 233
    votes = [task.votes for trace in ours.values() for label in trace.labels or () if label for task in label.tasks]
    assert krippendorff_alpha([given for given in votes if len(given) == 3]) == pytest.approx(0.156, abs=5e-4)
    task = released.model_copy(update={"traces": tuple(ours[trace.trace_id] for trace in released.traces)})
    human = next(anchor for anchor in anchors_of(task, 0.4) if anchor.name == HUMAN)
    figure = "need_detection_balanced_accuracy"
    assert human.metrics[f"{figure}_unanimous"].value == pytest.approx(0.566, abs=6e-4)
    assert human.metrics[figure].value == pytest.approx(0.457, abs=5e-4), "need itself, as it was voted on"
