"""What a probe found is the form of a whole run: of later sittings, of other processes, of the models behind judges."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proactivebench.errors import UsageError
from proactivebench.evaluation import Evaluation, judge_run
from proactivebench.parameters import Parameters, RunParameters
from proactivebench.preparation import Serving, Settings, prepare
from proactivebench.records import Manifest
from proactivebench.store import RunStore
from tests.servers.chat import ChatServer, Fault, Say, Seen, Step, chat_server, refusal

OFFER = json.dumps(
    {"Purpose": "p", "Thoughts": "t", "Proactive Task": "Name the process on port 5432", "Response": "?"}
)
VERDICT = '{"reason": "fits", "verdict": "accepted"}'


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Four traces of two events, labelled."""
    file = tmp_path / "t.jsonl"
    events = [
        [{"time": str(60 * turn), "event": f"Step {turn} of {number}"} for turn in range(2)] for number in range(4)
    ]
    lines = [
        {"trace_id": f"t{number}", "split": "coding", "events": own, "labels": [{"need": False}, {"need": True}]}
        for number, own in enumerate(events)
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def asking(server: ChatServer, task: Path, **changes: Any) -> Evaluation:
    """A run of the server's model, without a judge unless one is named."""
    words = {"model": "endpoint", "model_args": {"base_url": server.base_url, "model": "m"}, "predict_only": True}
    serving = Serving(concurrency=changes.pop("concurrency", 1), max_retries=0)
    return prepare(Settings(**{**words, "tasks": str(task), "serving": serving, **changes}))


def run(evaluation: Evaluation, path: Path) -> Manifest:
    return asyncio.run(evaluation.run(path)).manifest


def form(seen: Seen) -> str:
    return str((seen.body.get("response_format") or {}).get("type", "none"))


class Turning(ChatServer):
    """A server that takes any schema until `turned`, and none from then on."""

    turned = False

    def _step(self, seen: Seen) -> Step:
        refuses = self.turned and "response_format" in seen.body
        return refusal("response_format is not supported", "response_format") if refuses else Say(OFFER)


def test_a_resumed_run_asks_in_the_form_it_has_and_probes_no_more(task: Path, tmp_path: Path) -> None:
    def only_object(seen: Seen) -> Step:
        wants = form(seen) == "json_schema"
        return refusal("json_schema is not supported, use json_object", "response_format") if wants else Say(OFFER)

    class Picky(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return only_object(seen)

    with chat_server(kind=Picky) as first:
        run(asking(first, task, limit=1), tmp_path / "run")
        found, port = RunStore(tmp_path / "run").manifest.parameters, first.port
    with chat_server([Say(OFFER)], port=port) as second:
        manifest = run(asking(second, task), tmp_path / "run")
        assert [seen.probe for seen in second.requests] == [False] * 6
        assert {form(seen) for seen in second.requests} == {"json_object"}
    assert found["response_format"] == manifest.parameters["response_format"] == "json_object with schema"


def test_a_server_that_turns_the_form_down_in_a_later_sitting_is_told_with_what_differs(
    task: Path, tmp_path: Path
) -> None:
    with chat_server(kind=Turning) as server:
        run(asking(server, task, limit=1), tmp_path / "run")
        server.turned = True  # type: ignore[attr-defined]
        told = r"response_format: json_schema, strict then, json_schema|none now.*another --output_path"
        with pytest.raises(UsageError, match=told):
            run(asking(server, task), tmp_path / "run")
        store = RunStore(tmp_path / "run")
    assert store.manifest.parameters["response_format"] == "json_schema, strict"
    assert len(store.replies()) == 2


def test_the_first_answers_of_a_run_settle_its_form_for_all_that_are_in_flight(task: Path, tmp_path: Path) -> None:
    """One of four requests that are sent together is refused for its form, before the others are answered."""

    class Slow(ChatServer):
        def _step(self, seen: Seen) -> Step:
            if seen.probe or "strict" not in seen.body["response_format"]["json_schema"]:
                return Say(OFFER)
            return refusal("cannot compile the grammar") if len(self.asked) == 1 else Say(OFFER, after=0.4)

    with chat_server(kind=Slow) as server:
        manifest = run(asking(server, task, concurrency=4), tmp_path / "run")
        last = {json.dumps(seen.body["messages"]): seen.body for seen in server.asked}
        replies = RunStore(tmp_path / "run").replies().values()
    assert manifest.parameters["response_format"] == "json_schema"
    assert ["strict" in body["response_format"]["json_schema"] for body in last.values()] == [False] * len(last)
    assert {reply.status.value for reply in replies} == {"proposed"}


def test_ranks_of_one_run_ask_in_one_form(task: Path, tmp_path: Path) -> None:
    """Two processes probe at the same time, and find different things: the first to write is right for both."""
    with chat_server([Say(OFFER)]) as able, chat_server(kind=Turning) as unable:
        unable.turned = True  # type: ignore[attr-defined]
        whole = asking(able, task)
        shares = [replace(whole, traces=whole.task.traces[rank::2], shard=rank) for rank in range(2)]
        other = asking(unable, task)
        other.agent.identity = whole.agent.identity  # as behind one name that leads to several servers
        run(shares[0], tmp_path / "run")
        with pytest.raises(UsageError, match="a run is asked in one form"):
            run(replace(shares[1], agent=other.agent), tmp_path / "run")
    store = RunStore(tmp_path / "run")
    assert store.manifest.parameters["response_format"] == "json_schema, strict"
    assert {reply.trace_id for reply in store.replies().values()} == {"t0", "t2"}


def test_a_stream_may_be_asked_for_in_a_later_sitting(task: Path, tmp_path: Path) -> None:
    """It is how answers travel, not how they are asked for."""
    choice = {"index": 0, "delta": {"content": OFFER}, "finish_reason": "stop"}
    events = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n"

    class Both(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return Fault(200, events, content_type="text/event-stream") if seen.body.get("stream") else Say(OFFER)

    with chat_server(kind=Both) as server:
        run(asking(server, task, limit=1), tmp_path / "run")
        streamed = {"base_url": server.base_url, "model": "m", "stream": "on"}
        manifest = run(asking(server, task, model_args=streamed), tmp_path / "run")
        assert server.requests[-1].body["stream"] is True
    assert (manifest.parameters["stream"], manifest.parameters["in_use"]) == (True, True)


def test_an_outage_that_ends_a_sitting_leaves_the_form_open(task: Path, tmp_path: Path) -> None:
    """No answer was given in it: a server that comes back with less is asked for less."""
    with chat_server([Fault(503)], probe=Say(OFFER)) as down:
        run(asking(down, task), tmp_path / "run")
        port = down.port
    assert RunStore(tmp_path / "run").manifest.parameters["in_use"] is False
    with chat_server(kind=Turning, port=port) as back:
        back.turned = True  # type: ignore[attr-defined]
        manifest = run(asking(back, task), tmp_path / "run")
    assert manifest.parameters["response_format"] == "none"
    assert {reply.status.value for reply in RunStore(tmp_path / "run").replies().values()} == {"proposed"}


def test_a_run_of_an_earlier_version_is_taken_up_with_what_it_recorded(task: Path, tmp_path: Path) -> None:
    with chat_server([Say(OFFER)]) as server:
        run(asking(server, task, limit=1), tmp_path / "run")
        file = tmp_path / "run" / "manifest.json"
        stored = json.loads(file.read_text())
        stored["parameters"] = {
            "token_limit": "max_completion_tokens",
            "temperature": False,
            "seed": True,
            "response_format": "json_schema",
        }
        del stored["judge_parameters"]
        file.write_text(json.dumps(stored))
        before = len(server.requests)
        run(asking(server, task), tmp_path / "run")
        body = server.requests[-1].body
        assert not any(seen.probe for seen in server.requests[before:])
    assert ("temperature" in body, "max_completion_tokens" in body) == (False, True)
    assert "strict" not in body["response_format"]["json_schema"]


def test_an_earlier_versions_run_still_learns_that_thoughts_go_back(task: Path, tmp_path: Path) -> None:
    class Thinking(ChatServer):
        def _step(self, seen: Seen) -> Step:
            bare = any(m["role"] == "assistant" and "reasoning_content" not in m for m in seen.body["messages"])
            wanted = refusal("`reasoning_content` must be passed back")
            return wanted if bare else Say(OFFER, message={"reasoning_content": "hm"})

    recorded = {"token_limit": "max_tokens", "temperature": True, "seed": True, "response_format": "json_schema"}
    with chat_server(kind=Thinking) as server:
        evaluation = asking(server, task)
        store = RunStore(tmp_path / "run")
        store.begin(evaluation.manifest())
        store.amend(parameters=recorded)
        (tmp_path / "run" / "replies.jsonl").touch()
        manifest = run(evaluation, tmp_path / "run")
        assert len(server.requests) == 9, "eight moments, and one asked again"
        sent = [m.get("reasoning_content") for m in server.requests[-1].body["messages"] if m["role"] == "assistant"]
    assert sent == ["hm"]
    assert manifest.parameters["reasoning_returned"] is True


# --- judges -----------------------------------------------------------------------------------------------------------


def judging(server: ChatServer, task: Path, **changes: Any) -> Evaluation:
    behind = {"judge_model": "endpoint", "judge_model_args": {"base_url": server.base_url, "model": "j"}}
    words = {"model": "always", "model_args": {}, "predict_only": False, "judge": "llm", **behind}
    return asking(server, task, **{**words, **changes})


def test_a_judge_is_probed_as_its_card_says_and_asked_so_in_every_sitting(task: Path, tmp_path: Path) -> None:
    class Judge(ChatServer):
        def _step(self, seen: Seen) -> Step:
            return refusal("seed is not supported", "seed") if "seed" in seen.body else Say(VERDICT)

    with chat_server(kind=Judge) as server:
        evaluation = judging(server, task, limit=1)
        manifest = run(evaluation, tmp_path / "run")
        probe = server.requests[0].body
        asked = server.asked[0].body
        assert {name for name in probe if probe[name] != asked.get(name)} == {"messages", "seed"}
        before = len(server.requests)
        run(judging(server, task), tmp_path / "run")
        assert not any(seen.probe or "seed" in seen.body for seen in server.requests[before:])
    assert evaluation.judge is not None
    found = manifest.judge_parameters[evaluation.judge.identity.id]["j"]
    assert (found["seed"], found["response_format"], found["in_use"]) == (False, "json_schema, strict", True)


def test_a_judge_asked_later_in_another_form_is_refused(task: Path, tmp_path: Path) -> None:
    class Judge(ChatServer):
        turned = False

        def _step(self, seen: Seen) -> Step:
            refuses = self.turned and "response_format" in seen.body
            return refusal("response_format is not supported", "response_format") if refuses else Say(VERDICT)

    with chat_server(kind=Judge) as server:
        evaluation = judging(server, task, limit=1)
        run(evaluation, tmp_path / "run")
        run(asking(server, task, model="always", model_args={}), tmp_path / "run")
        server.turned = True  # type: ignore[attr-defined]
        again = judging(server, task).judge
        assert again is not None
        with pytest.raises(UsageError, match="a run is asked in one form"):
            asyncio.run(judge_run(RunStore(tmp_path / "run"), evaluation.task, again))


def test_a_judge_without_a_system_role_gets_its_rules_in_the_question(task: Path, tmp_path: Path) -> None:
    class Judge(ChatServer):
        def _step(self, seen: Seen) -> Step:
            system = seen.body["messages"][0]["role"] == "system"
            return refusal("System role not supported") if system else Say(VERDICT)

    with chat_server(kind=Judge) as server:
        run(judging(server, task, limit=1), tmp_path / "run")
        (message,) = server.asked[-1].body["messages"]
    assert message["role"] == "user"
    verdicts = [
        v for judge in RunStore(tmp_path / "run").judge_ids() for v in RunStore(tmp_path / "run").iter_verdicts(judge)
    ]
    assert {verdict.status.value for verdict in verdicts} == {"accepted"}


# --- the parameters themselves ----------------------------------------------------------------------------------------


@pytest.fixture(params=["in memory", "in a run"])
def parameters(request: pytest.FixtureRequest, task: Path, tmp_path: Path) -> Parameters:
    """Parameters of both kinds."""
    if request.param == "in memory":
        return Parameters()
    with chat_server() as server:
        evaluation = asking(server, task)
    store = RunStore(tmp_path / "run")
    store.begin(evaluation.manifest())
    return RunParameters(store)


def test_what_is_found_first_stands(parameters: Parameters) -> None:
    assert parameters.get() == {}
    assert parameters.settle({"a": 1, "b": False}) == {"a": 1, "b": False}
    assert parameters.settle({"a": 2, "b": True}) == {"a": 1, "b": False}
    assert parameters.settle({"a": 2, "b": True}, instead_of={"a": 3}) == {"a": 1, "b": False}
    assert parameters.settle({"a": 2, "b": True}, instead_of={"a": 1, "b": False}) == {"a": 2, "b": True}


def test_other_kinds_of_request_have_parameters_of_their_own(parameters: Parameters) -> None:
    parameters.settle({"a": 1})
    assert parameters.settle({"a": 2}, "warm") == {"a": 2}
    assert (parameters.get(), parameters.get("warm"), parameters.get("cold")) == ({"a": 1}, {"a": 2}, {})
