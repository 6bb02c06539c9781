"""What the tests of traces share: a private cache, no mirror unless asked for, and the real release where it is."""

import os

import pytest

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An empty cache of the test's own, and no mirror."""
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PROACTIVEBENCH_MIRROR", raising=False)


@pytest.fixture
def mirror(monkeypatch):
    """The real release, or a visible skip."""
    if not MIRROR:
        pytest.skip("PROACTIVEBENCH_MIRROR is not set: the real release is not here")
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", MIRROR)
    return MIRROR
