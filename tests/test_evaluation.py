"""The whole road with scripted parts: rollout and judge side by side, resuming, and what ends a run."""

import asyncio

import pytest

from proactivebench.errors import InvalidRun, UsageError
from proactivebench.evaluation import Callbacks, Evaluation, judge_run, run_async
from proactivebench.judging import create_judge
from proactivebench.judging.base import Opinion
from proactivebench.models.base import Answer, Model
from proactivebench.protocols import load_protocol
from proactivebench.records import AgentIdentity, Decoding, Moment, Reply, ReplyStatus, VerdictStatus
from proactivebench.reporting import check_valid, report_of
from tests.scripted import ScriptedAgent, ScriptedJudge, failed, offer, tiny_task

ACCEPTED, REJECTED, UNSCORED = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED, VerdictStatus.UNSCORED


def evaluation(agent=None, judge=None, task=None, **fields) -> Evaluation:
    card = fields.pop("card", {})
    return Evaluation(
        task=task or tiny_task(3, 2),
        agent=agent or ScriptedAgent(),
        protocol=load_protocol("standard", **card),
        decoding=Decoding(),
        judge=judge,
        **fields,
    )


def run(path, agent=None, judge=None, **fields):
    return run_async(evaluation(agent, judge, **fields).run(path))


def test_every_reply_gets_a_verdict_and_counts_once(tmp_path):
    agent = ScriptedAgent(lambda r: offer("help" if r.moment.turn == 1 else None))
    judge = ScriptedJudge(lambda item: ACCEPTED if item.proposal else REJECTED)
    store = run(tmp_path, agent, judge)
    counts = report_of(store, tiny_task(3, 2)).judges[0].overall.confusion
    assert (counts.tp, counts.fp, counts.tn, counts.fn) == (2, 0, 0, 3)


@pytest.mark.parametrize("lockstep", [True, False])
def test_judging_overlaps_the_rollout(tmp_path, lockstep):
    seen = []

    class Order(Callbacks):
        def reply(self, reply):
            seen.append("reply")

        def verdict(self, verdict):
            seen.append("verdict")

    agent = ScriptedAgent(delay=lambda _: 0.005)
    asyncio.run(evaluation(agent, ScriptedJudge(lockstep=lockstep), tiny_task(6)).run(tmp_path, Order()))
    assert seen.count("reply") == seen.count("verdict") == 6
    assert seen.index("verdict") < 4


def test_the_same_command_again_asks_nothing(tmp_path):
    run(tmp_path, judge=ScriptedJudge())
    agent, judge = ScriptedAgent(), ScriptedJudge()
    run(tmp_path, agent, judge)
    assert (agent.requests, judge.items) == ([], [])


def test_a_limit_is_extended_without_asking_again(tmp_path):
    run(tmp_path, limit=1)
    agent = ScriptedAgent()
    run(tmp_path, agent)
    assert {r.moment.trace.trace_id for r in agent.requests} == {"trace_1"}


def test_only_what_is_missing_is_asked_after_errors(tmp_path):
    broken = ScriptedAgent(lambda r: failed() if r.moment.turn == 1 else offer("x"))
    store = run(tmp_path, broken, ScriptedJudge())
    report = report_of(store, tiny_task(3, 2))
    assert not report.complete
    with pytest.raises(InvalidRun, match=r"3 of 5 moments .* same command"):
        check_valid(report)
    mended = ScriptedAgent(lambda _: offer("x"))
    report = report_of(run(tmp_path, mended, ScriptedJudge()), tiny_task(3, 2))
    assert len(mended.requests) == 3
    assert report.complete


def test_a_judge_that_could_not_be_reached_is_asked_again_and_no_other(tmp_path):
    def first(item):
        cause = "error: timeout" if item.moment.turn == 0 else "no_json"
        return Opinion(UNSCORED, "scripted", cause=cause)

    store = run(tmp_path, judge=ScriptedJudge(first))
    with pytest.raises(InvalidRun, match="unscored"):
        check_valid(report_of(store, tiny_task(3, 2)))
    again = ScriptedJudge()
    run(tmp_path, judge=again)
    assert [item.moment.turn for item in again.items] == [0, 0]


