"""How an extra is had is said for the way the package came here: the distribution's name is on no index."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proactivebench.installing import EXTRAS, NAME, how_to_get, install_command

ROOT = Path(__file__).parents[1]
COMMIT = "0123456789" * 4
NEEDS = """Metadata-Version: 2.4
Name: proactivebench-eval
Version: 0.1.0
Provides-Extra: hf
Provides-Extra: plot
Requires-Dist: numpy>=1.26
Requires-Dist: torch>=2.4; extra == 'hf'
Requires-Dist: transformers>=4.48; extra == 'hf'
Requires-Dist: matplotlib>=3.8; extra == 'plot'
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make the package look installed in the way that `direct_url.json` tells."""

    def install(origin):
        folder = tmp_path / "site" / "proactivebench_eval-0.1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(NEEDS)
        if origin is not None:
            (folder / "direct_url.json").write_text(json.dumps(origin))
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return install


def words(command):
    """What the command installs: the arguments behind `install`, options of place aside."""
    found = shlex.split(command)
    found = found[found.index("install") + 1 :]
    return found[2:] if found[0] == "--python" else found


def test_a_commit_of_a_repository_is_installed_again_with_the_extra(installed):
    vcs = {"vcs": "git", "commit_id": COMMIT}
    installed({"url": "https://git.example.org/a/b", "vcs_info": vcs})
    assert words(install_command("hf")) == [f"{NAME}[hf] @ git+https://git.example.org/a/b@{COMMIT}"]


def test_a_wheel_that_is_still_there_is_installed_again_with_the_extra(installed, tmp_path):
    wheel = tmp_path / "a wheel.whl"
    wheel.write_bytes(b"")
    installed({"url": wheel.as_uri(), "archive_info": {}})
    assert words(install_command("hf")) == [f"{NAME}[hf] @ {wheel.as_uri()}"]


@pytest.mark.parametrize("gone", ["wheel", "folder", "unknown", "garbage"])
def test_where_nothing_is_left_to_install_from_what_the_extra_needs_is_named(gone, installed, tmp_path):
    origins = {
        "wheel": {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}},
        "folder": {"url": (tmp_path / "gone").as_uri(), "dir_info": {"editable": True}},
        "unknown": None,
        "garbage": [],
    }
    installed(origins[gone])
    assert words(install_command("hf")) == ["torch>=2.4", "transformers>=4.48"]


@pytest.mark.parametrize("editable", [True, False])
def test_a_folder_is_installed_again_as_it_was(editable, installed, tmp_path):
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "pyproject.toml").write_text("")
    installed({"url": (tmp_path / "clone").as_uri(), "dir_info": {"editable": editable}})
    expected = ["--editable"] * editable + [f"{tmp_path / 'clone'}[plot]"]
    assert words(install_command("plot")) == expected


@pytest.mark.parametrize("inside", [True, False])
def test_the_checkouts_own_environment_has_one_word_for_it(inside, installed, tmp_path, monkeypatch):
    clone = tmp_path / "my clone"
    (clone / ".venv").mkdir(parents=True)
    for name in ("pyproject.toml", "Makefile"):
        (clone / name).write_text("")
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
    monkeypatch.chdir(clone if inside else tmp_path)
    installed({"url": clone.as_uri(), "dir_info": {"editable": True}})
    place = "" if inside else f"-C '{clone}' "
    assert install_command("hf") == f"make {place}setup EXTRAS=hf"


def test_the_extras_named_are_those_of_the_package_and_of_make():
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\n", declared, re.DOTALL)[1]
    extras = re.findall(r"^(\w+) =", block, re.MULTILINE)
    assert set(EXTRAS.values()) == set(extras)
    for package, extra in EXTRAS.items():
        assert re.search(rf'^{extra} = .*"{package}\W', block, re.MULTILINE)
    if shutil.which("make") is None:
        return  # a system without make has pip's way
    refused = subprocess.run(
        ["make", "-n", "setup", "EXTRAS=hf,no"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert f"there is no extra 'no': EXTRAS takes {' '.join(extras)}" in refused.stderr


def test_a_package_that_no_extra_has_is_named_itself():
    assert how_to_get("sglang") == "install sglang beside proactivebench"


def test_nothing_shipped_says_to_install_the_name_from_an_index():
    texts = [
        file
        for folder in ("proactivebench", "docs", "leaderboard", "tasks", "judges", ".github")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".md", ".yml", ".yaml", ".html", ".j2", ".txt")
    ]
    for file in [*texts, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile"]:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"pip install.*proactivebench-eval(?!.*@)", line), f"{file}: {line}"
