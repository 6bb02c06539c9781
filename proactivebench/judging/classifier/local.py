"""A sequence classifier in this process: any `AutoModelForSequenceClassification` (extra `hf`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from proactivebench.errors import NotInstalled, UsageError
from proactivebench.installing import how_to_get
from proactivebench.judging.classifier.card import ClassifierCard, Score, Scorer, Text


class LocalScorer(Scorer):
    """Scores in batches. Arguments: pretrained; revision, dtype, device, batch_size, trust_remote_code."""

    def __init__(self, card: ClassifierCard, model_args: Mapping[str, str]) -> None:
        self.card = card
        self.name = model_args["pretrained"]
        self._args = model_args
        self._batch = int(model_args.get("batch_size", "16"))
        self._loaded: tuple[Any, Any] | None = None

    async def start(self) -> dict[str, Any]:
        """Load tokenizer and weights; returns the number of outputs and the token limit."""
        tokenizer, model = await asyncio.to_thread(self._load)
        return {"outputs": model.config.num_labels, "max_length": self._limit(tokenizer)}

    def fits(self, text: Text) -> bool:
        """Whether the text has at most `max_length` tokens."""
        tokenizer, _ = self._load()
        return len(self._tokens(text)) <= self._limit(tokenizer)

    async def scores(self, texts: Sequence[Text]) -> list[Score]:
        """One score per text; a text that does not fit even alone is unscored (`too_long`)."""
        return await asyncio.to_thread(self._scores, texts)

    async def close(self) -> None:
        """Forget the weights."""
        self._loaded = None

    def _scores(self, texts: Sequence[Text]) -> list[Score]:
        scores = [Score(None, "too_long")] * len(texts)
        rows = [self._tokens(text) for text in texts]
        limit = self._limit(self._load()[0])
        readable = sorted((i for i, row in enumerate(rows) if len(row) <= limit), key=lambda i: len(rows[i]))
        for start in range(0, len(readable), self._batch):
            places = readable[start : start + self._batch]
            began = time.monotonic()
            values = self._forward([rows[i] for i in places])
            seconds = (time.monotonic() - began) / len(places)
            for i, value in zip(places, values, strict=True):
                scores[i] = Score(value, None, seconds) if value == value else Score(None, "bad_value", seconds)
        return scores

    def _tokens(self, text: Text) -> list[int]:
        """Token ids: of the text as the tokenizer has it, or of the chat by the model's own template."""
        tokenizer, _ = self._load()
        if isinstance(text, str):
            return list(tokenizer(text, truncation=False)["input_ids"])
        if tokenizer.chat_template is None:
            raise UsageError(f"classifier {self.name}: its tokenizer has no chat template: leave `assistant` out")
        chat = [{"role": message.role, "content": message.content} for message in text]
        rendered = tokenizer.apply_chat_template(chat, tokenize=False)
        return list(tokenizer(rendered, add_special_tokens=False, truncation=False)["input_ids"])

    def _forward(self, rows: list[list[int]]) -> list[float]:
        import torch

        tokenizer, model = self._load()
        inputs = tokenizer.pad({"input_ids": rows}, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            outputs = model(**inputs).logits.float()
        if self.card.activation == "softmax" and outputs.shape[-1] > 1:
            outputs = outputs.softmax(-1)
        elif self.card.activation != "none":
            outputs = outputs.sigmoid()
        return [float(value) for value in outputs[:, self.card.label]]

    def _limit(self, tokenizer: Any) -> int:
        return min(self.card.max_length, int(tokenizer.model_max_length))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            try:
                import torch
                from transformers import AutoModelForSequenceClassification, AutoTokenizer
            except ImportError:
                raise NotInstalled(
                    f"a classifier in process needs torch: {how_to_get('torch')}, or serve it (endpoint)"
                ) from None
            named = {key: self._args[key] for key in ("revision",) if key in self._args}
            remote = self._args.get("trust_remote_code", "false").lower() == "true"
            dtype = getattr(torch, self._args.get("dtype", "float32"))
            device = self._args.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
            path = self._args["pretrained"]
            try:
                tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=remote, **named)
                model = AutoModelForSequenceClassification.from_pretrained(
                    path, trust_remote_code=remote, dtype=dtype, **named
                )
            except (OSError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise UsageError(f"classifier {path}: cannot be loaded ({reason}): name a model folder") from None
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token = tokenizer.eos_token
            model.config.pad_token_id = tokenizer.pad_token_id
            self._loaded = tokenizer, model.to(device).eval()
        return self._loaded
