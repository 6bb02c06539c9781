"""What is under way at once ends at once: the first error goes on as it is, and nothing is left running behind it."""

import asyncio

import pytest

from proactivebench.errors import OutOfFiles, UsageError
from proactivebench.judging.stage import VerdictStage
from proactivebench.records import Moment, Reply, ReplyStatus
from proactivebench.together import task_group, together
from tests.judging.scripted import ScriptedJudge, opinion
from tests.scripted import tiny_task


async def given(value, turns=0):
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


async def fails(error, turns=0, cause=None):
    await given(None, turns)
    raise error from cause


async def lasting(ended):
    try:
        await asyncio.sleep(600)
    finally:
        ended.append(True)


def test_results_come_in_the_order_asked_for_whatever_ends_first():
    assert asyncio.run(together(given(n, 5 - n) for n in range(5))) == [0, 1, 2, 3, 4]
    assert asyncio.run(together([])) == []


def test_the_first_error_is_raised_itself_with_its_cause_once_the_others_have_ended():
    ended, cause = [], OSError(24, "too many open files")
    with pytest.raises(UsageError, match=r"^the first$") as caught:
        asyncio.run(
            together([lasting(ended), fails(UsageError("the second"), 9), fails(UsageError("the first"), 2, cause)])
        )
    assert ended == [True]
    assert caught.value.__cause__ is cause
    assert OutOfFiles.behind(caught.value)


def test_what_an_error_was_raised_in_the_course_of_is_not_lost():
    async def in_the_course():
        try:
            raise OSError(24, "too many open files")
        except OSError:
            raise RuntimeError("no name found")  # noqa: B904

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(together([in_the_course()]))
    assert OutOfFiles.behind(caught.value)


def test_an_error_of_the_body_ends_the_tasks_and_goes_on_as_it_is():
    ended = []

    async def work():
        async with task_group() as group:
            group.create_task(lasting(ended))
            await asyncio.sleep(0)
            raise KeyError("body")

    with pytest.raises(KeyError):
        asyncio.run(work())
    assert ended == [True]


def test_whoever_is_cancelled_leaves_nothing_running():
    ended = []

    async def work():
        waiting = asyncio.create_task(together([lasting(ended), lasting(ended)]))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(work())
    assert ended == [True, True]


def test_a_judge_that_fails_for_good_is_heard_while_the_queue_still_waits_for_more():
    class Broken(ScriptedJudge):
        async def judge(self, items):
            raise UsageError("no key")

    class Log:
        def append(self, _):
            raise AssertionError("nothing was decided")

    async def work():
        queue = asyncio.Queue()
        queue.put_nowait(
            (Moment(tiny_task(1).traces[0], 0), Reply(trace_id="trace_0", turn=0, status=ReplyStatus.SILENT))
        )
        await asyncio.wait_for(
            VerdictStage(Broken(lambda _: None), Log(), {}).drain(queue), 30
        )  # None, the end, never comes

    with pytest.raises(UsageError, match="no key"):
        asyncio.run(work())


def test_many_batches_after_a_stop_are_passed_over(monkeypatch):
    monkeypatch.setattr("proactivebench.judging.stage._IN_FLIGHT", 2)

    async def work():
        stop, queue = asyncio.Event(), asyncio.Queue()
        stop.set()
        stage = asyncio.create_task(
            VerdictStage(ScriptedJudge(lambda _: opinion("accepted")), None, {}, stop=stop).drain(queue)
        )
        for _ in range(9):
            reply = Reply(trace_id="trace_0", turn=0, status=ReplyStatus.SILENT)
            queue.put_nowait((Moment(tiny_task(1).traces[0], 0), reply))
            await given(None, 5)
        queue.put_nowait(None)
        await asyncio.wait_for(stage, 30)

    asyncio.run(work())
