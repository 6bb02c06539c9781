"""A function, a class or an object of a user's own is an agent: what it returns, may remember, and how it may fail."""

import asyncio
import functools
import threading
import time
from dataclasses import dataclass

import pytest

import proactivebench as pb
from proactivebench.errors import UsageError
from proactivebench.records import Cause, ReplyKey, ReplyStatus
from tests.agents.programs import given, rejecting, run
from tests.scripted import tiny_task

FEEDBACK = {"feedback_rounds": 1, "feedback_judge": "scripted-00000000"}
FIRST = ReplyKey("trace_0", 0)


def first(path, target, **fields):
    """The reply to the only moment of a tiny task."""
    card = fields.get("card")
    return run(path, given(target, **fields), tiny_task(1), card=card)[FIRST]


@pytest.mark.parametrize(
    ("returned", "offers"),
    [
        (None, ()),
        (pb.Action(), ()),
        (pb.Action(decision="silent"), ()),
        ([], ()),
        ("", ()),
        ("null", ()),
        (" None ", ()),
        ("help", ("help",)),
        ("  spaces kept  ", ("  spaces kept  ",)),
        ("<think>no</think> yes", ("<think>no</think> yes",)),
        ('{"Proactive Task": "other"} it', ('{"Proactive Task": "other"} it',)),
        ("a\n```json\n{}\n```", ("a\n```json\n{}\n```",)),
        ("assistantfinal yes", ("assistantfinal yes",)),
        (["help"], ("help",)),
        (("null", "help"), ("help",)),
        (pb.Action(["help"]), ("help",)),
        (pb.Action("help"), ("help",)),
    ],
)
def test_a_returned_text_is_the_offer_as_it_is_and_nothing_else(tmp_path, returned, offers):
    reply = run(tmp_path, given(lambda _: returned), tiny_task(1))[FIRST]
    assert reply.status is (ReplyStatus.PROPOSED if offers else ReplyStatus.SILENT)
    assert reply.proposals == offers


@pytest.mark.parametrize("returned", [42, 1.5, True, b"help", {"offers": ["help"]}, object(), [1], {"help"}, range(2)])
def test_what_is_no_action_is_unparsable_by_the_agents_own_doing(tmp_path, returned):
    reply = first(tmp_path, lambda _: returned)
    assert (reply.status, reply.cause) == (ReplyStatus.UNPARSABLE, Cause.WRONG_TYPE)
    assert type(returned).__name__ in (reply.text or "")
    assert reply.fault == "model"


def test_an_offer_longer_than_any_reader_takes_is_unparsable_and_not_stored_whole(tmp_path):
    reply = first(tmp_path, lambda _: "x" * 10**7)
    assert (reply.status, reply.cause) == (ReplyStatus.UNPARSABLE, Cause.TOO_LONG)
    assert len(reply.text or "") < 20_000


def test_as_many_offers_count_as_are_asked_for(tmp_path):
    one = first(tmp_path / "1", lambda _: ["a help", "b help"])
    assert one.proposals == ("a help",)
    assert "b help" in (one.text or "")
    two = first(tmp_path / "2", lambda m: [f"help {n}" for n in range(m.candidates + 1)], card={"candidates": 2})
    assert two.proposals == ("help 0", "help 1")


def test_what_an_action_states_is_kept(tmp_path):
    action = pb.Action(["help"], p_need=0.3, p_accept=0.8, usage=pb.Usage(prompt_tokens=7))
    reply = first(tmp_path, lambda _: action)
    assert (reply.p_need, reply.confidence, reply.usage) == (0.3, 0.8, action.usage)
    assert '"p_need": 0.3' in (reply.text or "")


