import asyncio
import sqlite3
from pathlib import Path

from proactivebench.judging import create_judge
from proactivebench.judging.cache import VerdictCache
from proactivebench.models.base import Answer
from proactivebench.records import Usage
from tests.judging.scripted import ACCEPT, ScriptedEngine, item


def judge_with(engine: ScriptedEngine, cache: VerdictCache):  # type: ignore[no-untyped-def]
    return create_judge("llm", engine=engine, cache=cache)


def test_the_same_question_is_asked_once_across_runs(tmp_path: Path) -> None:
    engine = ScriptedEngine([Answer(ACCEPT, usage=Usage(prompt_tokens=5), latency_s=1.0)])
    path = tmp_path / "deep" / "verdicts.sqlite"
    (first,) = asyncio.run(judge_with(engine, VerdictCache(path)).judge([item("x")]))
    (second,) = asyncio.run(judge_with(engine, VerdictCache(path)).judge([item("x")]))
    assert len(engine.asked) == 1
    assert (second.status, second.reason) == (first.status, first.reason)
    assert (second.usage, second.latency_s) == (None, None)  # nothing was spent now


def test_another_proposal_repeat_model_or_card_is_another_question(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "v")
    engines = [ScriptedEngine(), ScriptedEngine(model_args={"model": "m", "base_url": "http://elsewhere/v1"})]
    for engine in engines:
        items = [item("x"), item("y"), item(None), item("x", judge_repeat=1)]
        asyncio.run(judge_with(engine, cache).judge(items))
    assert [len(engine.asked) for engine in engines] == [4, 4]


def test_an_unscored_verdict_is_asked_again(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "v")
    broken, whole = ScriptedEngine(["?"]), ScriptedEngine()
    assert asyncio.run(judge_with(broken, cache).judge([item("x")]))[0].status == "unscored"
    assert asyncio.run(judge_with(whole, cache).judge([item("x")]))[0].status == "accepted"


def test_a_question_in_flight_is_waited_for(tmp_path: Path) -> None:
    class Slow(ScriptedEngine):
        async def answer(self, request):  # type: ignore[no-untyped-def]
            await asyncio.sleep(0.01)
            return await super().answer(request)

    async def both() -> None:
        judge = judge_with(engine, VerdictCache(tmp_path / "v"))
        first, second = await asyncio.gather(judge.judge([item("x"), item("x")]), judge.judge([item("x")]))
        assert [said.status for said in (*first, *second)] == ["accepted"] * 3

    engine = Slow()
    asyncio.run(both())
    assert len(engine.asked) == 1


def test_a_cache_that_cannot_be_used_costs_requests_never_the_run(tmp_path: Path) -> None:
    not_a_database = tmp_path / "v"
    not_a_database.write_bytes(b"not a database at all" * 100)
    blocked = tmp_path / "file" / "v"
    (tmp_path / "file").write_text("")
    for path in (not_a_database, blocked):
        engine = ScriptedEngine()
        assert asyncio.run(judge_with(engine, VerdictCache(path)).judge([item("x")]))[0].status == "accepted"


def test_a_damaged_entry_is_asked_again(tmp_path: Path) -> None:
    path, engine = tmp_path / "v", ScriptedEngine()
    asyncio.run(judge_with(engine, VerdictCache(path)).judge([item("x")]))
    with sqlite3.connect(path) as database:
        database.execute('UPDATE verdicts SET opinion = \'{"status": "maybe"}\'')
    asyncio.run(judge_with(engine, VerdictCache(path)).judge([item("x")]))
    assert len(engine.asked) == 2
