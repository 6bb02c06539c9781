"""Where activity changes: declared by the data, or found from what events say by plain rules."""

import json
import os
from pathlib import Path

import pytest

from proactivebench.records import Event, Trace
from proactivebench.scoring.boundaries import Boundary, at_boundary, boundaries
from proactivebench.text.places import places
from proactivebench.traces import load_task
from proactivebench.traces.jsonl import parse_traces
from tests.scoring.runs import JUDGE, LABELS, report_on, values

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "eval").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")

A, S, F, G = Boundary.APPLICATION, Boundary.SITE, Boundary.FILE, Boundary.GAP
ROAD = [
    ("0", "The user opens report.md in Visual Studio Code.", ()),
    ("20", "The user types 'open it in Chrome' into the file.", ()),
    ("30", "The user switches to the web browser and searches Google for 'how to use Excel'.", (A,)),
    ("40", "The user reads Google search results.", ()),
    ("50", "The user opens an article on example-site.org.", (S,)),
    ("60", "The user scrolls on the page.", ()),
    ("70", "The user returns to VS Code and edits `report.md`.", (A,)),
    ("80", "The user opens notes.txt.", (F,)),
    ("259.9", "The user types.", ()),
    ("439.9", "The user types on.", (G,)),
    ("440", "The user pastes into another application.", (A,)),
]


def trace_of(*events):
    return Trace(trace_id="t", split="s", events=tuple(Event(**event) for event in events))


def test_a_change_of_application_site_or_file_and_a_long_gap_are_boundaries():
    trace = trace_of(*({"time": time, "event": text} for time, text, _ in ROAD))
    assert list(boundaries(trace)) == [why for _, _, why in ROAD]
    assert at_boundary(trace).sum() == sum(bool(why) for _, _, why in ROAD)


def test_what_the_data_declare_goes_before_what_the_texts_say():
    trace = trace_of(
        {"time": "0", "event": "starts in Slack", "boundary": True},
        {"time": "1", "event": "switches to Excel", "boundary": False},
        {"time": "2", "event": "goes on", "boundary": True},
        {"time": "3", "event": "writes in Slack"},
    )
    assert list(boundaries(trace)) == [(Boundary.DECLARED,), (), (Boundary.DECLARED,), (A,)]


def test_times_that_are_no_seconds_make_no_gap():
    trace = trace_of(*({"time": f"Day {day}, 11:00 PM", "event": "goes on"} for day in range(3)))
    assert not at_boundary(trace).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("types 'GitHub' in the terminal", (("terminal",), (), ())),
        ("opens the tab 'Kimi.ai - 帮你看更大的世界'", (("browser",), ("kimi",), ())),
        ("visits 'https://blog.csdn.net/YX/article/1' on the web", (("browser",), ("csdn",), ())),
        ("reads Katla's website", (("browser",), ("katla",), ())),
        ("calls array.join() in main.py and utils/io.py", ((), (), ("main.py", "io.py"))),
        ("runs search(q) and excels at words", ((), (), ())),
        ("switches from Slack to Excel", (("chat", "excel"), (), ())),
        ("", ((), (), ())),
    ],
)
def test_texts_name_places_but_for_what_was_typed(text, expected):
    found = places(text)
    assert (found.applications, found.sites, found.files) == expected


def test_a_long_or_hostile_text_is_read_in_no_time():
    for text in ("'" * 200_000, "a/" * 100_000, "a." * 100_000, "- " * 100_000, "the " * 50_000):
        assert places(text).files == ()


def test_a_declared_boundary_is_stored_only_where_given_and_changes_no_older_hash():
    plain, declared = (
        {"trace_id": "t", "split": "s", "events": [{"time": 1, "event": "opens", **more}]}
        for more in ({}, {"boundary": False})
    )
    (old,), (new,) = (parse_traces(json.dumps(each).encode(), "file") for each in (plain, declared))
    assert "boundary" not in old.model_dump(mode="json")["events"][0]
    assert new.model_dump(mode="json")["events"][0] == {"time": "1", "event": "opens", "boundary": False}
    assert json.loads(old.model_dump_json())["events"] == [{"time": "1", "event": "opens"}]
    with pytest.raises(Exception, match=r"events\[0\]\.boundary"):
        parse_traces(json.dumps({**plain, "events": [{"time": 1, "event": "x", "boundary": "yes"}]}).encode(), "file")


def test_offers_at_boundaries_and_in_mid_task_are_told_apart(monkeypatch):
    at = [False, True, False, True, False, False]
    monkeypatch.setattr("proactivebench.scoring.moments.at_boundary", lambda _: at)
    needs = {"t0": [letter == "1" for letter in "011000"]}
    found = report_on({"t0": "RARARa"}, needs=needs, judge=LABELS)
    keys = ("boundary_offer_share", "boundary_precision", "midtask_precision")
    needless = ("boundary_needless_offer_rate", "midtask_needless_offer_rate")
    assert list(values(found, *keys)) == pytest.approx((2 / 5, 1, 0))
    assert list(values(found, *needless)) == pytest.approx((1, 2 / 3))  # moments 3; 0, 4 and 5
    silent = report_on({"t0": "aaaaaa"}, judge=JUDGE).judges[0].overall.metrics
    assert silent["boundary_precision"].reason == "no scored offer at boundaries"
    assert silent["midtask_needless_offer_rate"].reason == "no need labels"


def test_unclean_and_unscored_replies_bound_what_comes_at_boundaries(monkeypatch):
    monkeypatch.setattr("proactivebench.scoring.moments.at_boundary", lambda _: [True, True, False, False, True])
    found = report_on({"t0": "AxAUU"}).judges[0].overall.metrics
    assert found["boundary_precision"].bounds == pytest.approx((1 / 2, 1))
    assert found["boundary_precision"].unscored_bounds == pytest.approx((1 / 2, 1))
    assert found["midtask_precision"].unscored_bounds == pytest.approx((1 / 2, 1))
    assert found["midtask_precision"].bounds == pytest.approx((1, 1))


@released
def test_nearly_half_of_the_moments_of_the_release_are_boundaries():
    task = load_task("proactivebench")
    why = [each for trace in task.traces for each in boundaries(trace)]
    assert (len(why), sum(bool(each) for each in why)) == (233, 112)
    assert {kind.value: sum(kind in each for each in why) for kind in Boundary if kind is not Boundary.DECLARED} == {
        "application": 74,
        "site": 40,
        "file": 4,
        "gap": 3,
    }
