import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from proactivebench.errors import UsageError
from proactivebench.judging import create_judge
from proactivebench.judging.cards import load_card
from proactivebench.judging.classifier.card import ClassifierCard, Score, Scorer
from proactivebench.judging.classifier.judge import ClassifierJudge
from proactivebench.records import JudgeIdentity
from tests.judging.scripted import item, trace
from tests.servers.chat import Fault, Seen, chat_server

IDENTITY = JudgeIdentity(id="c-0", name="c", hash="0", silence="c", proposals="c")


class WordScorer(Scorer):
    """A score per text; texts beyond `limit` characters do not fit."""

    name = "words"

    def __init__(self, value: float | None, limit: int = 10**9) -> None:
        self.value, self.limit, self.texts = value, limit, []  # type: ignore[var-annotated]

    def fits(self, text: str) -> bool:
        return len(text) <= self.limit

    async def scores(self, texts: Sequence[str]) -> list[Score]:
        self.texts += texts
        return [Score(self.value, None if self.value is not None else "too_long") for _ in texts]


def card(**changes: object) -> ClassifierCard:
    shipped = load_card("classifier")
    assert isinstance(shipped, ClassifierCard)
    return shipped.model_copy(update=changes)


def decide(scorer: Scorer, *items, **changes: object):  # type: ignore[no-untyped-def]
    return asyncio.run(ClassifierJudge(card(**changes), scorer, IDENTITY).judge(items))


@pytest.mark.parametrize(("value", "status"), [(0.5, "accepted"), (0.49, "rejected"), (None, "unscored")])
def test_the_threshold_decides(value: float | None, status: str) -> None:
    (said,) = decide(WordScorer(value), item("x"))
    assert (said.status, said.probability) == (status, value)


def test_a_bare_reward_is_no_probability() -> None:
    (said,) = decide(WordScorer(-3.2), item("x"), activation="none", threshold=-4.0)
    assert (said.status, said.probability) == ("accepted", None)


def test_the_oldest_events_go_first_and_the_loss_is_recorded() -> None:
    scorer = WordScorer(0.9, limit=300)
    on = trace(*(f"event number {n} {'x' * 40}" for n in range(12)))
    (said,) = decide(scorer, item("offer", on=on, turn=11))
    (text,) = scorer.texts
    assert len(text) <= 300
    assert "number 11" in text
    assert "number 0" not in text
    assert said.clipped > 0


def test_a_chat_puts_the_proposal_into_the_assistants_mouth() -> None:
    scorer = WordScorer(0.9)
    decide(scorer, item("offer"), text="Seen: {{events}}", assistant="I offer {{proposal}}")
    ((user, assistant),) = scorer.texts
    assert (user.role, assistant.role) == ("user", "assistant")
    assert "notes.txt" in user.content
    assert assistant.content == 'I offer "offer"'


@contextmanager
def classify(step) -> Iterator:  # type: ignore[no-untyped-def, type-arg]
    with chat_server(step) as server:
        yield server


def served(server, **args: str):  # type: ignore[no-untyped-def]
    model_args = {"base_url": server.base_url, "model": "c", "max_retries": "1", **args}
    return create_judge("classifier", model="endpoint", model_args=model_args)


async def once(judge, *items):  # type: ignore[no-untyped-def]
    try:
        await judge.start()
        return await judge.judge(items)
    finally:
        await judge.close()


def test_a_served_classifier_is_asked_at_its_classify_route() -> None:
    def script(seen: Seen) -> Fault:
        accepts = "good" in seen.body["input"][0]
        return Fault(200, {"data": [{"index": 0, "probs": [0.2, 0.8] if accepts else [0.7, 0.3]}]})

    with classify(script) as server:
        said = asyncio.run(once(served(server), item("good"), item("bad"), item(None)))
        assert [(o.status, o.probability) for o in said] == [("accepted", 0.8), ("rejected", 0.3), ("rejected", 0.3)]
        assert {seen.path for seen in server.requests} == {"/classify"}


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (Fault(500), "error:500"),
        (Fault(422), "refused"),
        (Fault(413), "too_large"),
        (Fault(400, "the prompt is too long for this model"), "too_large"),
        (Fault(425), "error:425"),
        (Fault(523), "error:523"),
        (Fault(200, "<html>"), "error:no_answer"),
        (Fault(200, {"error": {"message": "busy", "code": 503}}), "error:503"),
        (Fault(200, {"data": []}), "no_json"),
        (Fault(200, {"data": [{"probs": [0.1, "x"]}]}), "bad_value"),
        (Fault(200, {"data": [{"probs": [0.1, 7]}]}), "bad_value"),
    ],
)
def test_a_server_that_gives_no_score_leaves_the_item_unscored_by_cause(step: Fault, cause: str) -> None:
    with classify([step]) as server:
        (said,) = asyncio.run(once(served(server), item("x")))
    assert (said.status, said.cause) == ("unscored", cause)


def test_a_wrong_address_or_key_stops_the_run() -> None:
    with classify([Fault(404)]) as server, pytest.raises(UsageError, match="404"):
        asyncio.run(once(served(server), item("x")))


def test_what_a_classifier_needs_is_said_before_the_first_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pretrained=DIR"):
        create_judge("classifier", model="hf")
    with pytest.raises(UsageError, match="hf or endpoint"):
        create_judge("classifier", model="vllm")
    chat = tmp_path / "chat.yaml"
    chat.write_text(
        "name: chat\nkind: classifier\nversion: '1'\nsummary: s\nsilence: s\n"
        "text: '{{events}}'\nassistant: '{{proposal}}'\n"
    )
    with pytest.raises(UsageError, match="in process only"):
        create_judge(str(chat), model="endpoint", model_args={"base_url": "http://x", "model": "c"})
    chat.write_text(chat.read_text().replace("'{{events}}'", "'{{events}} {{proposal}}'"))
    with pytest.raises(UsageError, match="exactly once"):
        create_judge(str(chat))
    with pytest.raises(UsageError, match="secret"):
        create_judge("classifier", model="hf", model_args={"pretrained": "d", "token": "hf_abcdefghijklmnopqrstu"})
