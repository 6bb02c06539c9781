"""The wheel, built from the source distribution and installed where no checkout is, has all it needs."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

uv = pytest.importorskip("uv", reason="uv builds and installs the wheel: see the `dev` group")
ROOT = Path(__file__).resolve().parent.parent
DECLARED = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
DECLARATIONS = ("tasks", "judges", "leaderboard")
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="no checkout to build from")


def environment(**changes):
    """The caller's, without what would point back at the checkout, with pip's index known to uv."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PROACTIVEBENCH_MIRROR")}
    for pip, own in (("PIP_FIND_LINKS", "UV_FIND_LINKS"), ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")):
        if kept.get(pip):
            kept.setdefault(own, kept[pip])
    return kept | changes


def run(*command, cwd, **changes):
    done = subprocess.run(command, cwd=cwd, env=environment(**changes), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the source distribution and the wheel made from it."""
    out = tmp_path_factory.mktemp("dist")
    run(uv.find_uv_bin(), "build", "--quiet", "--out-dir", str(out), str(ROOT), cwd=out)
    return out


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The `bin` folder of a fresh environment outside the checkout that holds the wheel."""
    place = tmp_path_factory.mktemp("elsewhere")
    run(uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(place / "venv"), cwd=place)
    (wheel,) = built.glob("*.whl")
    python = place / "venv" / "bin" / "python"
    pins = ("--constraints", str(ROOT / "constraints.txt"))
    run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(python), *pins, str(wheel), cwd=place)
    return python.parent


def test_the_wheel_holds_every_declaration_and_nothing_of_the_tests(built):
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tracked = run("git", "ls-files", *DECLARATIONS, cwd=ROOT).splitlines()
    assert {f"proactivebench/_shipped/{name}" for name in tracked} <= set(names)
    assert "proactivebench/py.typed" in names
    assert {
        f"proactivebench/annotation/page/{name}" for name in ("page.html", "style.css", "app.js", "texts/zh.json")
    } <= set(names)
    assert not [name for name in names if name.split("/")[0] in ("tests", "perf", "docs")]


def test_the_source_distribution_holds_what_the_wheel_is_made_of(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        folders = {name.split("/")[1] for name in content.getnames() if "/" in name}
    assert {"proactivebench", "pyproject.toml", "README.md", "LICENSE", *DECLARATIONS} <= folders
    assert not {".venv", ".venv-models", "runs", ".git"} & folders


def test_the_installed_command_says_its_version_and_helps(installed, tmp_path):
    command = str(installed / "proactivebench")
    assert run(command, "--version", cwd=tmp_path).strip() == f"proactivebench {DECLARED}"
    assert "leaderboard" in run(command, "--help", cwd=tmp_path)


def test_the_installed_package_finds_its_tasks_judges_board_files_and_sample(installed, tmp_path):
    script = (
        "from proactivebench.annotation.page import render, shipped_texts\n"
        "from proactivebench.resources import shipped\n"
        "from proactivebench.board.site.published import published\n"
        "from proactivebench.judging import create_judge\n"
        "from proactivebench.traces import load_task, task_structure\n"
        "import proactivebench\n"
        "print(proactivebench.__file__)\n"
        "print(shipped('tasks').is_dir(), create_judge('labels+lexical').identity.id)\n"
        "print(len(render('en', shipped_texts()).html) > 30_000)\n"
        "print(len(published().tables), load_task('proactivebench_sample').moments)\n"
        "print(task_structure('proactivebench').moments, task_structure('proactivebench_published').moments)\n"
    )
    where, judges, page, sample, released = run(str(installed / "python"), "-c", script, cwd=tmp_path).splitlines()
    assert ROOT not in Path(where).parents
    assert judges.startswith("True labels-lexical-")
    assert page == "True"
    assert sample.startswith("5 ")
    assert released == "233 227"


def test_the_installed_command_does_the_main_job(installed, tmp_path):
    command = str(installed / "proactivebench")
    run(command, "run", "--model", "never", "--tasks", "proactivebench_sample", "--output_path", "a", cwd=tmp_path)
    run(command, "view", "a", cwd=tmp_path)
    run(command, "leaderboard", "prepare", "a", "--output_path", "entry", cwd=tmp_path)
    assert "verified" in run(command, "leaderboard", "verify", "entry", cwd=tmp_path)
    assert (tmp_path / "a" / "view.html").stat().st_size > 10_000
