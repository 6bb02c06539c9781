"""One table of statuses for every route, and the page that tells it."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proactivebench.errors import UsageError
from proactivebench.judging import create_judge
from proactivebench.models.base import Failure
from proactivebench.models.endpoint.errors import TABLE, Meaning, meaning
from proactivebench.records import Cause
from tests.judging.scripted import item
from tests.models.asking import ask
from tests.models.test_lm_eval_backend import ask_http
from tests.models.test_lm_eval_backend import request as conversation
from tests.servers.chat import ChatServer, Fault, chat_server, refusal

PAGE = Path(__file__).parents[2] / "docs" / "endpoints.md"


def documented() -> Iterator[tuple[str, str]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1] in set(Meaning):
            yield cells[0], cells[1]


def test_the_page_and_the_code_have_the_same_table() -> None:
    told = dict(documented())
    assert sorted(told.values()) == sorted(Meaning)
    listed = {
        status: said
        for statuses, said in told.items()
        for first, last in re.findall(r"(\d{3})(?:–(\d{3}))?", statuses)
        for status in range(int(first), int(last or first) + 1)
    }
    for status in range(300, 1000):
        assert meaning(status) == listed.get(status, Meaning.AGAIN), status


def test_every_status_has_exactly_one_meaning() -> None:
    for status in range(100, 1000):
        assert sum(rule.holds(status) for rule in TABLE[:-1]) <= 1
        assert TABLE[-1].holds(status)


# --- every route says the same ----------------------------------------------------------------------------------------


def by_endpoint(server: ChatServer) -> str:
    answer = ask(server)
    return said(answer.failure, answer.cause, answer.error)


def by_lm_eval(server: ChatServer) -> str:
    (answer,) = ask_http(server.base_url, conversation())
    return said(answer.failure, answer.cause, answer.error)


def by_classifier(server: ChatServer) -> str:
    async def once() -> str:
        args = {"base_url": server.base_url, "model": "c", "max_retries": "0"}
        judge = create_judge("classifier", model="endpoint", model_args=args)
        try:
            await judge.start()
            (opinion,) = await judge.judge([item("x")])
        finally:
            await judge.close()
        assert opinion is not None
        cause = opinion.cause or ""
        return cause if cause in ("refused", "too_large") else cause.partition(":")[0]

    return asyncio.run(once())


def said(failure: Failure | None, cause: Cause | None, error: str | None) -> str:
    if cause is Cause.TOO_LARGE:
        assert "max_length" in (error or "")
        return "too_large"
    return failure.value if failure else "answered"


WORDS = {
    Meaning.AGAIN: "error",
    Meaning.REFUSED: "refused",
    Meaning.TOO_LARGE: "too_large",
    Meaning.DOOR: "stopped",
    Meaning.ACCOUNT: "stopped",
}
ROUTES = [by_endpoint, by_lm_eval, by_classifier]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "status", [307, 400, 401, 402, 403, 404, 409, 413, 422, 425, 429, 451, 500, 501, 507, 520, 529]
)
def test_a_status_means_the_same_on_every_route(status: int, route: Callable[[ChatServer], str]) -> None:
    shut, expected = refusal("so it is", status=status), WORDS[meaning(status)]
    with chat_server([shut], probe=shut if expected == "stopped" else None) as server:
        if expected != "stopped":
            assert route(server) == expected
            return
        with pytest.raises(UsageError, match=str(status)):
            route(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (refusal("This model's maximum context length is 2048 tokens.", status=400), "too_large"),
        (refusal("the request exceeds the available context size", status=500), "too_large"),
        (refusal("Your input was flagged by moderation", status=403), "refused"),
        (Fault(503, "<html>gateway</html>", content_type="text/html"), "error"),
        (Fault(400, "<html>gateway</html>", content_type="text/html"), "error"),
        (Fault(200, "<html>hello</html>", content_type="text/html"), "error"),
        (Fault(200, {"error": {"message": "engine died", "code": 502}}), "error"),
        (Fault(200, {"error": {"message": "odd", "code": 400}}), "error"),
        (Fault(200, {"error": "prompt is too long: 9 tokens > 8 maximum"}), "too_large"),
        (Fault(200, "x" * (9 << 20)), "error"),
        (Fault(200, "[" * 100_000), "error"),
    ],
)
def test_words_and_bodies_mean_the_same_on_every_route(
    fault: Fault, expected: str, route: Callable[[ChatServer], str]
) -> None:
    with chat_server([fault]) as server:
        assert route(server) == expected


@pytest.mark.parametrize("route", [by_lm_eval, by_classifier])
def test_an_exhausted_quota_stops_every_route(route: Callable[[ChatServer], str]) -> None:
    with chat_server([refusal("no more", code="insufficient_quota", status=429)]) as server:
        with pytest.raises(UsageError, match="top up"):
            route(server)
        assert len(server.requests) == 1
