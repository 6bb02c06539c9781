"""A real chat model small enough to train in a test: 0.3 M parameters, from random weights, half a minute on one core.
It answers in the published contract's form, and proves plumbing, never ability.

The architecture is Llama's with a sliding window (Mistral): what is far back is out of sight, so that a model trained
on a few turns holds its form over a whole session.

`agent` answers events under the `standard` protocol, `weak` is the same with fewer epochs, `judge` answers the `llm`
judge's card. Trained weights are cached by a hash over everything that shapes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proactivebench.judging.base import Item
from proactivebench.judging.cards import load_card
from proactivebench.judging.create import create_judge
from proactivebench.judging.llm import LLMCard, LLMJudge
from proactivebench.models.base import Answer, Message, Model, Request
from proactivebench.protocols import load_protocol
from proactivebench.protocols.contract import reply_text
from proactivebench.records import AgentIdentity, Event, Moment, Reply, ReplyKey, ReplyStatus, Trace

CONTEXT = 8192
WINDOW = 256
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]

# What the user may do, and what the model is taught to say to it: an offer, or None.
HABITS: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (("opens {t}", "clicks on {t}", "switches to {t}", "goes back to {t}", "closes {t}"), None),
    (("types a line about {t}", "keeps typing in {t}", "adds a paragraph on {t}", "writes the word {t}"), None),
    (("searches the web for {t}", "searches for '{t}'", "looks up {t} in a browser", "reads a page on {t}"),
     "Collect the best sources on this topic and sum them up."),
    (("gets an error from {t}", "sees a warning in {t}", "runs {t}", "edits the code of {t}", "saves {t}"),
     "Write unit tests for the code."),
)  # fmt: skip
NOUNS = """
    invoice garden budget parser recipe thesis holiday camera engine poem client lecture server contract survey bicycle
    kitchen battery essay logo playlist harbour novel sensor database meeting review chapter course ticket printer
    market village museum payment vaccine rocket library festival
