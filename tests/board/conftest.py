"""Real entries on the built-in sample: made once, copied for whoever wants to spoil one."""

import os
import shutil

import pytest

from proactivebench.board.entry.form import Declaration
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.store import RunStore

from .forging import as_served

DECLARED = Declaration(
    organisation="acme",
    model="helper-7b",
    licence="Apache-2.0",
    trained_on_traces=False,
    trained_on_labels=False,
    contact="helper@example.org",
    links=("https://example.org/helper",),
)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """What is recomputed here is remembered here, and not in the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    if "PROACTIVEBENCH_MIRROR" not in os.environ:
        patch.setenv("HF_HUB_OFFLINE", "1")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Run directories of four agents on the sample, judged by labels and the baseline."""
    root = tmp_path_factory.mktemp("runs")
    for name, args in (("never", {}), ("always", {}), ("oracle", {}), ("parrot", {})):
        evaluation = prepare(Settings(model=name, model_args=args, tasks="proactivebench_sample"))
        run_async(evaluation.run(root / name))
    return root


@pytest.fixture(scope="session")
def board(runs, tmp_path_factory):
    """A board's folder with three entries: two trivial agents, and a helper (the oracle's
    answers, as if a served model had given them)."""
    root = tmp_path_factory.mktemp("board")
    for name in ("never", "always"):
        prepare_entry(RunStore(runs / name), root / "entries" / f"proactivebench__{name}" / "r1", run_id="r1")
    helper = root / "entries" / "acme__helper-7b" / "r1"
    prepare_entry(as_served(runs / "oracle", root / "run", "helper-7b"), helper, DECLARED, "r1")
    shutil.rmtree(root / "run")
    return root


@pytest.fixture
def entry(board, tmp_path):
    """A fresh copy of the helper's entry, to be spoiled."""
    folder = tmp_path / "entries" / "acme__helper-7b" / "r1"
    shutil.copytree(board / "entries" / "acme__helper-7b" / "r1", folder)
    return folder