def test_a_verdict_on_a_changed_reply_does_not_stand(tmp_path):
    store = run(tmp_path, ScriptedAgent(lambda _: offer("one thing")), ScriptedJudge())
    with store.append_replies() as log:
        log.append([Reply(trace_id="trace_0", turn=0, status=ReplyStatus.PROPOSED, proposals=("another",))])
    judge = ScriptedJudge()
    asyncio.run(judge_run(store, tiny_task(3, 2), judge))
    assert [item.proposal for item in judge.items] == ["another"]


def test_another_judge_decides_on_stored_replies(tmp_path):
    store = run(tmp_path, ScriptedAgent(lambda _: offer("x")), ScriptedJudge())
    asyncio.run(judge_run(store, tiny_task(3, 2), ScriptedJudge(lambda _: REJECTED, name="strict")))
    precision = [r.overall.metrics["precision"].value for r in report_of(store, tiny_task(3, 2)).judges]
    assert sorted(precision) == [0, 1]


def test_a_failing_judge_ends_the_run_and_keeps_every_reply(tmp_path):
    agent = ScriptedAgent(delay=lambda _: 0.002)
    judge = ScriptedJudge(lambda _: UsageError("401: the judge's key is refused"))
    with pytest.raises(UsageError, match="401"):
        run(tmp_path, agent, judge, task=tiny_task(50))
    from proactivebench.store import RunStore

    stored = RunStore(tmp_path).replies()
    assert 0 < len(stored) == len(agent.requests) < 50


def test_a_failing_agent_lets_the_judge_finish_what_is_there(tmp_path):
    agent = ScriptedAgent(lambda r: UsageError("404: no such model") if r.moment.turn == 2 else offer("x"))
    judge = ScriptedJudge()
    with pytest.raises(UsageError, match="404"):
        run(tmp_path, agent, judge, task=tiny_task(4))
    assert [item.moment.turn for item in judge.items] == [0, 1]


def test_a_judge_that_refuses_the_task_does_so_before_the_first_request(tmp_path):
    class Picky(ScriptedJudge):
        def check(self, task):
            raise UsageError("5 moments have no labels")

    agent = ScriptedAgent()
    with pytest.raises(UsageError):
        run(tmp_path / "run", agent, Picky())
    assert agent.requests == []
    assert not (tmp_path / "run").exists()


def test_the_feedback_judge_advises_and_its_verdicts_are_kept(tmp_path):
    def decide(item):
        return ACCEPTED if item.proposal == "better" else Opinion(REJECTED, "scripted", reason="too vague")

    judge = ScriptedJudge(decide)
    agent = ScriptedAgent(lambda r: offer("better" if r.round else "vague"))
    card = {"feedback_rounds": 1, "feedback_judge": judge.identity.id}
    store = run(tmp_path, agent, judge, feedback=judge, task=tiny_task(2), card=card)
    assert [r.advice for _, r in sorted(store.replies().items())] == [None, "too vague", None, "too vague"]
    assert len(judge.items) == 4
    report = report_of(store, tiny_task(2))
    assert report.judges[0].overall.metrics["precision"].value == 1
    assert report.judges[0].overall.metrics["precision_round0"].value == 0
    assert any("advised" in warning for warning in (*report.warnings, *report.judges[0].warnings))


def test_a_moment_that_later_turns_build_on_gets_no_further_round(tmp_path):
    away = ScriptedJudge(lambda _: Opinion(UNSCORED, "scripted", cause="error:429"))
    card = {"feedback_rounds": 1, "feedback_judge": away.identity.id}
    run(tmp_path, ScriptedAgent(lambda _: offer("vague")), away, feedback=away, task=tiny_task(3), card=card)
    back = ScriptedJudge(lambda _: Opinion(REJECTED, "scripted", reason="too vague"))
    agent = ScriptedAgent(lambda _: offer("better"))
    store = run(tmp_path, agent, back, feedback=back, task=tiny_task(3), card=card)
    assert [key[1:] for key in sorted(store.replies())] == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 0, 1)]
    assert {verdict.status for verdict in store.iter_verdicts(back.identity.id)} >= {REJECTED}


def test_a_reason_that_utf8_cannot_hold_is_stored_all_the_same(tmp_path):
    judge = ScriptedJudge(lambda _: Opinion(REJECTED, "scripted", reason="no \ud83d"))
    store = run(tmp_path, judge=judge, task=tiny_task(1))
    assert [verdict.reason for verdict in store.iter_verdicts(judge.identity.id)] == ["no \ufffd\ufffd\ufffd"]


