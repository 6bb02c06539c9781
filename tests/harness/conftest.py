from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a run directory of its own and no judge from the environment."""
    for name in ("PROACTIVEBENCH_JUDGE", "PROACTIVEBENCH_JUDGE_MODEL", "PROACTIVEBENCH_JUDGE_MODEL_ARGS"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "run"
    monkeypatch.setenv("PROACTIVEBENCH_RUN", str(folder))
    return folder
