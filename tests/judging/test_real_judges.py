"""Real models as judges, through a real server and in process: the same verdicts both ways."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from proactivebench.errors import UsageError
from proactivebench.judging import Item, Judge, Opinion, create_judge
from proactivebench.models import create_model
from proactivebench.records import Event, Moment, ReplyKey, Trace
from tests.integration.servers import Served, free_port, transformers_serve
from tests.integration.small_model import small_model
from tests.judging.small_classifier import items as classified_items
from tests.judging.small_classifier import small_classifier

pytestmark = pytest.mark.models


def opinions(judge: Judge, items: Sequence[Item]) -> list[Opinion | None]:
    async def work() -> list[Opinion | None]:
        try:
            await judge.start()
            return await judge.judge(items)
        finally:
            await judge.close()

    return asyncio.run(work())


def statuses(said: Sequence[Opinion | None]) -> list[tuple[str, str | None]]:
    return [(str(one.status), one.cause) for one in said if one is not None]


OFFERS = ("Draft a short answer to this message.", "Write unit tests for the new code.", None, "Order a pizza <|end|>")


@pytest.fixture(scope="module")
def moments() -> list[Item]:
    texts = (
        "The user opens the file old garden.",
        "The user reads a long mail about new invoice.",
        "The user writes a function for small parser.",
        "The user saves quiet thesis.",
    )
    trace = Trace(trace_id="t", split="s", events=tuple(Event(time=str(100 + n), event=t) for n, t in enumerate(texts)))
    return [
        Item(Moment(trace, turn), offer, ReplyKey("t", turn), -1 if offer is None else 0)
        for turn in range(len(texts))
        for offer in OFFERS
    ]


@pytest.fixture(scope="module")
def served_judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with transformers_serve(small_model("judge"), tmp_path_factory.mktemp("serve")) as server:
        yield server


def test_a_generative_judge_gives_the_same_verdicts_served_and_in_process(
    moments: list[Item], served_judge: Served
) -> None:
    args = {"base_url": served_judge.base_url, "model": served_judge.model}
    served = opinions(create_judge("llm", engine=create_model("endpoint", args, timeout_s=60)), moments)
    local_args = {"pretrained": str(small_model("judge")), "dtype": "float32"}
    local = opinions(create_judge("llm", engine=create_model("hf", local_args, device="cpu", batch_size="1")), moments)
    assert statuses(served) == statuses(local)
    assert [one and one.reason for one in served] == [one and one.reason for one in local]
    assert len(statuses(local)) == len(moments)  # which verdict so small a model settles on is left to its training
    unscored = sum(status == "unscored" for status, _ in statuses(local))
    assert unscored <= len(moments) // 4


@pytest.fixture(scope="module")
def classify_url() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.classify", str(small_classifier()), str(port)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def test_a_classifier_judge_gives_the_same_verdicts_served_and_in_process(classify_url: str) -> None:
    asked = classified_items(40, seed=5)
    items = [item for item, _ in asked]
    folder = str(small_classifier())
    local = opinions(create_judge("classifier", model="hf", model_args={"pretrained": folder, "device": "cpu"}), items)
    served = opinions(
        create_judge("classifier", model="endpoint", model_args={"base_url": classify_url, "model": "c"}), items
    )
    assert statuses(served) == statuses(local)
    assert [one.probability for one in served if one] == pytest.approx([o.probability for o in local if o], abs=1e-4)
    right = sum(
        (one is not None and one.status == "accepted") == want for one, (_, want) in zip(local, asked, strict=True)
    )
    assert right >= 26  # better than chance: it has learned the question it was asked


def test_a_text_beyond_a_classifiers_limit_loses_its_oldest_events() -> None:
    texts = [f"The user searches the web for {topic}." for topic in ("garden", "parser", "poem") * 30]
    trace = Trace(trace_id="t", split="s", events=tuple(Event(time=str(n), event=t) for n, t in enumerate(texts)))
    item = Item(Moment(trace, len(texts) - 1), "Sum up the best sources", ReplyKey("t", 0), 0)
    judge = create_judge("classifier", model="hf", model_args={"pretrained": str(small_classifier()), "device": "cpu"})
    (said,) = opinions(judge, [item])
    assert said is not None
    assert said.status in ("accepted", "rejected")
    assert said.clipped > 500


def test_a_chat_is_scored_by_the_models_own_template(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = tmp_path / "model"
    shutil.copytree(small_classifier(), folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    card = tmp_path / "chat.yaml"
    card.write_text(
        "name: chat\nkind: classifier\nversion: '1'\nsummary: s\nsilence: none\n"
        "text: 'Events {{events}}'\nassistant: 'Proposal {{proposal}}'\n"
    )
    judge = create_judge(str(card), model="hf", model_args={"pretrained": str(folder), "device": "cpu"})
    asked = [item for item, _ in classified_items(8, seed=9)]
    with pytest.raises(UsageError, match="no chat template"):
        opinions(judge, asked)
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    tokenizer.save_pretrained(folder)
    judge = create_judge(str(card), model="hf", model_args={"pretrained": str(folder), "device": "cpu"})
    assert {one.status for one in opinions(judge, asked) if one} <= {"accepted", "rejected"}


def test_a_model_folder_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    judge = create_judge("classifier", model="hf", model_args={"pretrained": str(tmp_path)})
    with pytest.raises(UsageError, match="cannot be loaded"):
        opinions(judge, [classified_items(1, seed=1)[0][0]])
