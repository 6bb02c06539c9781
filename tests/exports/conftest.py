from pathlib import Path

import pytest

import proactivebench.api as api


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run on the sample, in a folder whose name must never show."""
    folder = tmp_path_factory.mktemp("home-of-somebody") / "run"
    api.evaluate("random", "proactivebench_sample", output_path=folder)
    return folder
