"""Model (2): lm-eval's backends, in process (a scripted `LM`) and over HTTP (its own client against a real server)."""

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from lm_eval.api.model import LM

from proactivebench.errors import UsageError
from proactivebench.models.base import Answer, Failure, Message, Request
from proactivebench.models.lm_eval.http import as_chat
from proactivebench.models.lm_eval.model import LmEvalModel, create_backend, shown_name
from proactivebench.parameters import Parameters
from proactivebench.records import Cause, Decoding, Usage
from tests.servers.chat import ChatServer, Drop, Fault, Hang, Say, Seen, Step, chat_server, refusal


def request(
    text: str = "opens the editor", *, decoding: Decoding | None = None, turns: int = 0, **extra: Any
) -> Request:
    past = [Message(role, f"old {i}") for i in range(turns) for role in ("user", "assistant")]
    messages = (Message("system", "Be helpful."), *past, Message("user", text))
    return Request(messages=messages, decoding=decoding or Decoding(max_gen_toks=8), **extra)


class Words:
    """A tokenizer whose tokens are words."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[str]:
        return text.split()


class Scripted(LM):
    """A backend that answers with a function of the prompt; what it was asked is kept, batch by batch."""

    def __init__(self, reply: Callable[[str], str] = lambda _: "fine", *, system_role: bool = True) -> None:
        super().__init__()
        self.reply = reply
        self.batches: list[list[tuple[str, dict[str, Any]]]] = []
        self.system_role = system_role

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        kept = [turn for turn in chat_history if self.system_role or turn["role"] != "system"]
        return " ".join(f"<{turn['role']}> {turn['content']}" for turn in kept)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        self.batches.append([request.args for request in requests])
        return [self.reply(request.args[0]) for request in requests]

    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


class Counting(Scripted):
    tokenizer = Words()
    max_length = 24


def ask(lm: LM, *requests: Request) -> list[Answer]:
    async def work() -> list[Answer]:
        agent = LmEvalModel.around(lm, model="scripted")
        await agent.start()
        answers = await agent.complete_all(requests)
        await agent.close()
        return answers

    return asyncio.run(work())


def ask_http(base_url: str, *requests: Request, **model_args: str) -> list[Answer]:
    async def work() -> list[Answer]:
        arguments = {"model": "m", "base_url": f"{base_url}/chat/completions", "max_retries": "1", **model_args}
        agent = LmEvalModel("local-chat-completions", arguments)
        await agent.start()
        assert not agent.lockstep
        try:
            return await agent.complete_all(requests)
        finally:
            await agent.close()

    return asyncio.run(work())


# --- in process -------------------------------------------------------------------------------------------------------


def test_a_turn_of_all_traces_is_one_batch_under_the_chat_template() -> None:
    lm = Scripted(lambda prompt: prompt.rsplit(" ", 1)[-1])
    answers = ask(lm, request("one"), request("two"), request("three"))
    assert [answer.text for answer in answers] == ["one", "two", "three"]
    assert [len(batch) for batch in lm.batches] == [3]
    assert lm.batches[0][0][0] == "<system> Be helpful. <user> one"


def test_temperature_zero_is_greedy_and_nothing_is_shared_between_requests() -> None:
    lm = Scripted()
    ask(lm, request("one", decoding=Decoding(until=("END",), extra={"top_k": 4})), request("two"))
    first, second = (arguments for _, arguments in lm.batches[0])
    assert first == {"do_sample": False, "temperature": 0.0, "max_gen_toks": 1024, "until": ["END"], "top_k": 4}
    assert first["until"] is not second["until"]


def test_sampling_carries_temperature_and_top_p() -> None:
    lm = Scripted()
    ask(lm, request(decoding=Decoding(temperature=0.7, top_p=0.9)))
    arguments = lm.batches[0][0][1]
    assert (arguments["do_sample"], arguments["temperature"], arguments["top_p"]) == (True, 0.7, 0.9)


def test_a_backend_without_a_tokenizer_gives_no_usage_and_no_truncation() -> None:
    (answer,) = ask(Scripted(lambda _: "w " * 500), request())
    assert answer.usage is None
    assert not answer.truncated
    assert answer.latency_s is not None


def test_the_tokenizer_counts_an_answer_that_reached_the_limit_as_truncated() -> None:
    full, short = ask(Counting(lambda prompt: "w " * (8 if "full" in prompt else 7)), request("full"), request("short"))
    assert full.truncated
    assert not short.truncated


def test_a_conversation_that_no_longer_fits_drops_its_oldest_turns_and_keeps_the_system_prompt() -> None:
    lm = Counting()
    (answer,) = ask(lm, request("now", turns=4))
    prompt = lm.batches[0][0][0]
    assert answer.dropped_turns == 3
    assert prompt == "<system> Be helpful. <user> old 3 <assistant> old 3 <user> now"


def test_a_model_of_another_context_than_the_run_has_had_is_refused() -> None:
    parameters = Parameters()
    parameters.settle({"max_length": 48, "context_rule": "drop-oldest-turns"})
    agent = LmEvalModel.around(Counting(), model="scripted")
    agent.attach(parameters)
    with pytest.raises(UsageError, match=r"max_length: 48 then, 24 now.*another --output_path"):
        asyncio.run(agent.start())


def test_what_cannot_fit_at_all_is_a_named_error_rather_than_cut_on_the_left() -> None:
    lm = Counting()
    answer, fine = ask(lm, request("far too long " * 9), request("short"))
    assert (answer.failure, answer.cause) == (Failure.ERROR, Cause.TOO_LARGE)
    assert all(word in (answer.error or "") for word in ("31 tokens", "max_length", "max_gen_toks"))
    assert fine.text == "fine"
    assert [len(batch) for batch in lm.batches] == [1]


def test_a_generation_limit_beyond_the_context_stops_the_run_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="lower max_gen_toks"):
        ask(Counting(), request(decoding=Decoding(max_gen_toks=24)))


def test_a_template_without_a_system_role_does_not_lose_the_system_prompt() -> None:
    lm = Scripted(system_role=False)
    ask(lm, request("one"), request("two"))
    assert [prompt for prompt, _ in lm.batches[0]] == ["<user> Be helpful.\n\none", "<user> Be helpful.\n\ntwo"]


def test_a_backend_that_throws_costs_its_batch_and_not_the_run() -> None:
    def reply(prompt: str) -> str:
        raise MemoryError("no room for the cache")

    answers = ask(Scripted(reply), request("one"), request("two"))
    assert [answer.failure for answer in answers] == [Failure.ERROR, Failure.ERROR]
    assert answers[0].error == "MemoryError: no room for the cache"


def test_in_process_one_conversation_that_throws_costs_only_itself() -> None:
    def reply(prompt: str) -> str:
        if "two" in prompt:
            raise RuntimeError("bad token")
        return "fine"

    answers = ask(Counting(reply), request("one"), request("two"), request("three"))
    assert [answer.text for answer in answers] == ["fine", None, "fine"]
    assert answers[1].failure is Failure.ERROR


def test_an_answer_too_few_is_an_error_and_never_shifts_the_others() -> None:
    class Short(Scripted):
        def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
            return ["fine"]

    answers = ask(Short(), request("one"), request("two"))
    assert {answer.failure for answer in answers} == {Failure.ERROR}


def test_a_model_without_a_chat_template_is_refused_in_one_line() -> None:
    class Bare(Scripted):
        def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> str:
            raise NotImplementedError

    with pytest.raises(UsageError, match="no chat template"):
        ask(Bare(), request())


# --- by name ----------------------------------------------------------------------------------------------------------


def test_an_unknown_backend_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no lm-eval backend"):
        asyncio.run(LmEvalModel("no-such-backend").start())


def test_arguments_that_the_backend_does_not_take_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot start with base_url=http"):
        asyncio.run(LmEvalModel("local-completions", {"base_url": "http://127.0.0.1:9/v1", "batch_size": "x"}).start())


def test_a_key_among_the_arguments_is_refused() -> None:
    with pytest.raises(UsageError, match="auth_token"):
        LmEvalModel("local-chat-completions", {"auth_token": "abc"})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"pretrained": "org/model"}, "org/model"),
        ({"pretrained": "/some/where/tiny/"}, "tiny"),
        ({"model": "gpt-4o"}, "gpt-4o"),
        ({}, "hf"),
    ],
)
def test_the_shown_name_is_the_model_without_the_folder_it_lies_in(arguments: dict[str, str], name: str) -> None:
    assert shown_name("hf", arguments) == name


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_over_http_the_messages_arrive_as_they_are_and_usage_comes_back() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}
    with chat_server([Say("hello", usage=usage)]) as server:
        (answer,) = ask_http(server.base_url, request("one", turns=1))
    assert server.asked[0].body["messages"] == [
        {"role": "system", "content": "Be helpful."},
        {"role": "user", "content": "old 0"},
        {"role": "assistant", "content": "old 0"},
        {"role": "user", "content": "one"},
    ]
    assert server.asked[0].body["temperature"] == 0
    assert answer.text == "hello"
    assert answer.finish_reason == "stop"
    assert answer.usage == Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=5)


def test_the_servers_own_word_length_makes_an_answer_truncated() -> None:
    with chat_server([Say("half an ans", finish="length")]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert answer.truncated


def test_null_content_is_an_empty_answer_and_reasoning_is_kept_apart() -> None:
    with chat_server([Say(message={"content": None, "reasoning_content": "let me see"})]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert answer.text == ""
    assert answer.failure is None
    assert answer.reasoning == "let me see"


def test_one_call_that_fails_costs_one_answer() -> None:
    def script(seen: Any) -> Any:
        return Fault(500) if "bad" in seen.body["messages"][-1]["content"] else Say("fine")

    with chat_server(script) as server:
        answers = ask_http(server.base_url, request("one"), request("bad"), request("three"), num_concurrent="3")
    assert [answer.text for answer in answers] == ["fine", None, "fine"]
    assert answers[1].failure is Failure.ERROR
    assert "500" in (answers[1].error or "") or "out of order" in (answers[1].error or "")


def test_a_definite_rejection_is_final_and_html_is_not() -> None:
    with chat_server([refusal("too long")]) as server:
        (rejected,) = ask_http(server.base_url, request())
    with chat_server([Fault(200, "<html>busy</html>", content_type="text/html")]) as server:
        (html,) = ask_http(server.base_url, request())
    assert rejected.failure is Failure.REFUSED
    assert html.failure is Failure.ERROR


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_wrong_key_or_model_stops_the_run(status: int) -> None:
    with chat_server([Fault(status)]) as server, pytest.raises(UsageError, match=str(status)):
        ask_http(server.base_url, request())


def test_a_server_that_hangs_is_an_error_after_the_timeout() -> None:
    with chat_server([Hang()]) as server:
        (answer,) = ask_http(server.base_url, request(), timeout="1")
    assert answer.failure is Failure.ERROR


def test_as_many_calls_run_at_once_as_num_concurrent_says() -> None:
    with chat_server([Say("fine", after=0.2)]) as server:
        ask_http(server.base_url, *[request(str(n)) for n in range(6)], num_concurrent="3")
    assert server.busiest == 3


def test_no_stop_sequence_is_sent_as_none_and_some_as_they_are() -> None:
    with chat_server() as server:
        ask_http(server.base_url, request(), request(decoding=Decoding(until=("END",))))
    assert sorted(str(seen.body["stop"]) for seen in server.asked) == ["None", "['END']"]


def test_sampled_requests_carry_their_own_seed() -> None:
    with chat_server() as server:
        ask_http(server.base_url, request(decoding=Decoding(temperature=1.0), seed=77))
    assert server.asked[0].body["seed"] == 77


def test_a_borrowed_backend_is_given_back_as_it_was() -> None:
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import get_model

    with chat_server([Say("hello")]) as server:
        lm = get_model("local-chat-completions")(
            model="m", base_url=f"{server.base_url}/chat/completions", num_concurrent=5
        )
        before = dict(vars(lm))
        assert ask(lm, request())[0].text == "hello"
    after = {name: value for name, value in vars(lm).items() if name not in ("header", "api_key", "eos_string")}
    assert after == {name: value for name, value in before.items() if name in after}


def test_anthropics_thinking_blocks_do_not_lose_the_answer() -> None:
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import get_model

    body = {
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hello"}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 4, "output_tokens": 2, "cache_read_input_tokens": 1},
    }
    with chat_server([Fault(200, body)]) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANTHROPIC_API_KEY", "local")
        lm = get_model("anthropic-chat")(model="m", base_url=f"{server.base_url}/messages")
        (answer,) = ask(lm, request())
    assert answer.text == "hello"
    assert answer.reasoning == "hm"
    assert answer.truncated
    assert answer.usage == Usage(prompt_tokens=4, completion_tokens=2, cached_tokens=1)
    assert server.asked[0].body["system"] == "Be helpful."


def test_a_missing_key_is_said_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="no key"):
        asyncio.run(LmEvalModel("openai-chat-completions", {"model": "m"}).start())


def test_what_lm_eval_changes_in_the_decoding_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "local")
    found = asyncio.run(LmEvalModel("openai-chat-completions", {"model": "gpt-3.5-turbo"}).start())
    assert "temperature 1" in found["overridden"]


def test_a_content_filter_is_a_refusal() -> None:
    with chat_server([Say("", finish="content_filter")]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert answer.failure is Failure.REFUSED


def test_an_error_inside_a_200_is_no_empty_answer() -> None:
    with chat_server([Fault(200, {"error": {"message": "overloaded", "code": 503}})]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert (answer.text, answer.failure) == (None, Failure.ERROR)


def test_a_key_that_the_server_echoes_reaches_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "my-very-own-key-of-many-letters"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with chat_server([refusal("x" * 280 + f" for {key}")]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert answer.failure is Failure.REFUSED
    assert key[:8] not in (answer.error or "")
    with chat_server([refusal(f"who is {key}?", status=401)]) as server, pytest.raises(UsageError) as stop:
        ask_http(server.base_url, request())
    assert key not in str(stop.value)


def test_a_broken_connection_may_pass() -> None:
    with chat_server([Drop()]) as server:
        (answer,) = ask_http(server.base_url, request())
    assert answer.failure is Failure.ERROR


def test_the_body_lm_eval_sends_is_plain_json() -> None:
    with chat_server() as server:
        ask_http(server.base_url, request("Ünïcode “quotes” 中文"))
    assert json.loads(json.dumps(server.asked[0].body))["messages"][-1]["content"] == "Ünïcode “quotes” 中文"


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is here")
@pytest.mark.parametrize("model", ["hf", "vllm"])
def test_a_package_that_is_not_there_is_named_with_the_command_that_brings_it(model: str) -> None:
    if model == "vllm" and not version("lm-eval").startswith("0.4"):
        pytest.skip("newer versions of lm-eval ask for torch first")
    with pytest.raises(UsageError, match=rf"needs (torch|vllm), which is not installed here: run `.*{model}"):
        create_backend(model, {"pretrained": "x"})


def test_lm_eval_composes_and_reads_while_retries_are_ours_and_counted() -> None:
    soon = {"retry-after-ms": "20"}
    with chat_server([Fault(503, headers=soon), Fault(429, headers=soon), Say("<x>hm</x>fine")]) as server:
        (answer,) = ask_http(server.base_url, request(), max_retries="3", think_end_token="</x>")
    assert (answer.text or "").removeprefix("<x>hm</x>") == "fine"  # lm-eval 0.5 leaves thoughts where they are
    assert (answer.attempts, answer.usage) == (3, Usage(prompt_tokens=10, completion_tokens=5))
    with chat_server([Fault(503, headers=soon)]) as server:
        (answer,) = ask_http(server.base_url, request(), max_retries="2")
        assert len(server.asked) == 2
    assert (answer.failure, answer.attempts) == (Failure.ERROR, 2)


def test_text_completions_streams_and_parts_are_read_too() -> None:
    parts = [{"type": "output_text", "text": "fine"}]
    stream = 'data: {"choices": [{"delta": {"content": "fine"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    for step in (Say(message={"content": parts}), Fault(200, stream, content_type="text/event-stream")):
        with chat_server([step]) as server:
            assert ask_http(server.base_url, request())[0].text == "fine"
    assert (
        as_chat({"choices": [{"text": "fine", "finish_reason": "stop"}]})["choices"][0]["message"]["content"] == "fine"
    )
    body = as_chat({"text": "fine", "meta_info": {"finish_reason": {"type": "length"}, "completion_tokens": 3}})
    assert (body["choices"][0]["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 3)


def test_a_backend_with_a_client_of_its_own_keeps_it_and_its_failures_mean_the_same() -> None:
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import get_model

    class Refused(Exception):
        status_code = 413

    class Own(get_model("local-chat-completions")):  # type: ignore[misc]
        def model_call(self, messages: Any, **arguments: Any) -> Any:
            said = json.loads(messages[0].prompt)[-1]["content"]
            if said == "long":
                raise Refused("too much")
            return {"choices": [{"index": 0, "message": {"content": said}, "finish_reason": "stop"}]}

    own = Own(model="m", base_url="http://127.0.0.1:9/v1")
    long, short = ask(own, request("long"), request("short"))
    assert (long.failure, long.cause) == (Failure.ERROR, Cause.TOO_LARGE)
    assert (short.text, short.attempts) == ("short", 1)


def test_an_engine_that_says_the_prompt_is_too_long_says_the_way_out() -> None:
    def reply(prompt: str) -> str:
        raise ValueError("The decoder prompt (length 5000) is longer than the maximum model length of 2048.")

    (answer,) = ask(Scripted(reply), request())
    assert (answer.failure, answer.cause) == (Failure.ERROR, Cause.TOO_LARGE)
    assert "max_gen_toks" in (answer.error or "")


@pytest.mark.parametrize(("cuda", "mps", "device"), [(True, False, None), (False, True, "mps"), (False, False, "cpu")])
def test_a_machine_without_cuda_is_not_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, device: str | None
) -> None:
    asked: list[dict[str, Any]] = []

    class Local:
        @classmethod
        def create_from_arg_obj(cls, arguments: dict[str, Any], sizes: dict[str, Any]) -> str:
            asked.append({**sizes, **arguments})
            return "a model"

    torch = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "lm_eval.models.huggingface", SimpleNamespace(HFLM=Local))
    monkeypatch.setattr("lm_eval.api.registry.get_model", lambda _: Local)
    create_backend("hf", {"pretrained": "x"})
    create_backend("hf", {"pretrained": "x"}, device="cuda:1")
    create_backend("hf", {"pretrained": "x", "device": "cuda:2"})
    assert [one["device"] for one in asked] == [device, "cuda:1", "cuda:2"]


def test_a_server_without_a_system_role_gets_the_rules_in_the_first_question() -> None:
    class Roles(ChatServer):
        def _step(self, seen: Seen) -> Step:
            system = seen.body["messages"][0]["role"] == "system"
            return refusal("System role not supported") if system else Say("fine")

    with chat_server(kind=Roles) as server:
        first, second = ask_http(server.base_url, request("one"), request("two"))
        assert server.requests[-1].body["messages"][0]["role"] == "user"
    assert (first.text, second.text) == ("fine", "fine")