""".split()  # noqa: SIM905
MANNERS = "new old blue second weekly annual broken shared final rough local secret tiny northern".split()  # noqa: SIM905
SUBJECTS = ("The user", "The user", "She", "The person at the desk")
VERDICTS = ("The events show a need for it.", "The user is busy with something else.")


@dataclass(frozen=True)
class Recipe:
    """How a model is made: how many conversations, how often seen, how large a step."""

    kind: str
    conversations: int = 320
    epochs: int = 6
    batch: int = 4
    step: float = 6e-3
    seed: int = 7


RECIPES = {
    "agent": Recipe("agent"),
    "weak": Recipe("agent", conversations=64, epochs=3),
    "judge": Recipe("judge"),
}


def small_model(name: str = "agent") -> Path:
    """The folder of a trained model, as transformers, vLLM and any server load it. Trains it where it is not cached."""
    recipe = RECIPES[name]
    examples = list(_examples(recipe))
    folder = cache_folder() / f"{name}-{_fingerprint(recipe, examples)}"
    if not (folder / "config.json").exists():
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache_folder()))
        train(recipe, examples, draft)
        if not folder.exists():
            draft.rename(folder)
    return folder


# --- what it is taught ------------------------------------------------------------------------------------------------


def _examples(recipe: Recipe) -> Iterator[list[Message]]:
    chance = random.Random(recipe.seed)
    make = _judge_conversation if recipe.kind == "judge" else _agent_conversation
    for number in range(recipe.conversations):
        yield make(chance, number)


def _event(chance: random.Random, number: int) -> tuple[Event, str | None]:
    phrases, offer = chance.choice(HABITS)
    topic = f"{chance.choice(MANNERS)} {chance.choice(NOUNS)}"
    if chance.random() < 0.5:
        topic += f" and the {chance.choice(NOUNS)}"
    stamp = str(1_700_000_000 + 37 * number) if chance.random() < 0.7 else f"{chance.random() * 2e9:.6f}"
    return Event(time=stamp, event=f"{chance.choice(SUBJECTS)} {chance.choice(phrases).format(t=topic)}."), offer


def _agent_conversation(chance: random.Random, number: int) -> list[Message]:
    """A conversation under the `standard` protocol, three of four from the middle of a session."""
    middle = number % 4 > 0
    turns = chance.randint(2, 5) if middle else chance.randint(1, 2)
    events, offers = zip(*(_event(chance, turn) for turn in range(turns)), strict=True)
    trace = Trace(trace_id="t", split="s", events=events)
    history = [[_reply(turn, offer)] for turn, offer in enumerate(offers)]
    messages = load_protocol("standard").conversation(Moment(trace, turns - 1), history[:-1])
    return [*messages[middle:], Message("assistant", history[-1][0].text or "")]


def _reply(turn: int, offer: str | None) -> Reply:
    thoughts = "Help is welcome now." if offer else "No help is needed now."
    said = {"Purpose": "The user goes on.", "Thoughts": thoughts, "Response": "Shall I?" if offer else None}
    status = ReplyStatus.PROPOSED if offer else ReplyStatus.SILENT
    return Reply(trace_id="t", turn=turn, status=status, text=reply_text(offer, said))


def _judge_conversation(chance: random.Random, number: int) -> list[Message]:
    """A question of the `llm` judge and one clean verdict: accepted where the proposal fits the last event."""
    events, offers = zip(*(_event(chance, turn) for turn in range(chance.randint(1, 5))), strict=True)
    right = chance.random() < 0.5
    proposal = offers[-1] if right else chance.choice([offer for _, offer in HABITS if offer != offers[-1]])
    card = load_card("llm")
    assert isinstance(card, LLMCard)
    judge = LLMJudge(card, _NoEngine(), create_judge("llm", engine=_NoEngine()).identity)
    moment = Moment(Trace(trace_id="t", split="s", events=events), len(events) - 1)
    question = judge.ask(Item(moment, proposal, ReplyKey("t", moment.turn)))
    verdict = {"reason": VERDICTS[not right], "verdict": "accepted" if right else "rejected"}
    return [*question.messages, Message("assistant", json.dumps(verdict))]


# --- how --------------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, examples: Sequence[Sequence[Message]], folder: Path) -> dict[str, float]:
    """Train from random weights, loss on the assistant's words only, and save. Returns seconds and the last loss."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    started = time.perf_counter()
    torch.manual_seed(recipe.seed)
    tokenizer = _tokenizer(examples)
    config = MistralConfig(  # heads of 32: what vLLM's attention on CPU takes
        vocab_size=len(tokenizer), hidden_size=96, intermediate_size=256, num_hidden_layers=2, num_attention_heads=3,
        num_key_value_heads=3, max_position_embeddings=CONTEXT, sliding_window=WINDOW, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = MistralForCausalLM(config)
    data = [_encode(tokenizer, messages) for messages in examples]
    batches = _batches(data, recipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.step, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.step, total_steps=len(batches), pct_start=0.1)
    loss = torch.tensor(0.0)
    for batch in batches:
        ids, labels, mask = _tensors([data[place] for place in batch], config.pad_token_id)
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {"seconds": time.perf_counter() - started, "loss": loss.item(), "parameters": model.num_parameters()}


def _tokenizer(examples: Sequence[Sequence[Message]]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    texts = [message.content for messages in examples for message in messages]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=1280, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<|pad|>", eos_token="<|end|>", model_max_length=CONTEXT
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _encode(tokenizer: Any, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
    """Token ids, and the labels: −100 everywhere but on what the assistant says."""
    ids: list[int] = []
    labels: list[int] = []
    for message in messages:
        head = tokenizer.encode(f"<|{message.role}|>", add_special_tokens=False)
        body = tokenizer.encode(message.content + "<|end|>", add_special_tokens=False)
        ids += head + body
        labels += [-100] * len(head) + (body if message.role == "assistant" else [-100] * len(body))
    return ids, labels


def _batches(data: Sequence[tuple[list[int], list[int]]], recipe: Recipe) -> list[list[int]]:
    """Places of examples by batch, those of like length together: padding is what costs."""
    chance = random.Random(recipe.seed)
    by_length = sorted(range(len(data)), key=lambda place: len(data[place][0]))
    groups = [by_length[start : start + recipe.batch] for start in range(0, len(by_length), recipe.batch)]
    return [group for _ in range(recipe.epochs) for group in chance.sample(groups, len(groups))]


def _tensors(rows: Sequence[tuple[list[int], list[int]]], pad: int) -> tuple[Any, Any, Any]:
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in rows])
    labels = torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows])
    return ids, labels, mask


# --- where ------------------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where what is costly to make is kept between runs."""
    named = os.environ.get("PROACTIVEBENCH_TEST_CACHE")
    base = Path(named) if named else Path.home() / ".cache" / "proactivebench-tests"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _fingerprint(recipe: Recipe, examples: Sequence[Sequence[Message]]) -> str:
    import torch
    import transformers

    content = [Path(__file__).read_text(encoding="utf-8"), repr(recipe), torch.__version__, transformers.__version__]
    content += [message.content for messages in examples for message in messages]
    return hashlib.sha256("\0".join(content).encode()).hexdigest()[:12]


class _NoEngine(Model):
    """Stands where a judge's model would: the prompt is all that is wanted of it."""

    identity = AgentIdentity(model="none", name="none")

    async def complete(self, request: Request) -> Answer:
        raise AssertionError("nothing is asked of it")


if __name__ == "__main__":
    for kind in RECIPES:
        begin = time.perf_counter()
        print(kind, small_model(kind), f"{time.perf_counter() - begin:.1f} s")  # noqa: T201
