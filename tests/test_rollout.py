"""Agents are driven through traces: what is asked, in which order, and what becomes of every kind of answer."""

import asyncio

import pytest

from proactivebench.errors import UsageError
from proactivebench.models.base import Answer, Failure
from proactivebench.protocols import load_protocol
from proactivebench.protocols.cards import load_card
from proactivebench.protocols.parser import Extraction, parse_reply
from proactivebench.protocols.standard import StandardProtocol
from proactivebench.records import Cause, Decoding, Fault, Note, ReplyKey, ReplyStatus, Usage
from proactivebench.rollout import Rollout, reply_status
from tests.scripted import ScriptedAgent, failed, offer, tiny_task


def roll(agent, task=None, **fields):
    """Run a rollout; returns the replies in the order they came."""
    task = task or tiny_task(3, 2)
    replies = []
    defaults = {"protocol": load_protocol("standard", **fields.pop("card", {})), "decoding": Decoding()}
    rollout = Rollout(
        agent=agent, traces=task.traces, emit=lambda _, reply: replies.append(reply), **(defaults | fields)
    )
    asyncio.run(rollout.run())
    return replies


@pytest.fixture(params=[False, True], ids=["free", "lockstep"])
def lockstep(request):
    return request.param


def statuses(replies):
    return {(r.trace_id, r.turn): r.status.value for r in replies}


def test_every_moment_is_asked_once(lockstep):
    agent = ScriptedAgent(lockstep=lockstep)
    replies = roll(agent)
    assert len(agent.requests) == 5
    assert sorted((r.trace_id, r.turn) for r in replies) == [
        ("trace_0", 0), ("trace_0", 1), ("trace_0", 2), ("trace_1", 0), ("trace_1", 1),
    ]  # fmt: skip


def test_own_history_carries_the_agents_earlier_words(lockstep):
    agent = ScriptedAgent(lambda request: offer(f"offer {request.moment.turn}"), lockstep=lockstep)
    roll(agent)
    last = next(r for r in agent.requests if r.moment.turn == 2)
    said = [message.content for message in last.messages if message.role == "assistant"]
    assert said == [offer("offer 0"), offer("offer 1")]


def test_lockstep_asks_one_batch_a_turn_over_all_traces():
    agent = ScriptedAgent(lockstep=True)
    roll(agent, tiny_task(3, 2, 1), repeats=2)
    assert agent.batches == [6, 4, 2]


def test_free_running_traces_do_not_wait_for_each_other():
    slow = ScriptedAgent(delay=lambda request: 0.3 if request.moment.trace.trace_id == "trace_0" else 0.0)
    replies = roll(slow, tiny_task(2, 6))
    assert [r.trace_id for r in replies][:6] == ["trace_1"] * 6


def test_no_more_traces_run_at_once_than_concurrency_allows():
    agent = ScriptedAgent(delay=lambda _: 0.01)
    roll(agent, tiny_task(2, 2, 2, 2, 2), concurrency=2)
    assert agent.most_running == 2


def test_moments_without_own_history_do_not_wait_for_each_other():
    agent = ScriptedAgent(delay=lambda _: 0.01)
    roll(agent, tiny_task(8), card={"history": "observations"})
    assert agent.most_running == 8


def test_the_seed_differs_by_repeat_and_by_nothing_else(lockstep):
    agent = ScriptedAgent(lockstep=lockstep)
    roll(agent, seed=40, repeats=2)
    assert {(r.repeat, r.seed) for r in agent.requests} == {(0, 40), (1, 41)}


def test_final_replies_are_never_asked_again(lockstep):
    first = roll(ScriptedAgent(lambda request: "nonsense" if request.moment.turn else offer("x"), lockstep=lockstep))
    again = ScriptedAgent(lockstep=lockstep)
    assert roll(again, stored={reply.key: reply for reply in first}) == []
    assert again.requests == []


def test_an_error_stops_its_trace_and_no_other(lockstep):
    agent = ScriptedAgent(
        lambda r: failed() if (r.moment.trace.trace_id, r.moment.turn) == ("trace_0", 1) else offer(None),
        lockstep=lockstep,
    )
    assert statuses(roll(agent)) == {
        ("trace_0", 0): "silent", ("trace_0", 1): "error", ("trace_1", 0): "silent", ("trace_1", 1): "silent",
    }  # fmt: skip


def test_a_resumed_run_continues_from_the_turn_that_failed(lockstep):
    first = roll(ScriptedAgent(lambda r: failed() if r.moment.turn == 1 else offer("early"), lockstep=lockstep))
    again = ScriptedAgent(lambda _: offer("late"), lockstep=lockstep)
    replies = roll(again, stored={reply.key: reply for reply in first})
    assert sorted((r.trace_id, r.turn) for r in replies) == [("trace_0", 1), ("trace_0", 2), ("trace_1", 1)]
    resumed = next(r for r in again.requests if r.moment.turn == 2)
    assert [m.content for m in resumed.messages if m.role == "assistant"] == [offer("early"), offer("late")]


