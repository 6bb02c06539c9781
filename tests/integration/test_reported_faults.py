"""Faults that users of other tools reported in public, each against a real server and the whole command: a wrong number
must not leave with exit 0. The table in docs/endpoints.md says of each what happens here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proactivebench.records import Reply, Verdict
from proactivebench.resources import shipped
from proactivebench.store import RunStore
from tests.board.calling import call
from tests.servers.chat import ChatServer, Fault, Say, Seen, Step, chat_server, refusal

OFFER = json.dumps(
    {"Purpose": "p", "Thoughts": "t", "Proactive Task": "Find out which process holds port 5432", "Response": "ok?"}
)
SOON = {"retry-after-ms": "5"}  # that it is asked again is the point, not how long it takes
ACCEPTED = '{"reason": "fits", "verdict": "accepted"}'
TASK = {
    "trace_id": "s1",
    "split": "coding",
    "events": [{"time": str(60 * i), "event": f"Step {i}: port 5432 is taken."} for i in range(3)],
    "labels": [{"need": i == 1} for i in range(3)],
}


@dataclass
class Ran:
    """One or more commands against one server, into one run directory."""

    server: ChatServer
    path: Path
    codes: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def command(self, *args: str) -> None:
        """Run `proactivebench run` on the three moments."""
        task = self.path.with_suffix(".jsonl")
        task.write_text(json.dumps(TASK), encoding="utf-8")
        done = call("run", "--tasks", task, "--output_path", self.path, "--concurrency", "1", *args)
        assert "fault of proactivebench" not in done.err, done.err
        self.codes.append(done.code)
        self.said.append(done.err)

    def agent(self, *args: str, model_args: str = "") -> None:
        """The server answers as the agent."""
        address = f"base_url={self.server.base_url},model=m{model_args}"
        self.command("--model", "endpoint", "--model_args", address, *(args or ("--max_retries", "1")))

    def judge(self, *args: str, card: str = "llm") -> None:
        """The server answers as the judge of an agent that always offers."""
        address = f"base_url={self.server.base_url},model=j"
        self.command(
            "--model", "always", "--judge", card, "--judge_model", "endpoint", "--judge_model_args", address,
            "--no_judge_cache", "--max_retries", "1", *args,
        )  # fmt: skip

    @property
    def replies(self) -> list[Reply]:
        """What is stored, in order."""
        return list(RunStore(self.path).replies().values())

    @property
    def statuses(self) -> list[str]:
        """The status of each stored reply."""
        return [reply.status.value for reply in self.replies]

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts stored, of every judge."""
        store = RunStore(self.path)
        return [verdict for judge in store.judge_ids() for verdict in store.verdicts(judge).values()]

    @property
    def forms(self) -> set[str]:
        """The response formats sent about moments."""
        return {(seen.body.get("response_format") or {}).get("type", "none") for seen in self.server.asked}

    @property
    def found(self) -> dict[str, object]:
        """What the probe found, as the manifest has it."""
        return RunStore(self.path).manifest.parameters


Script = Callable[[Seen, int, int], Step]
"""The response to a request: the request, its number among all requests, and among those that are no probe."""


@dataclass(frozen=True)
class Case:
    """A fault: its row in the docs, the server that has it, and what must be so."""

    row: str
    script: Script
    check: Callable[[Ran], None]


CASES: list[Case] = []


def fault(row: str, script: Script) -> Callable[[Callable[[Ran], None]], Callable[[Ran], None]]:
    """Enter a case: the function runs the commands and checks them."""

    def enter(check: Callable[[Ran], None]) -> Callable[[Ran], None]:
        CASES.append(Case(row, script, check))
        return check

    return enter


@pytest.mark.parametrize("case", [pytest.param(index, id=f"{index:02}") for index in range(19)])
def test_a_fault_reported_in_public_bends_no_number(case: int, tmp_path: Path) -> None:
    found = CASES[case]
    counted = {"all": 0, "moments": 0}

    class Counting(ChatServer):
        def _step(self, seen: Seen) -> Step:
            counted["all"] += 1
            counted["moments"] += not seen.probe
            return found.script(seen, counted["all"], 0 if seen.probe else counted["moments"])

    with chat_server(kind=Counting) as server:
        found.check(Ran(server, tmp_path / "run"))