@pytest.mark.parametrize("decision", ["ask", "wait", "act"])
def test_a_decision_the_task_does_not_have_is_refused_in_one_line(tmp_path, decision):
    action = pb.Action([] if decision == "wait" else ["who?"], decision)
    with pytest.raises(UsageError, match=rf"decided '{decision}', and this task knows silent and offer"):
        first(tmp_path, lambda _: action)


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda: pb.Action([3]), TypeError),
        (lambda: pb.Action(decision="offer"), ValueError),
        (lambda: pb.Action(["x"], "silent"), ValueError),
        (lambda: pb.Action(decision="maybe"), ValueError),
        (lambda: pb.Action(p_accept=1.5), ValueError),
        (lambda: pb.Action(p_need="high"), TypeError),
        (lambda: pb.Action(p_need=True), TypeError),
        (lambda: pb.Action(usage={"prompt_tokens": 3}), TypeError),
    ],
)
def test_an_action_that_cannot_be_cannot_be_made(made, error):
    with pytest.raises(error):
        made()


def test_an_agent_sees_what_happened_so_far_and_nothing_else(tmp_path):
    seen = []
    task = tiny_task(3)
    run(tmp_path, given(lambda m: seen.append(m) or f"help {m.turn}"), task)
    assert [m.turn for m in seen] == [0, 1, 2]
    assert [m.observations for m in seen] == [task.traces[0].events[: n + 1] for n in range(3)]
    assert seen[2].observation.event == "does thing 2 of 0"
    assert [a.offers for a in seen[2].history] == [("help 0",), ("help 1",)]
    assert all(a.verdict is None for a in seen[2].history)
    for moment in seen:
        assert not any("label" in name or name == "trace" for name in dir(moment))


def test_where_the_protocol_shows_observations_alone_there_is_no_history_and_no_memory(tmp_path):
    lives = []

    class Remembers(pb.Agent):
        def __init__(self):
            lives.append(self)
            self.asked = 0

        def act(self, moment):
            self.asked += 1
            return f"{len(moment.history)} {self.asked} and {len(moment.observations)}"

    card = {"history": "observations"}
    replies = run(tmp_path, given(Remembers, card=card), tiny_task(3), card=card)
    assert sorted(r.proposals[0] for r in replies.values()) == ["0 1 and 1", "0 1 and 2", "0 1 and 3"]
    assert len(lives) == 3


def test_an_agent_hears_what_was_rejected_and_answers_again(tmp_path):
    seen = []

    def agent(moment):
        seen.append(moment)
        return f"second help {moment.turn}" if moment.rounds else f"first help {moment.turn}"

    judge = rejecting("first help 0")
    replies = run(tmp_path, given(agent, card=FEEDBACK), tiny_task(2), card=FEEDBACK, feedback=judge)
    assert replies[ReplyKey("trace_0", 0, 0, 1)].proposals == ("second help 0",)
    again, later = seen[1], seen[2]
    assert [(a.offers, a.verdict, a.reason) for a in again.rounds] == [
        (("first help 0",), "rejected", "not first help 0")
    ]
    assert [(a.round, a.verdict) for a in later.history] == [(0, "rejected"), (1, None)]
    assert later.rejected == ("first help 0",)


def test_an_offer_the_judge_let_stand_is_told_as_not_rejected(tmp_path):
    seen = []
    agent = given(lambda m: seen.append(m) or "good help", card=FEEDBACK)
    run(tmp_path, agent, tiny_task(2), card=FEEDBACK, feedback=rejecting())
    assert [a.verdict for a in seen[-1].history] == ["not_rejected"]


# --- who acts ---------------------------------------------------------------------------------------------------------


class Counting(pb.Agent):
    """Counts its own answers."""

    def __init__(self, word="offer"):
        self.word, self.said, self.closed = word, 0, False

    def start(self, trace):
        fresh = type(self)(self.word)
        fresh.trace = trace
        return fresh

    def act(self, moment):
        self.said += 1
        return f"{self.word} {self.said}"

    def remember(self, moment, action):
        self.said += 1


class Plain:
    """No subclass of anything."""

    def __init__(self):
        self.said = 0

    def act(self, moment):
        self.said += 1
        return f"offer {self.said}"


class Called:
    """An object that can be called."""

    async def __call__(self, moment):
        await asyncio.sleep(0)
        return f"offer {moment.turn + 1}"


async def coroutine(moment):
    await asyncio.sleep(0)
    return f"offer {moment.turn + 1}"


