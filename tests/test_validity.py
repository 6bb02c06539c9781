"""Whose fault an unclean reply is: what a provider spoils makes a run invalid, what the model spoils is said first."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest

from proactivebench.api import compare
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.row import rows_of
from proactivebench.board.site.rows import UNRANKED
from proactivebench.board.site.viewer import write_view
from proactivebench.board.verify.verification import verify_entry
from proactivebench.errors import InvalidRun
from proactivebench.exports.source import Source
from proactivebench.lm_eval_plugin.scoreboard import Scoreboard
from proactivebench.models.base import Answer, Failure
from proactivebench.preparation import Settings, prepare
from proactivebench.records import Cause, Reply, ReplyStatus, Report, Usage
from proactivebench.reporting import check_valid, report_of, score_run, task_of
from proactivebench.scoring.gate import gate
from proactivebench.traces import load_task
from tests.board.calling import call
from tests.scoring.runs import report_on
from tests.scripted import ScriptedAgent, offer
from tests.servers.chat import Say, chat_server, refusal

FILTER = Answer(None, failure=Failure.REFUSED, error="content filter")


def rows(tp=40, fp=30, tn=20, fn=10, **more):
    text = "A" * tp + "R" * fp + "a" * tn + "r" * fn + "".join(letter * count for letter, count in more.items())
    return {f"t{place}": text for place in range(6)}


def sample_run(folder, bad, spoilt):
    """A run on the sample in which the first `bad` answers are `spoilt`."""
    answers = []

    def script(request):
        answers.append(request)
        return spoilt if len(answers) <= bad else offer("help" if request.moment.turn % 2 else None)

    settings = Settings(model="never", tasks="proactivebench_sample", judge="lexical", protocol="standard")
    prepared = prepare(replace(settings, history="observations"))
    prepared.agent = ScriptedAgent(script)
    return asyncio.run(prepared.run(folder))


@pytest.mark.parametrize(("refused", "valid"), [(2, True), (3, False)])
def test_two_percent_by_the_provider_are_allowed_and_more_are_not(refused, valid):
    report = report_on({"t": "A" * (100 - refused) + "p" * refused})
    assert report.judges[0].valid is valid
    assert (report.invalid(report.judges[0]) is None) is valid
    assert report.unclean.provider == {"refused": refused}
    if not valid:
        with pytest.raises(InvalidRun, match=r"3\.0% .* spoilt by the provider.*refused 3"):
            check_valid(report)


@pytest.mark.parametrize(("unparsable", "said", "ranked"), [(4, False, True), (5, True, True), (20, True, False)])
def test_what_the_model_spoils_never_invalidates_but_is_said_and_at_last_not_ranked(unparsable, said, ranked):
    report = report_on({"t": "A" * (100 - unparsable) + "x" * unparsable})
    check_valid(report)
    assert report.unclean.model == {"unparsable": unparsable}
    assert bool(report.caution) is said
    badges = {word for word, _ in rows_of(report, key="k")[0].badges}
    assert bool(badges & set(UNRANKED)) is not ranked


def test_replies_of_versions_that_knew_no_causes_are_told_apart_by_status_and_usage():
    report = report_on({"t": "A" * 100})
    reply = Reply(trace_id="t", turn=0, status=ReplyStatus.EMPTY)
    generated = reply.model_copy(update={"usage": Usage(prompt_tokens=5, completion_tokens=7)})
    named = reply.model_copy(update={"cause": Cause.NO_TEXT})
    assert [each.fault.value for each in (reply, generated, named)] == ["provider", "model", "model"]
    old = json.loads(report.model_dump_json())
    del old["unclean"]
    assert Report.model_validate(old).invalid(report.judges[0]) is None


def test_causes_are_counted_for_the_reply_that_counts(tmp_path):
    store = sample_run(tmp_path, 7, Answer('{"Proactive Task": 5}'))
    unclean = report_of(store, task_of(store)).unclean
    assert sum(unclean.model.values()) == 7
    assert all(cause.startswith("unparsable") for cause in unclean.model)
    assert unclean.provider == {}


def test_no_surface_uses_a_run_that_its_provider_spoilt(tmp_path, caplog):
    store, sound = sample_run(tmp_path / "bad", 9, FILTER), sample_run(tmp_path / "good", 0, FILTER)
    task = task_of(store)
    bad, good = score_run(store, task), score_run(sound, task)
    for use in (
        lambda: check_valid(bad),
        lambda: Source.read(tmp_path / "bad"),
        lambda: prepare_entry(store, tmp_path / "entry", _declared()),
        lambda: gate(good, bad),
        lambda: gate(bad, good),
    ):
        with pytest.raises(InvalidRun, match="spoilt by the provider"):
            use()
    assert not (tmp_path / "entry").exists()
    assert any("spoilt by the provider" in said for said in compare(bad, good).warnings)
    assert "invalid" in {word for word, _ in rows_of(bad, key="k")[0].badges}
    for verb in (["score"], ["show"], ["judge", "--judge", "lexical"]):
        done = call(verb[0], tmp_path / "bad", *verb[1:])
        assert done.code == 3, verb
        assert "spoilt by the provider" in done.out
        assert "refused 9" in done.err


def test_an_entry_made_of_spoilt_replies_is_not_verified(tmp_path, monkeypatch):
    store = sample_run(tmp_path / "bad", 9, FILTER)
    monkeypatch.setattr("proactivebench.board.publish.prepare.check_valid", lambda _: None)
    monkeypatch.setattr("proactivebench.board.publish.prepare._check_as_a_board_does", lambda *_: None)
    prepare_entry(store, tmp_path / "entries" / "us__m" / "r", _declared(), "r")
    found = verify_entry(tmp_path / "entries" / "us__m" / "r", task_of(store)).findings
    assert any("spoilt by the provider" in finding.message for finding in found)


def test_a_server_that_refuses_too_often_ends_the_run_with_exit_3(tmp_path):
    asked = []

    def script(_):
        asked.append(None)
        return refusal("flagged by moderation") if len(asked) <= 3 else Say(offer("help"))

    with chat_server(script) as server:
        command = ["run", "--model", "endpoint", "--model_args", f"base_url={server.base_url},model=m"]
        command += ["--tasks", "proactivebench_sample", "--limit", "4", "--predict_only"]
        done = call(*command, "--output_path", tmp_path / "r")
    assert done.code == 3, done.err
    assert "spoilt by the provider" in done.err
    assert "Traceback" not in done.err


def test_what_the_model_spoilt_is_the_first_thing_every_surface_says(tmp_path, caplog):
    store = sample_run(tmp_path / "run", 30, "nonsense")
    share = report_of(store, task_of(store)).caution.split(" of ")[0]
    for verb in ("show", "score"):
        done = call(verb, tmp_path / "run")
        assert share in done.out.splitlines()[0]
        assert done.code == 0
    done = call("compare", tmp_path / "run", tmp_path / "run")
    assert share in done.out.splitlines()[0]
    page = write_view([store], tmp_path / "view.html").read_text(encoding="utf-8")
    assert 0 < page.index(share) < page.index("<table")


@pytest.mark.parametrize(("letters", "shown"), [({"x": 10}, True), ({"p": 10}, False), ({"U": 10}, False)])
def test_lm_eval_says_it_and_shows_no_number_of_an_invalid_run(letters, shown, monkeypatch, caplog):
    board = Scoreboard(_NoSession(), ("coding",))
    report = report_on(rows(**letters))
    monkeypatch.setattr(Scoreboard, "_report", lambda *_: report)
    monkeypatch.setattr("proactivebench.lm_eval_plugin.scoreboard.Row.loads", lambda _: _Row())
    with caplog.at_level(logging.WARNING):
        board.add(["row"])
    judge = report.judges[0].judge.id
    assert (board.value(judge, "pb_f1") is not None) is shown
    assert shown or board.stderr(judge, "pb_f1") == "N/A"
    assert ("not valid" in caplog.text) is not shown
    assert ("unusable by the model" in caplog.text) is ("x" in letters)


class _Row:
    judge, replies, verdicts = "fair-00000000", (), ()


class _NoSession:
    opened = None
    task = load_task("proactivebench_sample")


def _declared():
    from proactivebench.board.entry.form import Declaration

    return Declaration(organisation="us", model="m", licence="none", contact="nobody")