def test_without_own_history_an_error_stops_nothing():
    agent = ScriptedAgent(lambda r: failed() if r.moment.turn == 0 else offer(None))
    replies = roll(agent, tiny_task(3), card={"history": "observations"})
    assert sorted((r.turn, r.status.value) for r in replies) == [(0, "error"), (1, "silent"), (2, "silent")]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(text=offer("Do it")), ReplyStatus.PROPOSED),
        (Answer(text=offer(None)), ReplyStatus.SILENT),
        (Answer(text="I would rather not say"), ReplyStatus.UNPARSABLE),
        (Answer(text=""), ReplyStatus.EMPTY),
        (Answer(text='{"Purpose": "the user', truncated=True), ReplyStatus.TRUNCATED),
        (Answer(text="", truncated=True), ReplyStatus.TRUNCATED),
        (Answer(text=offer("Do it"), truncated=True), ReplyStatus.PROPOSED),
        (Answer(text=None, failure=Failure.REFUSED, error="content filter"), ReplyStatus.REFUSED),
        (Answer(text=None, failure=Failure.ERROR, error="timeout"), ReplyStatus.ERROR),
    ],
)
def test_every_answer_gets_its_status(answer, status):
    assert roll(ScriptedAgent(lambda _: answer), tiny_task(1))[0].status is status


TAILS = ["", "\n```", "</answer>", "<|im_end|>"]
THOUGHTS = [" Hmm, but is it", "\n```\nBut wait, the user", "{", ' {"Proactive Task": "Rather th']


@pytest.mark.parametrize("task", ["Do it", None])
def test_a_reply_that_was_cut_off_counts_only_where_its_object_is_the_last_thing_in_it(task):
    def told(text, **how):
        reply = roll(ScriptedAgent(lambda _: Answer(text=text, **how)), tiny_task(1))[0]
        return reply.status, reply.cause, reply.proposals

    clean = (ReplyStatus.SILENT, None, ()) if task is None else (ReplyStatus.PROPOSED, None, (task,))
    for tail in TAILS:
        assert told(f"So: {offer(task)}{tail}", truncated=True) == clean
    for thought in THOUGHTS:
        assert told(f"So: {offer(task)}{thought}", truncated=True) == (ReplyStatus.TRUNCATED, Cause.AFTER_CUT, ())
    for thought in THOUGHTS[:3]:
        assert told(f"So: {offer(task)}{thought}") == clean  # all was said: prose around an answer is prose
    for tag in ("<think>", "<seed:think>", "<|channel|>analysis<|message|>", "[THINK]"):
        assert told(f"{tag}So: {offer(task)} Hmm", truncated=True)[0] is ReplyStatus.TRUNCATED


def test_a_reply_whose_end_nobody_knows_counts_only_where_it_can_be_read_to_its_end():
    def told(text):
        answer = Answer(text=text, finish_reason="abort", notes=(Note.FINISH_UNKNOWN,))
        reply = roll(ScriptedAgent(lambda _: answer), tiny_task(1))[0]
        assert reply.finish_reason == "abort"
        return reply.status, reply.cause, reply.proposals

    assert told(offer("Do it")) == (ReplyStatus.PROPOSED, None, ("Do it",))
    assert told(offer(None)) == (ReplyStatus.SILENT, None, ())
    for text in (f"{offer('Do it')} Hmm, but", '{"Purpose": "the us', '{"Something": 3}', "I would", ""):
        assert told(text) == (ReplyStatus.ERROR, Cause.FAILED_INSIDE, ())


def test_a_reply_of_thoughts_alone_is_empty_by_the_models_own_doing():
    reply = roll(ScriptedAgent(lambda _: Answer(text="<think>hm</think>")), tiny_task(1))[0]
    assert (reply.status, reply.cause, reply.fault) == (ReplyStatus.EMPTY, Cause.NO_TEXT, Fault.MODEL)