def test_the_docs_name_every_one_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")
    section = page.partition("## Faults that others reported")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(CASES) == 19
    assert [row for row in rows if row in {case.row for case in CASES}] == [case.row for case in CASES]
    assert len(rows) == 21, "those two more are tested where files are read and where Windows is simulated"


# --- failures that look like answers ----------------------------------------------------------------------------------


def failed_inside(seen: Seen, _: int, moment: int) -> Step:
    """A provider's failure inside a 200 at the second moment."""
    if moment == 2:
        return Say('{"Purpose": "p", "Thou', finish="abort", choice={"error": {"code": 502, "message": "timeout"}})
    return Say(OFFER)


@fault("a failure inside a 200: a finish reason such as `error` or `abort`, an `error` in the choice", failed_inside)
def asked_again(ran: Ran) -> None:
    ran.agent()
    assert [(reply.status.value, reply.attempts) for reply in ran.replies] == [
        ("proposed", 1), ("proposed", 2), ("proposed", 1),
    ]  # fmt: skip


def too_small(seen: Seen, _: int, moment: int) -> Step:
    """A server whose context is smaller than the limit that the run asks for."""
    if moment and seen.body.get("max_tokens", 0) > 512:
        return Fault(400, {
            "object": "error", "type": "BadRequestError", "param": None, "code": 400,
            "message": "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context "
            "length is 2048 tokens and your request has 1600 input tokens",
        })  # fmt: skip
    return Say(OFFER)


@fault("every request is refused because prompt and limit exceed the server's context", too_small)
def incomplete_with_the_way_out(ran: Ran) -> None:
    ran.agent()
    assert ran.codes[0] in (2, 3)
    assert "refused" not in ran.statuses
    assert "max_gen_toks" in ran.said[0] or "max_gen_toks" in (ran.replies[0].error or "")


def wants_reasoning_back(seen: Seen, _: int, __: int) -> Step:
    """A server in thinking mode, which refuses a history without the thoughts."""
    if any(m["role"] == "assistant" and "reasoning_content" not in m for m in seen.body["messages"]):
        return refusal("The `reasoning_content` in the thinking mode must be passed back to the API.")
    return Say(OFFER, message={"reasoning_content": "t"})


@fault("a server in thinking mode wants `reasoning_content` back in the history", wants_reasoning_back)
def given_back(ran: Ran) -> None:
    ran.agent()
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


# --- drafts -----------------------------------------------------------------------------------------------------------

DRAFTS = (
    f"<thinking>Probably {ACCEPTED} but wait, the user",
    f"<reasoning>Probably {ACCEPTED} but wait, the user",
    f"A first guess would be {ACCEPTED}. However, the user has already",
)


def judge_cut_off(seen: Seen, _: int, moment: int) -> Step:
    """A judge cut off within its thoughts, in three shapes."""
    return Say(DRAFTS[moment % 3], finish="length")


@fault("a judge is cut off within its thoughts, after a draft of its verdict", judge_cut_off)
def no_verdict(ran: Ran) -> None:
    ran.judge(card="silence=labels,proposals=llm")
    assert ran.codes == [3]
    assert {(v.status.value, v.cause) for v in ran.verdicts if v.judge == "llm"} == {("unscored", "truncated")}


@fault(
    "an agent is cut off after a draft within a reasoning tag of its vendor's own",
    lambda *_: Say(f"<seed:think>A first idea would be {OFFER} Hmm, but is it", finish="length"),
)
def no_offer(ran: Ran) -> None:
    ran.agent()
    assert set(ran.statuses) <= {"truncated", "unparsable"}


# --- the probe --------------------------------------------------------------------------------------------------------


def loading(seen: Seen, number: int, _: int) -> Step:
    """A server that loads its model for nine requests, then answers in JSON only where a schema is asked for."""
    if number <= 9:
        return Fault(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, SOON)
    return Say(OFFER if "response_format" in seen.body else "Sure, the user looks busy.")


