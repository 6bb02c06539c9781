"""A sequence classifier behind a server: the `/classify` route as vLLM has it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from proactivebench.judging.classifier.card import ClassifierCard, Score, Scorer, Text
from proactivebench.models.endpoint.errors import Rejected, TooLarge, Transient, persistently
from proactivebench.models.endpoint.line import Connection, Tally
from proactivebench.models.endpoint.options import parse_options
from proactivebench.models.server_words import in_a_word
from proactivebench.together import together

_NAMES = {"concurrency": "num_concurrent", "timeout_s": "timeout"}
_CONCURRENCY, _TIMEOUT_S, _MAX_RETRIES = 16, 120.0, 5


class ServedScorer(Scorer):
    """Posts `{"model", "input"}` to `base_url`/classify and reads the probabilities of each text.

    The arguments are those of an endpoint (`endpoint_options`; also concurrency and timeout_s), and so is what its
    failures mean. Raises `UsageError` for bad ones.
    """

    lockstep = False

    def __init__(self, card: ClassifierCard, model_args: Mapping[str, str]) -> None:
        self.card = card
        named = {_NAMES.get(name, name): value for name, value in model_args.items()}
        self._options = parse_options("endpoint", named)
        self.name = self._options.model
        self._connections = self._options.num_concurrent or _CONCURRENCY
        self._retries = _MAX_RETRIES if self._options.max_retries is None else self._options.max_retries
        self._slots = asyncio.Semaphore(self._connections)
        self._jitter = random.Random()
        self._connection: Connection | None = None

    async def scores(self, texts: Sequence[Text]) -> list[Score]:
        """One request per text, at most `concurrency` at once."""
        return await together(self._score(text) for text in texts)

    async def close(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.client.close()

    async def _score(self, text: Text) -> Score:
        began = time.monotonic()
        async with self._slots:
            try:
                value, cause = await persistently(lambda: self._ask(text), self._retries, self._jitter)
            except (Transient, Rejected) as fault:
                value, cause = None, _cause(fault)
        return Score(value, cause, time.monotonic() - began)

    async def _ask(self, text: Text) -> tuple[float | None, str | None]:
        if self._connection is None:
            base = self._options.base_url.removesuffix("/classify").removesuffix("/v1")
            self._connection = Connection.to(
                self._options,
                f"{base}/classify",
                connections=self._connections,
                timeout_s=self._options.timeout_s or _TIMEOUT_S,
            )
        body, _ = await self._connection.post({"model": self._options.model, "input": [text]}, Tally())
        self._connection.server.answered()
        return self._read(body)

    def _read(self, body: Mapping[str, Any]) -> tuple[float | None, str | None]:
        try:
            value: Any = body["data"][0]["probs"][self.card.label]
        except (KeyError, IndexError, TypeError):
            return None, "no_json"
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            return None, "bad_value"
        return float(value), None


def _cause(fault: Transient | Rejected) -> str:
    """Why there is no score, in one countable word."""
    if isinstance(fault, TooLarge):
        return "too_large"
    if isinstance(fault, Rejected) and not fault.inside:
        return "refused"
    return f"error:{in_a_word(str(fault), fault.kind if isinstance(fault, Transient) else None)}"
