"""A sequence classifier behind a server: the `/classify` route as vLLM has it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from proactivebench.agents.endpoint_options import KEYS
from proactivebench.errors import UsageError
from proactivebench.judging.cards import ClassifierCard
from proactivebench.judging.classifier import Score, Scorer, Text
from proactivebench.stopping import go_on, rest

if TYPE_CHECKING:
    import httpx

_PASSING = {408, 409, 429, 500, 502, 503, 504}
_FATAL = {401, 403, 404}


class ServedScorer(Scorer):
    """Posts `{"model", "input"}` to `base_url`/classify and reads the probabilities of each text.

    Arguments: base_url, model; concurrency, timeout_s, max_retries. The key, if any, is read from
    PROACTIVEBENCH_API_KEY or OPENAI_API_KEY.
    """

    lockstep = False

    def __init__(self, card: ClassifierCard, model_args: Mapping[str, str]) -> None:
        self.card = card
        self.name = model_args["model"]
        self._url = model_args["base_url"].rstrip("/").removesuffix("/v1") + "/classify"
        self._model = model_args["model"]
        self._retries = int(model_args.get("max_retries", "5"))
        self._timeout = float(model_args.get("timeout_s", "120"))
        self._slots = asyncio.Semaphore(int(model_args.get("concurrency", "16")))
        self._client: httpx.AsyncClient | None = None

    async def scores(self, texts: Sequence[Text]) -> list[Score]:
        """One request per text, at most `concurrency` at once."""
        return list(await asyncio.gather(*(self._score(text) for text in texts)))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _score(self, text: Text) -> Score:
        began = time.monotonic()
        async with self._slots:
            value, cause = await self._ask(text)
        return Score(value, cause, time.monotonic() - began)

    async def _ask(self, text: Text) -> tuple[float | None, str | None]:
        import httpx

        if self._client is None:
            key = next((os.environ[name] for name in KEYS if os.environ.get(name)), None)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            self._client = httpx.AsyncClient(timeout=self._timeout, headers=headers)
        cause = "error:unknown"
        for attempt in range(self._retries + 1):
            if attempt and not await rest(min(8.0, 0.25 * 2**attempt)):
                break
            go_on()
            try:
                answer = await self._client.post(self._url, json={"model": self._model, "input": [text]})
            except httpx.HTTPError as error:
                cause = f"error:{type(error).__name__}"
                continue
            if answer.status_code in _FATAL:
                raise UsageError(f"{self._url}: HTTP {answer.status_code}: check the address, the model and the key")
            if answer.status_code == 200:
                return self._read(answer)
            cause = f"error:{answer.status_code}"
            if answer.status_code not in _PASSING:
                return None, "refused"
        return None, cause

    def _read(self, answer: httpx.Response) -> tuple[float | None, str | None]:
        try:
            row: Any = answer.json()["data"][0]["probs"]
            value = row[self.card.label]
        except (ValueError, KeyError, IndexError, TypeError):
            return None, "no_json"
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            return None, "bad_value"
        return float(value), None