@fault("an outage while the server starts looks like a refusal of `response_format`", loading)
def keeps_the_schema(ran: Ran) -> None:
    ran.agent("--max_retries", "9")
    assert (ran.codes, ran.statuses, ran.forms) == ([0], ["proposed"] * 3, {"json_schema"})


def ails_then_wants_payment(seen: Seen, number: int, _: int) -> Step:
    """A server that fails at the start of the first sitting, and whose account runs empty in it."""
    if number <= 3:
        return Fault(500, {"error": {"message": "internal"}})
    return Fault(402, {"error": {"message": "Insufficient credits"}}) if number == 6 else Say(OFFER)


@fault("two sittings of one run find out different response formats", ails_then_wants_payment)
def one_form_a_run(ran: Ran) -> None:
    forms = []
    for _ in range(4):
        ran.agent("--max_retries", "0")
        forms.append(ran.found.get("response_format"))
        if ran.codes[-1] == 0:
            break
    assert ran.codes[-1] == 0
    assert len(ran.forms) == 1
    assert len({form for form in forms if form}) == 1


def no_system_role(seen: Seen, _: int, __: int) -> Step:
    """A chat template without a system role."""
    if seen.body["messages"][0]["role"] == "system":
        return Fault(400, {"object": "error", "message": "System role not supported", "code": 400})
    return Say(OFFER)


@fault("a chat template knows no system role", no_system_role)
def merged(ran: Ran) -> None:
    ran.agent()
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)
    assert any("system" in name for name in ran.found)


def moderated(seen: Seen, _: int, __: int) -> Step:
    """A gateway that flags one moment."""
    if not seen.probe and "Step 1" in seen.body["messages"][-1]["content"]:
        message = 'Your chosen model requires moderation and your input was flagged for "violence".'
        return Fault(403, {"error": {"message": message, "code": 403, "metadata": {"reasons": ["violence"]}}})
    return Say(OFFER)


@fault("a gateway's moderation answers one moment with 403", moderated)
def that_moment_is_refused(ran: Ran) -> None:
    ran.agent()
    assert ran.statuses == ["proposed", "refused", "proposed"]
    assert ran.codes == [0], "one moment alone makes no run invalid"


def thinking_budget(seen: Seen, _: int, __: int) -> Step:
    """A server that wants more tokens than are budgeted for thoughts."""
    limit = seen.body.get("max_tokens") or seen.body.get("max_completion_tokens") or 0
    if seen.body.get("thinking", {}).get("budget_tokens", 0) >= limit:
        return refusal("`max_tokens` must be greater than `thinking.budget_tokens`.")
    return Say(OFFER)


@fault("a probe smaller than the thinking budget is refused", thinking_budget)
def probed_with_the_runs_own_limit(ran: Ran) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_gen_toks": 4096}
    ran.agent("--gen_kwargs", json.dumps(thinking))
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


def no_choices_to_a_probe(seen: Seen, _: int, __: int) -> Step:
    """A gateway whose thinking model answers a small or odd question without choices."""
    if seen.probe:
        return Fault(200, {"id": "x", "object": "chat.completion", "usage": {"prompt_tokens": 5, "total_tokens": 37}})
    return Say(OFFER)


@fault("a thinking model answers the probe with a 200 without choices", no_choices_to_a_probe)
def goes_on(ran: Ran) -> None:
    ran.agent()
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


def only_streams(seen: Seen, _: int, __: int) -> Step:
    """A server that answers as a stream or not at all."""
    if not seen.body.get("stream"):
        return refusal("This model only support stream mode, please enable the stream parameter to access the model.")
    choice = {"index": 0, "delta": {"content": OFFER}, "finish_reason": "stop"}
    events = f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\ndata: [DONE]\n\n"
    return Fault(200, events, content_type="text/event-stream")


@fault("a server answers only as a stream", only_streams)
def streamed(ran: Ran) -> None:
    ran.agent()
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


