"""A real sequence classifier small enough to train in a test: accepts a proposal that fits the last event."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proactivebench.judging import Item
from proactivebench.judging.cards import load_card
from proactivebench.judging.classifier.card import ClassifierCard, Score, Scorer, Text
from proactivebench.judging.classifier.judge import ClassifierJudge
from proactivebench.records import Event, JudgeIdentity, Moment, ReplyKey, Trace

FITS = {
    "reads an error in the log of {t}": "Find the cause of this error",
    "copies rows from the table of {t}": "Make a clean table of the copied rows",
    "opens a long mail about {t}": "Draft a short answer to the mail",
    "searches the web for {t}": "Sum up the best sources",
}
TOPICS = "garden parser budget camera lecture poem server survey recipe thesis".split()  # noqa: SIM905


def items(count: int, seed: int) -> list[tuple[Item, bool]]:
    """Moments of one to three events with a proposal that fits the last event, or another one, and which it is."""
    chance, made = random.Random(seed), []
    for _ in range(count):
        phrases = [chance.choice(list(FITS)) for _ in range(chance.randint(1, 3))]
        right = chance.random() < 0.5
        wrong = chance.choice([offer for phrase, offer in FITS.items() if phrase != phrases[-1]])
        texts = [f"The user {phrase.format(t=chance.choice(TOPICS))}." for phrase in phrases]
        trace = Trace(trace_id="t", split="s", events=tuple(Event(time=str(n), event=t) for n, t in enumerate(texts)))
        turn = len(texts) - 1
        made.append((Item(Moment(trace, turn), FITS[phrases[-1]] if right else wrong, ReplyKey("t", turn), 0), right))
    return made


class _Unasked(Scorer):
    """Stands where a scorer is due that only says what fits."""

    async def scores(self, texts: Sequence[Text]) -> list[Score]:
        """Nothing."""
        return []


def text(item: Item) -> str:
    """What the shipped card shows a classifier of an item."""
    card = load_card("classifier")
    assert isinstance(card, ClassifierCard)
    identity = JudgeIdentity(id="c-0", name="c", hash="0", silence="c", proposals="c")
    return ClassifierJudge(card, _Unasked(), identity).text(item)[0]


def train(folder: Path, *, steps: int = 300, batch: int = 16) -> float:
    """Train from random weights, save, and return the accuracy on unseen items."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(3)
    examples = [(text(item), right) for item, right in items(steps * batch, seed=1)]
    inner = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.train_from_iterator(
        [words for words, _ in examples], trainers.WordLevelTrainer(special_tokens=["[PAD]", "[UNK]", "[CLS]"])
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", model_max_length=256
    )
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=128, max_position_embeddings=256, num_labels=2, pad_token_id=tokenizer.pad_token_id,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        rows = examples[step * batch : (step + 1) * batch]
        inputs = _inputs(tokenizer, [words for words, _ in rows])
        loss = model(**inputs, labels=torch.tensor([int(right) for _, right in rows])).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    unseen = items(64, seed=2)
    with torch.inference_mode():
        chosen = model.eval()(**_inputs(tokenizer, [text(item) for item, _ in unseen])).logits.argmax(-1).tolist()
    return sum(bool(said) == right for said, (_, right) in zip(chosen, unseen, strict=True)) / len(unseen)


def small_classifier() -> Path:
    """The folder of the trained classifier; trained where it is not cached."""
    named = os.environ.get("PROACTIVEBENCH_TEST_CACHE")
    base = Path(named) if named else Path.home() / ".cache" / "proactivebench-tests"
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = base / f"classifier-{version}"
    if not (folder / "config.json").exists():
        base.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="classifier-", dir=base))
        train(draft)
        if not folder.exists():
            draft.rename(folder)
    return folder


def _inputs(tokenizer: Any, texts: list[str]) -> Any:
    return tokenizer(texts, return_tensors="pt", padding=True)
