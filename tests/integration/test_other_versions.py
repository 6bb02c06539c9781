"""The newest pre-release of lm-eval, and the validator of another project, each in an environment of its own."""

import os
import subprocess
from pathlib import Path

import pytest

import proactivebench.api as api
from proactivebench.exports.every_eval_ever import write_every_eval_ever
from proactivebench.exports.source import Source
from tests.integration.environments import PROJECT, environment, newer_python

pytestmark = pytest.mark.models

PRE_RELEASE = "lm-eval[api]>=0.5.0.dev0,<0.6"
VALIDATOR = "every-eval-ever==0.3.0"


def test_everything_under_lm_eval_holds_on_its_newest_pre_release() -> None:
    python = environment("lm-eval-pre", ["-e", str(PROJECT), PRE_RELEASE, "pytest"])
    version = subprocess.run(
        [str(python), "-c", "import importlib.metadata as m; print(m.version('lm-eval'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert version.stdout.startswith("0.5")
    done = subprocess.run(
        [str(python), "-m", "pytest", "tests/lm_eval_plugin", "tests/models/test_lm_eval_backend.py"],
        cwd=PROJECT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


def test_every_eval_evers_own_validator_passes_the_export(tmp_path: Path) -> None:
    newer = newer_python((3, 12))
    if newer is None:
        pytest.skip("every-eval-ever needs Python 3.12 or newer, and there is none here")
    python = environment("every-eval-ever", [VALIDATOR], newer)
    api.evaluate("parrot", "proactivebench_sample", output_path=tmp_path / "run")
    files = write_every_eval_ever(Source.read(tmp_path / "run"), tmp_path, model_id="some/model")
    done = subprocess.run(
        [str(python), "-m", "every_eval_ever", "validate", "--format", "json"]
        + [str(file.relative_to(tmp_path)) for file in files],
        cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert '"warnings": []' in done.stdout.replace('"warnings":[]', '"warnings": []')
