"""What an answer waited for before it was asked is told apart from the answer's own time."""

import asyncio

from proactivebench.models.base import Message, Request
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.records import Decoding, Reply, ReplyStatus
from proactivebench.scoring import build_report
from tests.scoring.runs import JUDGE, make_manifest, make_task, make_verdict
from tests.servers.chat import Say, chat_server


def test_waiting_for_a_place_is_queueing_and_not_latency():
    request = Request((Message("user", "x"),), Decoding())
    with chat_server(lambda _: Say("{}", after=0.2), probe=Say("{}")) as server:
        agent = EndpointModel("endpoint", {"base_url": server.base_url, "model": "m"}, concurrency=1)

        async def ask():
            await agent.start()
            answers = await asyncio.gather(*(agent.complete(request) for _ in range(4)))
            await agent.close()
            return answers

        answers = asyncio.run(ask())
    first, second, _, last = sorted(answers, key=lambda answer: answer.queue_s)
    assert last.queue_s > first.latency_s + second.latency_s
    assert last.latency_s < last.queue_s


def test_a_report_has_the_queueing_apart_and_says_so_of_runs_that_took_it():
    task = make_task({"t": 3})
    replies = [
        Reply(trace_id="t", turn=turn, status=ReplyStatus.SILENT, latency_s=1.0, queue_s=float(turn))
        for turn in range(3)
    ]
    verdicts = [make_verdict(task, reply, "A") for reply in replies]
    section = build_report(task, make_manifest(task), replies, {JUDGE.id: verdicts}).judges[0].overall
    assert section.metrics["latency_p95"].value == 1
    assert section.queueing["p50"] == 1
    untimed = [reply.model_copy(update={"queue_s": None}) for reply in replies]
    assert build_report(task, make_manifest(task), untimed, {JUDGE.id: verdicts}).judges[0].overall.queueing == {}