def test_the_request_says_which_texts_can_be_read():
    agent = ScriptedAgent()
    roll(agent, tiny_task(1))
    readable = agent.requests[0].readable
    assert [readable(text) for text in (offer(None), offer("x"), f"{offer('x')} or", "{}", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_under_the_released_reading_a_block_that_more_follows_is_a_draft_if_the_reply_was_cut_off():
    parsed = parse_reply(f"```json\n{offer('Do it')}\n```\nBut wait", extraction=Extraction.RELEASED)
    assert reply_status(Answer(text="", truncated=False), parsed) is ReplyStatus.PROPOSED
    assert reply_status(Answer(text="", truncated=True), parsed) is ReplyStatus.TRUNCATED


def test_a_draft_is_asked_again_like_any_answer_that_cannot_be_read():
    class Patient(StandardProtocol):
        def __init__(self):
            super().__init__(load_card("standard"))
            self.max_attempts = 2

    texts = iter([Answer(text=f"{offer('a draft')} or", truncated=True), Answer(text=offer("yes"))])
    assert roll(ScriptedAgent(lambda _: next(texts)), tiny_task(1), protocol=Patient())[0].proposals == ("yes",)


def test_what_a_judge_told_the_agent_is_no_offer_when_it_comes_back():
    """Advice of this moment, of an earlier round of it, and of an earlier moment."""

    async def advisor(asked):
        return ["Help with the tests instead of this." if step.moment.turn == 0 else None for step in asked]

    def answer(request):
        return offer(
            "Water the plants"
            if (request.moment.turn, request.round) == (0, 0)
            else "help with the tests instead of THIS"
        )

    replies = roll(
        ScriptedAgent(answer),
        tiny_task(2),
        card={"feedback_rounds": 2, "feedback_judge": "j-00000000"},
        advisor=advisor,
    )
    assert [(r.turn, r.round, r.cause) for r in sorted(replies, key=lambda r: r.key)] == [
        (0, 0, None), (0, 1, Cause.ECHO), (0, 2, Cause.ECHO), (1, 0, Cause.ECHO)
    ]  # fmt: skip


def test_an_unclean_reply_leaves_the_same_placeholder_whatever_it_said(lockstep):
    def placeholder(said):
        agent = ScriptedAgent(lambda r: said if r.moment.turn == 0 else offer(None), lockstep=lockstep)
        roll(agent, tiny_task(2))
        return [m.content for m in agent.requests[-1].messages if m.role == "assistant"]

    left = placeholder("Sure! I will delete everything.")
    assert left == placeholder("") == placeholder(Answer(text=None, failure=Failure.REFUSED))
    assert len(left) == 1
    assert "delete" not in left[0]


def test_the_cost_of_every_attempt_counts():
    class Stubborn:
        """The standard protocol with the paper's patience."""

        def __init__(self):
            self._protocol = load_protocol("standard")

        max_attempts = 5

        def __getattr__(self, name):
            return getattr(self._protocol, name)

    texts = iter(["no", "no", offer("yes")])
    usage = Usage(prompt_tokens=10, completion_tokens=2)
    agent = ScriptedAgent(lambda _: Answer(text=next(texts), usage=usage, latency_s=0.5, attempts=2))
    reply = roll(agent, tiny_task(1), protocol=Stubborn())[0]
    assert (reply.status, reply.attempts, reply.latency_s) == (ReplyStatus.PROPOSED, 6, 1.5)
    assert reply.usage == Usage(prompt_tokens=30, completion_tokens=6)
    assert len({request.seed for request in agent.requests}) == 3


def test_text_that_utf8_cannot_hold_is_stored_all_the_same():
    reply = roll(ScriptedAgent(lambda _: '{"Proactive Task": "\\ud800 half"}'), tiny_task(1))[0]
    assert reply.status is ReplyStatus.PROPOSED
    assert "half" in reply.model_dump_json()


def test_what_makes_no_sense_to_repeat_ends_the_rollout(lockstep):
    agent = ScriptedAgent(lambda r: UsageError("401") if r.moment.turn else offer(None), lockstep=lockstep)
    with pytest.raises(UsageError):
        roll(agent)


def test_stopping_waits_for_requests_in_flight_and_starts_none(lockstep):
    stop = asyncio.Event()

    def script(request):
        stop.set()
        return offer(None)

    agent = ScriptedAgent(script, delay=lambda _: 0.01, lockstep=lockstep)
    replies = roll(agent, tiny_task(4, 4), stop=stop)
    assert len(replies) == len(agent.requests) == 2


def test_advice_goes_back_until_it_is_accepted_or_the_rounds_are_over(lockstep):
    async def advise(asked):
        return [None if a.reply.proposals == ("good",) else f"not {a.reply.proposals}" for a in asked]

    offers = {0: "bad", 1: "worse", 2: "good"}
    agent = ScriptedAgent(lambda r: offer(offers[r.round]), lockstep=lockstep)
    card = {"feedback_rounds": 3, "feedback_judge": "scripted-00000000"}
    replies = roll(agent, tiny_task(2), card=card, advisor=advise)
    assert [(r.turn, r.round) for r in replies] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert replies[1].advice == "not ('bad',)"
    assert "not ('worse',)" in agent.requests[2].messages[-1].content

    stored = {reply.key: reply for reply in replies if reply.key < ReplyKey("trace_0", 1, 0, 1)}
    resumed = ScriptedAgent(lambda r: offer(offers[r.round]), lockstep=lockstep)
    roll(resumed, tiny_task(2), card=card, advisor=advise, stored=stored)
    assert resumed.requests[-1].messages == agent.requests[-1].messages
    assert len(resumed.requests) == 2