def test_a_judge_that_turns_out_to_be_served_saves_each_verdict_as_it_comes(tmp_path):
    class Late(Model):
        identity = AgentIdentity(model="late", name="late")
        lockstep = True

        async def start(self):
            self.lockstep = False  # as lm-eval's backends that ask a server
            return {}

        async def complete(self, request):
            turn = request.messages[-1].content.count('"event"') - 1
            await asyncio.sleep(0.005 * turn)
            if turn == 3:
                raise UsageError("401: key withdrawn")
            return Answer('{"verdict": "accepted"}')

    engine = Late()
    store = run(tmp_path, task=tiny_task(6))
    judge = create_judge("llm", engine=engine)
    with pytest.raises(UsageError, match="401"):
        asyncio.run(judge_run(store, tiny_task(6), judge))
    saved = {verdict.turn for verdict in store.iter_verdicts(judge.identity.id)}
    assert saved >= {0, 1, 2}  # what came before the failure; a busy machine may let later ones through
    assert 3 not in saved


def test_a_stored_reply_to_no_moment_of_the_task_is_left_alone(tmp_path):
    store = run(tmp_path, judge=ScriptedJudge())
    with store.append_replies() as log:
        stray = [("ghost", 0), ("trace_0", 99)]
        log.append([Reply(trace_id=trace, turn=turn, status=ReplyStatus.SILENT) for trace, turn in stray])
    judge = ScriptedJudge()
    run(tmp_path, judge=judge)
    asyncio.run(judge_run(store, tiny_task(3, 2), judge))
    assert judge.items == []


def test_a_second_interrupt_drops_the_judges_requests_too(tmp_path):
    class Slow(ScriptedJudge):
        async def judge(self, items):
            await asyncio.sleep(30)
            return await super().judge(items)

    started = evaluation(ScriptedAgent(delay=lambda r: 30 * r.moment.turn), Slow(lockstep=False), tiny_task(2))

    async def cancelled():
        work = asyncio.create_task(started.run(tmp_path))
        await asyncio.sleep(0.1)
        work.cancel()
        await asyncio.wait([work], timeout=5)
        assert work.cancelled()

    asyncio.run(cancelled())


def test_candidates_are_all_judged_and_any_accepted_one_counts(tmp_path):
    judge = ScriptedJudge(lambda item: ACCEPTED if item.proposal == "b" else REJECTED)
    agent = ScriptedAgent(lambda _: '{"Proactive Task": ["a", "b", "c"]}')
    store = run(tmp_path, agent, judge, task=tiny_task(1), card={"candidates": 3})
    assert len(judge.items) == 3
    assert report_of(store, tiny_task(1)).judges[0].overall.confusion.tp == 1


def test_interrupting_keeps_what_was_answered_and_the_rest_follows(tmp_path):
    started = evaluation(ScriptedAgent(), ScriptedJudge(), tiny_task(40))

    class StopsAfterTen(Callbacks):
        def reply(self, reply):
            if reply.turn == 9:
                started.stop.set()

    answered = len(asyncio.run(started.run(tmp_path, StopsAfterTen())).replies())
    assert answered == 10
    agent = ScriptedAgent()
    store = run(tmp_path, agent, ScriptedJudge(), task=tiny_task(40))
    assert len(agent.requests) == 40 - answered
    assert report_of(store, tiny_task(40)).complete


def test_judge_repeats_ask_again_and_pool(tmp_path):
    judge = ScriptedJudge(lambda item: ACCEPTED if item.judge_repeat else REJECTED)
    store = run(tmp_path, ScriptedAgent(lambda _: offer("x")), judge, judge_repeats=2)
    counts = report_of(store, tiny_task(3, 2)).judges[0].overall.confusion
    assert (counts.tp, counts.fp) == (2.5, 2.5)


def test_the_moment_of_a_reply_is_what_the_judge_sees(tmp_path):
    judge = ScriptedJudge()
    run(tmp_path, judge=judge)
    assert {(item.moment.trace.trace_id, item.moment.turn) for item in judge.items} == {
        (trace.trace_id, turn) for trace in tiny_task(3, 2).traces for turn in range(len(trace.events))
    }
    assert all(isinstance(item.moment, Moment) for item in judge.items)