def wants_no_thinking(seen: Seen, _: int, __: int) -> Step:
    """A server that takes a judge's request only with a parameter of its card."""
    if seen.body.get("enable_thinking", True):
        return refusal("parameter.enable_thinking must be set to false for non-streaming calls")
    return Say(ACCEPTED)


@fault("a judge's probe does not carry what its card says of decoding", wants_no_thinking)
def carries_it(ran: Ran) -> None:
    shipped_card = shipped("judges", "llm.yaml").read_text(encoding="utf-8")
    card = ran.path.with_name("nothink.yaml")
    card.write_text(
        shipped_card.replace("name: llm", "name: nothink", 1).replace(
            "  max_gen_toks: 300", "  max_gen_toks: 300\n  extra: {enable_thinking: false}"
        ),
        encoding="utf-8",
    )
    ran.judge(card=str(card))
    assert ran.codes == [0]
    assert {seen.body.get("enable_thinking") for seen in ran.server.requests} == {False}


# --- servers as they are ----------------------------------------------------------------------------------------------


def own_header(seen: Seen, _: int, __: int) -> Step:
    """A gateway that wants the key in a header of its own."""
    if seen.headers.get("api-key") != "not-a-real-key-0000":
        return Fault(401, {"error": {"message": "Access denied due to missing subscription key.", "code": "401"}})
    return Say(OFFER)


@fault("a gateway wants the key in a header of its own", own_header)
def key_header_names_it(ran: Ran) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "not-a-real-key-0000")
        patch.delenv("PROACTIVEBENCH_API_KEY", raising=False)
        ran.agent(model_args=",key_header=api-key")
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


def long_loading(seen: Seen, number: int, _: int) -> Step:
    """A server that loads its model for fourteen requests."""
    return Fault(503, {"error": {"message": "Loading model"}}, SOON) if number <= 14 else Say(OFFER)


@fault("a probe is less patient than `--max_retries` asks", long_loading)
def as_patient_as_asked(ran: Ran) -> None:
    ran.agent("--max_retries", "16")
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)


def hiccup(seen: Seen, _: int, moment: int) -> Step:
    """A gateway's empty 200 at the second moment."""
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return Say("", usage=nothing) if moment == 2 else Say(OFFER)


@fault("an empty 200 for which no token was generated", hiccup)
def not_the_models_silence(ran: Ran) -> None:
    ran.agent()
    assert [(reply.status.value, reply.attempts) for reply in ran.replies] == [
        ("proposed", 1), ("proposed", 2), ("proposed", 1),
    ]  # fmt: skip


@fault(
    "text in a content part of another type than `text`",
    lambda *_: Say(message={"content": [{"type": "output_text", "text": OFFER, "annotations": []}]}),
)
def is_read(ran: Ran) -> None:
    ran.agent()
    assert ran.statuses == ["proposed"] * 3


def spends_its_budget(seen: Seen, _: int, moment: int) -> Step:
    """A reasoning judge that needs more tokens than its card allows."""
    if moment and (seen.body.get("max_tokens") or 0) < 1000:
        return Say("", finish="length", message={"reasoning_content": "hm " * 50})
    return Say(ACCEPTED)


@fault("a reasoning judge spends its whole budget on thoughts", spends_its_budget)
def the_way_out_is_named(ran: Ran) -> None:
    ran.judge()
    assert ran.codes == [3]
    assert "max_gen_toks" in ran.said[0]


def broken_bytes(seen: Seen, _: int, __: int) -> Step:
    """An answer with a multi-byte character cut in two."""
    text = json.dumps(Say(OFFER.replace("5432", "@@")).completion())
    return Fault(200, text.encode().replace(b"@@", b"\xe4\xbd"), content_type="application/json")


@fault("broken UTF-8 in an answer", broken_bytes)
def replaced(ran: Ran) -> None:
    ran.agent()
    assert (ran.codes, ran.statuses) == ([0], ["proposed"] * 3)
    assert "\ufffd" in ran.replies[0].proposals[0]
    assert "bytes_replaced" in ran.replies[0].notes