@pytest.mark.parametrize(
    "target",
    [
        Counting,
        Counting(),
        Plain,
        Called,
        Called(),
        coroutine,
        lambda m: coroutine(m),
        functools.partial(lambda m, word: f"{word} {m.turn + 1}", word="offer"),
    ],
)
def test_functions_classes_and_objects_act_alike(tmp_path, target):
    replies = run(tmp_path, given(target), tiny_task(3, 2), repeats=2)
    assert {key: reply.proposals[0] for key, reply in replies.items()} == {
        ReplyKey(f"trace_{trace}", turn, repeat): f"offer {turn + 1}"
        for trace, length in ((0, 3), (1, 2))
        for turn in range(length)
        for repeat in range(2)
    }


def test_what_an_agent_is_made_with_comes_from_model_args(tmp_path):
    agent = given(Counting, args={"word": "idea"})
    assert run(tmp_path / "c", agent, tiny_task(1))[FIRST].proposals == ("idea 1",)
    assert agent.identity.model_args == {"word": "idea"}
    said = run(tmp_path / "f", given(lambda _, word: word, args={"word": "idea"}), tiny_task(1))[FIRST]
    assert said.proposals == ("idea",)


@pytest.mark.parametrize(
    ("target", "args", "says"),
    [
        (Counting, {"wrod": "x"}, "wrod"),
        (Counting(), {"word": "x"}, "made already and takes no word"),
        (lambda _: None, {"word": "x"}, "word"),
        (lambda: None, {}, r"cannot be called with a moment"),
        (type("Idle", (), {}), {}, "Idle has no act"),
        (type("Odd", (), {"act": lambda _: None}), {}, "cannot be called with a moment"),
        (object(), {}, "is no agent"),
        (7, {}, "int is no agent"),
        (Counting, {"api_key": "x"}, "looks like a secret"),
    ],
)
def test_what_cannot_act_is_refused_before_anything_is_asked(target, args, says):
    with pytest.raises(UsageError, match=says):
        given(target, args=args)


def test_every_repeat_has_an_agent_of_its_own_that_is_let_go_at_the_end(tmp_path):
    made = []

    class Tracked(Counting):
        def start(self, trace):
            fresh = super().start(trace)
            made.append(fresh)
            return fresh

        async def close(self):
            self.closed = True

    origin = Tracked()
    run(tmp_path, given(origin), tiny_task(2, 1), repeats=2)
    assert sorted((a.trace.trace_id, a.trace.repeat, a.trace.seed) for a in made) == [
        ("trace_0", 0, 0), ("trace_0", 1, 1), ("trace_1", 0, 0), ("trace_1", 1, 1),
    ]  # fmt: skip
    assert all(a.closed for a in made)
    assert origin.closed
    assert origin.said == 0


# --- failing ----------------------------------------------------------------------------------------------------------


def fails(error):
    def agent(moment):
        if moment.turn == 1:
            raise error

    return agent


