"""Backoff between attempts is a matter of hundredths here."""

import pytest


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "wait" not in request.node.name:
        monkeypatch.setattr("proactivebench.models.endpoint.errors._FIRST_WAIT_S", 0.02)
