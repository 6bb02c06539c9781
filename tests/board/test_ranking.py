"""Rank ranges agree with the comparison of runs, and hold for long tables."""

import numpy as np
import pytest

from proactivebench.board.site.ranking import rank_ranges, significant
from proactivebench.board.site.row import SORTED_BY
from proactivebench.records import Measurement, MeasurementStatus
from proactivebench.scoring.signflip import joint_signflip

rng = np.random.default_rng(7)


@pytest.mark.parametrize(("pairs", "traces"), [(1, 6), (3, 4), (40, 12), (500, 12), (300, 8)])
def test_the_same_pairs_differ_as_by_the_joint_test(pairs, traces):
    for shift in (0.0, 0.5, 1.5):
        differences = rng.normal(size=(pairs, traces)) + shift * rng.normal(size=(pairs, 1))
        differences[0] = 0
        assert (significant(differences) == (joint_signflip(differences) <= 0.05)).all()


def test_chunks_do_not_show(monkeypatch):
    differences = rng.normal(size=(400, 12)) + rng.normal(size=(400, 1))
    whole = significant(differences)
    monkeypatch.setattr("proactivebench.board.site.ranking._CHUNK", 16)
    assert (significant(differences) == whole).all()


@pytest.mark.parametrize("key", [SORTED_BY, "f1"])
def test_ranks_are_those_of_compare(runs, key):
    from proactivebench.reporting import score_run
    from proactivebench.scoring.comparison import compare
    from proactivebench.store import RunStore

    reports = [score_run(RunStore(runs / name)) for name in ("never", "always", "oracle", "parrot")]
    ranges = rank_ranges(reports, reports[0].judges[0].judge.id, key)
    people = Measurement(status=MeasurementStatus.PEOPLE)  # `compare` gives no ranks under a baseline
    told = [
        report.model_copy(
            update={"judges": tuple(one.model_copy(update={"measurement": people}) for one in report.judges)}
        )
        for report in reports
    ]
    expected = {standing.name: (standing.rank, standing.leading) for standing in compare(told, key).standings}
    assert {report.agent.name: place for report, place in zip(reports, ranges, strict=True)} == expected


def test_a_run_alone_stands_first(runs):
    from proactivebench.reporting import score_run
    from proactivebench.store import RunStore

    report = score_run(RunStore(runs / "oracle"))
    assert rank_ranges([report], report.judges[0].judge.id, SORTED_BY) == [((1, 1), True)]