@pytest.mark.parametrize(
    "error",
    [ValueError("boom"), SystemExit(1), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError(), MemoryError()],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_exception_is_no_answer_and_says_where_it_comes_from(tmp_path, error, kind):
    function = fails(error)

    async def waiting(moment):
        return function(moment)

    replies = run(tmp_path, given(function if kind == "sync" else waiting), tiny_task(3, 1))
    reply = replies[ReplyKey("trace_0", 1)]
    assert reply.status is ReplyStatus.ERROR
    named = "RuntimeError: coroutine raised StopIteration" if kind == "async" else type(error).__name__
    assert (reply.error or "").startswith(named if isinstance(error, StopIteration) else type(error).__name__)
    assert "test_callables.py:" in (reply.error or "")
    assert ReplyKey("trace_0", 2) not in replies  # what follows would build on it
    assert replies[ReplyKey("trace_1", 0)].status.final


def test_what_a_message_says_of_keys_is_cut_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PB_TEST_API_KEY", "a-secret-of-mine-0123")
    reply = first(tmp_path, lambda _: (_ for _ in ()).throw(ValueError("key a-secret-of-mine-0123\nsk-abcdefghijk")))
    assert (reply.error or "").startswith("ValueError: key [key] [key] (test_callables.py:")


def test_a_resumed_trace_goes_on_where_it_stopped_and_asks_nothing_twice(tmp_path):
    asked, broken = [], [True]

    class Breaks(Counting):
        def act(self, moment):
            asked.append((moment.trace_id, moment.turn))
            if moment.turn == 2 and broken[0]:
                raise OSError("no network")
            return super().act(moment)

    task = tiny_task(4, 1)
    run(tmp_path, given(Breaks), task)
    broken[0] = False
    replies = run(tmp_path, given(Breaks), task)
    assert [replies[ReplyKey("trace_0", turn)].proposals for turn in range(4)] == [
        (f"offer {n}",) for n in (1, 2, 3, 4)
    ]
    assert sorted(asked) == [*(("trace_0", n) for n in (0, 1, 2, 2, 3)), ("trace_1", 0)]
    asked.clear()
    run(tmp_path, given(Breaks), task)
    assert asked == []


def test_an_exception_in_start_is_no_answer_and_nothing_from_it_a_mistake(tmp_path):
    class Cannot(Counting):
        def start(self, trace):
            raise ValueError("no")

    assert first(tmp_path / "raises", Cannot()).status is ReplyStatus.ERROR

    class Forgets(Counting):
        def start(self, trace):
            self.said = 0

    with pytest.raises(UsageError, match="start returned None: return the agent"):
        first(tmp_path / "none", Forgets())


@pytest.mark.parametrize("kind", ["sync", "async", "blocking"])
def test_a_hang_costs_its_own_trace_and_a_late_answer_is_no_later_moments(tmp_path, kind):
    free = threading.Event()

    def hangs(moment):
        if moment.trace_id == "trace_0" and moment.turn == 1 and not free.is_set():
            free.wait(20)
            return "too late"
        return "in time"

    async def waits(moment):
        if moment.trace_id == "trace_0" and moment.turn == 1 and not free.is_set():
            await asyncio.sleep(20)
            return "too late"
        return "in time"

    async def blocks(moment):
        return hangs(moment)

    target = {"sync": hangs, "async": waits, "blocking": blocks}[kind]
    try:
        replies = run(tmp_path, given(target, timeout_s=0.3, concurrency=1), tiny_task(3, 1), concurrency=1)
    finally:
        free.set()
    hung = replies[ReplyKey("trace_0", 1)]
    assert (hung.status, hung.error) == (ReplyStatus.ERROR, "no answer within 0.3 s")
    assert not any("too late" in reply.proposals for reply in replies.values())
    replies = run(tmp_path, given(target), tiny_task(3, 1))
    assert {reply.proposals for reply in replies.values()} == {("in time",)}


def test_functions_run_side_by_side_and_no_more_of_them_than_are_allowed(tmp_path):
    at_work, most, lock = [0], [0], threading.Lock()

    def slow(moment):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1

    run(tmp_path, given(slow, concurrency=2), tiny_task(*[2] * 6), concurrency=6)
    assert most[0] == 2


# --- who it was -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tuned:
    """An agent with a setting."""

    threshold: float = 0.5

    def act(self, moment):
        return None


def test_an_object_is_known_by_its_place_its_settings_and_the_hash_of_its_code():
    identity = given(Tuned(0.7)).identity
    assert (identity.model, identity.model_args) == ("tests.agents.test_callables:Tuned", {"threshold": "0.7"})
    assert identity.code is not None
    assert identity.code.sha256


def test_changed_code_or_settings_are_refused_on_a_resume_with_what_differs(tmp_path):
    agent = given(Tuned(0.7))
    run(tmp_path, agent, tiny_task(1))
    with pytest.raises(UsageError, match=r"asked something else \(agent\.model_args\.threshold: 0\.7 then, 0\.9 now\)"):
        run(tmp_path, given(Tuned(0.9)), tiny_task(1))
    code = agent.identity.code.model_copy(update={"sha256": "0" * 64})
    agent = given(Tuned(0.7))
    agent.identity = agent.identity.model_copy(update={"code": code})
    with pytest.raises(UsageError, match=r"agent\.code\.sha256: .* give another --output_path"):
        run(tmp_path, agent, tiny_task(1))
