"""The judge stage: takes replies as they come, asks for the verdicts that are missing and appends them to the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.records import SILENCE, Moment, Reply, ReplyStatus, Verdict, VerdictKey, VerdictStatus, printable
from proactivebench.stopping import Stopped, heeding
from proactivebench.store import Appender
from proactivebench.together import task_group, together

_IN_FLIGHT = 256  # items under way at once, or in one batch: what a crash can cost; engines bound the requests

Work = tuple[Moment, Reply]


class VerdictStage:
    """One judge at work on one run. `stored` verdicts are not asked again, unless the question has changed or the
    judge could not be reached. `on_verdict` hears of every new verdict; once `stop` is set, nothing new is asked."""

    def __init__(
        self,
        judge: Judge,
        log: Appender,
        stored: dict[VerdictKey, Verdict],
        judge_repeats: int = 1,
        on_verdict: Callable[[Verdict], None] = lambda _: None,
        stop: asyncio.Event | None = None,
    ) -> None:
        self.judge = judge
        self._log = log
        self._verdicts = stored
        self._judge_repeats = judge_repeats
        self._on_verdict = on_verdict
        self._stop = stop or asyncio.Event()
        self._ready: asyncio.Future[None] | None = None
        self._asking: dict[VerdictKey, asyncio.Future[None]] = {}

    async def drain(self, queue: asyncio.Queue[Work | None]) -> None:
        """Judge what comes through `queue` until None comes."""
        ended, slots = False, asyncio.Semaphore(_IN_FLIGHT)
        async with task_group() as deciding:
            while not ended:
                batch, ended = await _next_batch(queue)
                items = [item for moment, reply in batch for item in self.missing(moment, reply)]
                if await self._in_batches(items):
                    for first in range(0, len(items), _IN_FLIGHT):
                        await self.decide(items[first : first + _IN_FLIGHT])
                    continue
                for item in items:
                    if self._stop.is_set():
                        break
                    await slots.acquire()
                    deciding.create_task(self.decide([item])).add_done_callback(lambda _: slots.release())

    async def decide(self, items: Sequence[Item]) -> None:
        """Ask the judge for `items` and append its verdicts. An item without an opinion gets no verdict; one that is
        being asked already is waited for."""
        asked_by_others = {self._asking[key] for item in items if (key := _key(item)) in self._asking}
        mine = [item for item in items if _key(item) not in self._asking and not self._stands(item)]
        if mine and not self._stop.is_set():
            done = asyncio.get_running_loop().create_future()
            self._asking |= dict.fromkeys(map(_key, mine), done)
            try:
                with suppress(Stopped), heeding(self._stop):
                    await self._ask(mine)
            finally:
                for item in mine:
                    del self._asking[_key(item)]
                done.set_result(None)
        if asked_by_others:
            await asyncio.wait(asked_by_others)

    async def _ask(self, items: Sequence[Item]) -> None:
        await self._start()
        opinions = await self.judge.judge(items)
        verdicts = [verdict_of(item, said) for item, said in zip(items, opinions, strict=True) if said is not None]
        self._log.append(verdicts)
        for verdict in verdicts:
            self._verdicts[verdict.key] = verdict
            self._on_verdict(verdict)

    async def verdicts_on(self, works: Iterable[Work]) -> list[list[Verdict]]:
        """All first-repeat verdicts on each reply, asked for where missing: what a feedback judge tells the agent."""
        works = list(works)
        missing = [item for moment, reply in works for item in self.missing(moment, reply)]
        if await self._in_batches(missing):
            await self.decide(missing)
        else:
            await together(self.decide([item]) for item in missing)
        return [
            [self._verdicts[key] for item in items_of(*work) if (key := _key(item)) in self._verdicts] for work in works
        ]

    def missing(self, moment: Moment, reply: Reply) -> list[Item]:
        """The items of a reply that have no standing verdict."""
        return [item for item in items_of(moment, reply, self._judge_repeats) if not self._stands(item)]

    def _stands(self, item: Item) -> bool:
        verdict = self._verdicts.get(_key(item))
        if verdict is None or verdict.question != item.question:
            return False
        return not (verdict.status is VerdictStatus.UNSCORED and (verdict.cause or "").startswith("error"))

    async def _in_batches(self, items: Sequence[Item]) -> bool:
        """Whether the judge takes `items` in batches: some find out only when they start."""
        if items and not self._stop.is_set():
            with suppress(Stopped), heeding(self._stop):
                await self._start()
        return self.judge.lockstep

    async def _start(self) -> None:
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._get_ready())
        await self._ready

    async def _get_ready(self) -> None:
        await self.judge.start()


def items_of(moment: Moment, reply: Reply, judge_repeats: int = 1) -> list[Item]:
    """What there is to decide about a reply: each proposal, or its silence. An `error` reply decides nothing."""
    if not reply.status.final:
        return []
    offered: list[tuple[int, str | None]] = [(SILENCE, None)]
    if reply.status is ReplyStatus.PROPOSED:
        offered = list(enumerate(reply.proposals))
    return [
        Item(moment, proposal, reply.key, candidate, repeat)
        for repeat in range(judge_repeats)
        for candidate, proposal in offered
    ]


def verdict_of(item: Item, opinion: Opinion) -> Verdict:
    """The verdict line of an opinion on an item."""
    return Verdict(
        **item.key._asdict(),
        candidate=item.candidate,
        judge_repeat=item.judge_repeat,
        question=item.question,
        status=opinion.status,
        judge=opinion.judge,
        probability=opinion.probability,
        reason=printable(opinion.reason),
        cause=opinion.cause,
        usage=opinion.usage,
        latency_s=opinion.latency_s,
        clipped=opinion.clipped,
        spread=opinion.spread,
    )


def _key(item: Item) -> VerdictKey:
    return VerdictKey(*item.key, item.candidate, item.judge_repeat)


async def _next_batch(queue: asyncio.Queue[Work | None]) -> tuple[list[Work], bool]:
    """All that waits in the queue (at least one), and whether the end was among it."""
    batch = [await queue.get()]
    while not queue.empty():
        batch.append(queue.get_nowait())
    return [work for work in batch if work is not None], None in batch
