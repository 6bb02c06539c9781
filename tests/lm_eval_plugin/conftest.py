from pathlib import Path

import pytest

from proactivebench.lm_eval_plugin.options import ENVIRONMENT


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a run directory of its own and no judge from the environment."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "run"
    monkeypatch.setenv("PROACTIVEBENCH_RUN", str(folder))
    return folder
