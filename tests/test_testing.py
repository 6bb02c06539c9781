"""What users' own tests are made of: scripted agents, models and judges, and a small labelled task."""

import asyncio

import pytest

import proactivebench as pb
from proactivebench.store import RunStore
from proactivebench.testing import ScriptedAgent, ScriptedJudge, ScriptedModel, small_task


def test_a_scripted_agent_acts_by_turn_and_remembers_what_it_saw(tmp_path):
    agent = ScriptedAgent({1: "Help with step 1."})
    report = pb.evaluate(agent, small_task(3, 2), ScriptedJudge(accepts=["Help with step 1."]), output_path=tmp_path)
    counts = report.judges[0].overall.confusion
    assert (counts.tp, counts.fp, counts.tn, counts.fn) == (2, 0, 3, 0)
    assert len(agent.moments) == 5


def test_an_exception_in_a_script_is_raised_and_the_run_warns_that_it_is_incomplete(tmp_path):
    agent = ScriptedAgent({1: ValueError("boom")})
    with pytest.warns(
        RuntimeWarning, match=r"2 of 3 moments have no final reply \(first trace_0, turn 1: ValueError: boom"
    ):
        report = pb.evaluate(agent, small_task(3), ScriptedJudge(), output_path=tmp_path)
    assert not report.complete


def test_a_scripted_model_is_asked_in_conversations_and_stands_behind_judges(tmp_path):
    model = ScriptedModel(['{"Proactive Task": null}', '{"Proactive Task": "Help with step 1."}'])
    report = pb.evaluate(model, small_task(2), ScriptedJudge(), output_path=tmp_path / "model")
    statuses = report.judges[0].overall.statuses
    assert (statuses["proposed"], statuses["silent"], sum(statuses.values())) == (1, 1, 2)
    assert [message.role for message in model.requests[1].messages] == ["system", "user", "assistant", "user"]
    verdict = ScriptedModel(['{"thought": "x", "judgment": "accepted"}'] * 3)
    report = pb.evaluate("always", small_task(2), "llm", output_path=tmp_path / "judge", judge_model=verdict)
    assert verdict.requests
    assert report.judges[0].judge.name == "llm"


def test_a_scripted_judge_is_known_by_what_it_says():
    assert ScriptedJudge(accepts=["a"]).identity.id != ScriptedJudge(accepts=["b"]).identity.id
    assert ScriptedJudge(accepts=["a"]).identity == ScriptedJudge(accepts=["a"]).identity


def test_what_a_judge_is_unsure_of_is_unscored(tmp_path):
    report = pb.evaluate(
        ScriptedAgent({1: "a help", 2: "b help"}), small_task(3), ScriptedJudge(unsure=["b help"]), output_path=tmp_path
    )
    assert report.judges[0].overall.confusion.unscored == 1


def test_a_task_given_as_an_object_is_kept_in_its_run_and_scored_from_there(tmp_path):
    task = small_task(2, 1)
    report = pb.evaluate(ScriptedAgent({}), task, ScriptedJudge(), output_path=tmp_path)
    assert RunStore(tmp_path).manifest.task.spec == "run:task.jsonl"
    assert pb.score(tmp_path) == report
    whole = pb.load_traces("proactivebench_sample")
    pb.evaluate("never", whole, output_path=tmp_path / "sample", limit=1)
    assert RunStore(tmp_path / "sample").manifest.task.spec == "proactivebench_sample"
    part = whole.model_copy(update={"traces": whole.traces[:1]})
    assert part.data_hash != whole.data_hash
    pb.evaluate("never", part, output_path=tmp_path / "part")
    assert pb.score(tmp_path / "part").moments_expected == len(part.traces[0].events)


def test_a_protocol_object_and_the_words_that_would_change_it(tmp_path):
    from proactivebench.errors import UsageError
    from proactivebench.protocols import load_protocol

    protocol = load_protocol("standard", candidates=2)
    agent = ScriptedAgent({0: ["a help", "b help"]})
    pb.evaluate(agent, small_task(1), ScriptedJudge(), output_path=tmp_path, protocol=protocol)
    reply = next(iter(RunStore(tmp_path).replies().values()))
    assert reply.proposals == ("a help", "b help")
    with pytest.raises(UsageError, match="protocol is an object, which candidates cannot change"):
        pb.evaluate(agent, small_task(1), output_path=tmp_path, protocol=protocol, candidates=3)
    with pytest.raises(UsageError, match="decides that itself: leave it out"):
        pb.evaluate(agent, small_task(1), output_path=tmp_path / "2", gen_kwargs={"temperature": 1})


def test_an_async_agent_is_evaluated_inside_a_running_event_loop(tmp_path):
    async def agent(moment):
        await asyncio.sleep(0)
        return "Help with step 1." if moment.turn == 1 else None

    async def notebook():
        return pb.evaluate(agent, small_task(3), ScriptedJudge(), output_path=tmp_path)

    assert asyncio.run(notebook()).judges[0].overall.statuses["proposed"] == 1


def test_every_public_name_says_what_it_is():
    for name in pb.__all__:
        if name != "__version__":
            assert (getattr(pb, name).__doc__ or "").strip(), name


def test_a_judge_may_be_a_function_of_a_moment_and_an_offer(tmp_path):
    def short(moment, offer):
        return len(offer) < 10 if offer else moment.turn == 2

    agent = ScriptedAgent({0: "brief", 1: "a much longer offer of help"})
    report = pb.evaluate(agent, small_task(3), short, output_path=tmp_path)
    counts = report.judges[0].overall.confusion
    assert (counts.tp, counts.fp, counts.tn, counts.fn) == (1, 1, 1, 0)
    assert {member.kind for member in report.judges[0].judge.members} == {"tests.test_testing:short"}
    again = pb.evaluate(agent, small_task(3), short, output_path=tmp_path)
    assert again == report
    assert len(agent.moments) == 3
