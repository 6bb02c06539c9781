"""Verdicts remembered across runs: a model is asked the same question once. Only clean verdicts are kept."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from proactivebench.judging.base import Ballot, Estimate, Item, Judge, Opinion
from proactivebench.records import Design, Task, Trace, VerdictStatus, digest
from proactivebench.resources import cache_folder
from proactivebench.text import load_json

_LOG = logging.getLogger(__name__)
_TABLE = "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, opinion TEXT NOT NULL) WITHOUT ROWID"


class VerdictCache:
    """A SQLite file of opinions by key, opened when first needed. A file that cannot be used is said once and then done
    without: a cache may cost a request, never a run. Hits and misses are counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hits = self.misses = 0
        self._database: sqlite3.Connection | None = None
        self._usable = True

    def get(self, key: str) -> Opinion | None:
        """The opinion under this key; None if there is none."""
        rows = self._execute("SELECT opinion FROM verdicts WHERE key = ?", key)
        opinion = _load(rows[0][0]) if rows else None
        self.hits, self.misses = self.hits + (opinion is not None), self.misses + (opinion is None)
        return opinion

    def put(self, key: str, opinion: Opinion) -> None:
        """Keep a clean opinion; an unscored one is not kept, so that it is asked again."""
        if opinion.status is not VerdictStatus.UNSCORED:
            self._execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", key, _dump(opinion))

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _execute(self, statement: str, *values: str) -> list[tuple[str]]:
        if not self._usable:
            return []
        try:
            if self._database is None:
                self._database = _open(self.path)
            return self._database.execute(statement, values).fetchall()
        except (OSError, sqlite3.Error) as error:
            _LOG.warning("verdict cache %s cannot be used (%s): going on without it", self.path, error)
            self._usable = False
            return []


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(_TABLE)
    return database


def open_cache(path: Path | None = None) -> VerdictCache:
    """The user's verdict cache (or the one at `path`)."""
    return VerdictCache(path or cache_folder() / "verdicts.sqlite")


class RememberingJudge(Judge):
    """A judge that looks into a cache first. `salt` covers the judge's hash and where its model was reached. Questions
    that are in flight are waited for, not asked again."""

    def __init__(self, judge: Judge, cache: VerdictCache, salt: str) -> None:
        self.identity = judge.identity
        self.lockstep = judge.lockstep
        self._judge, self._cache, self._salt = judge, cache, salt
        self._in_flight: dict[str, asyncio.Future[Opinion | None]] = {}

    def check(self, task: Task) -> None:
        """As the judge behind."""
        self._judge.check(task)

    def design(self, traces: Sequence[Trace]) -> Design | None:
        """As the judge behind."""
        return self._judge.design(traces)

    def hear(self, votes: Mapping[Trace, Sequence[Ballot]]) -> None:
        """As the judge behind."""
        self._judge.hear(votes)

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item, each distinct question asked at most once."""
        keys = [self._key(item) for item in items]
        known: dict[str, Opinion | None] = {}
        to_ask: dict[str, Item] = {}
        to_wait: dict[str, asyncio.Future[Opinion | None]] = {}
        for key, item in zip(keys, items, strict=True):
            if key in known or key in to_ask or key in to_wait:
                continue
            if key in self._in_flight:
                to_wait[key] = self._in_flight[key]
            elif (kept := self._cache.get(key)) is not None:
                known[key] = kept
            else:
                to_ask[key] = item
        known |= await self._ask(to_ask)
        for key, future in to_wait.items():
            known[key] = await asyncio.shield(future)
        return [known[key] for key in keys]

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """What the judge behind takes for those that are not known yet."""
        return self._judge.estimate([item for item in items if self._cache.get(self._key(item)) is None])

    def _key(self, item: Item) -> str:
        return digest([self._salt, item.question, item.judge_repeat])

    async def _ask(self, items: dict[str, Item]) -> dict[str, Opinion | None]:
        loop = asyncio.get_running_loop()
        self._in_flight |= {key: loop.create_future() for key in items}
        try:
            opinions = dict(zip(items, await self._judge.judge(list(items.values())), strict=True)) if items else {}
        except BaseException as error:
            for key in items:
                future = self._in_flight.pop(key)
                if isinstance(error, Exception):
                    future.set_exception(error)
                    future.exception()  # retrieved: nobody may be waiting
                else:
                    future.cancel()
            raise
        for key, opinion in opinions.items():
            if opinion is not None:
                self._cache.put(key, opinion)
            self._in_flight.pop(key).set_result(opinion)
        return opinions


def _dump(opinion: Opinion) -> str:
    kept = {"status": opinion.status, "judge": opinion.judge, "probability": opinion.probability}
    return json.dumps({**kept, "reason": opinion.reason, "clipped": opinion.clipped, "spread": opinion.spread})


def _load(text: str) -> Opinion | None:
    """The opinion as it was kept: without usage and latency, for nothing was spent now."""
    try:
        kept = load_json(text)
        return Opinion(**{**kept, "status": VerdictStatus(kept["status"])})
    except (ValueError, TypeError, KeyError):
        return None
