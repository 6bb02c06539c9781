"""A forge on this machine: a repository with a pull request, and a runner for the jobs of a workflow."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import yaml

from proactivebench.resources import shipped

PIN = f"git+https://git.example.org/team/proactivebench@{'0123456789' * 4}\n"


def git(*arguments, folder=None):
    made_by = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *made_by, *arguments], cwd=folder, check=True, capture_output=True)


class Repository:
    """A bare repository of entries whose pull request 7 is what `propose` makes it."""

    def __init__(self, root, fill=lambda _: None, pin=PIN):
        self.url, self._tree = (root / "bare.git").as_uri(), root / "tree"
        git("init", "--quiet", "--bare", "-b", "main", str(root / "bare.git"))
        git("clone", "--quiet", self.url, str(self._tree))
        git("checkout", "--quiet", "-B", "main", folder=self._tree)
        (self._tree / "requirements.txt").write_text(pin)
        (self._tree / "README.md").write_text("A board.\n")
        fill(self._tree)
        self._commit("start")
        git("push", "--quiet", "origin", "main", folder=self._tree)

    def propose(self, change=lambda _: None):
        """Commit on a branch what `change` does to the tree, and merge it as the forge does to try it."""
        git("checkout", "--quiet", "-b", "proposed", folder=self._tree)
        change(self._tree)
        self._commit("proposed")
        git("checkout", "--quiet", "--detach", "main", folder=self._tree)
        git("merge", "--quiet", "--no-ff", "-m", "merge", "proposed", folder=self._tree)
        git("push", "--quiet", "origin", "HEAD:refs/pull/7/merge", folder=self._tree)

    def files(self, branch):
        """The names of all files of a branch."""
        git("fetch", "--quiet", "origin", branch, folder=self._tree)
        command = ["git", "ls-tree", "-r", "--name-only", "FETCH_HEAD"]
        return set(subprocess.run(command, cwd=self._tree, check=True, capture_output=True, text=True).stdout.split())

    def _commit(self, message):
        git("add", "--all", "--force", folder=self._tree)
        git("commit", "--quiet", "--allow-empty", "-m", message, folder=self._tree)


@dataclass
class Job:
    """What came of a job: its exit code, all it printed, and its folder."""

    workspace: Path
    code: int = 0
    log: str = ""
    installed: list[str] = field(default_factory=list)

    @property
    def comment(self):
        return (self.workspace / "comment.md").read_text(encoding="utf-8")


class Runner:
    """Runs the steps of a job as a hosted runner does: checkouts, artifacts and shell steps with their environment.
    `pip install` only notes what it was asked for; `gh` notes the comment it posts."""

    def __init__(self, root, repository, values=None):
        self._root, self._repository = root, repository
        self._values = {
            "github.event.pull_request.number": "7",
            "github.repository": "b/e",
            "github.token": "t",
            "github.run_id": "12",
            **(values or {}),
        }
        self._bin = root / "bin"
        self._bin.mkdir()
        self._tool(
            "python",
            f'[ "$1 $2" = "-m pip" ] && shift 2 && echo "$*" >> {root}/pip && exit 0\nexec {sys.executable} "$@"',
        )
        self._tool("proactivebench", f'exec {sys.executable} -P -m proactivebench "$@"')
        expected = "pr comment 7 --repo b/e --edit-last --create-if-none --body-file body.md"
        proposed = "pr create --repo b/e --head found/12 --title Asked again --body-file ../found.md"
        self._tool(
            "gh",
            '[ "$GH_TOKEN" = t ] || exit 4\n'
            f'case "$*" in\n"{expected}") cp body.md {root}/posted ;;\n'
            f'"{proposed}") cp ../found.md {root}/posted ;;\n'
            '"auth setup-git") ;;\n"repo clone b/e board -- "*) '
            f'shift 5; exec git clone "$@" {repository.url} board ;;\n*) exit 2 ;;\nesac',
        )

    @property
    def posted(self):
        return (self._root / "posted").read_text(encoding="utf-8")

    def run(self, workflow, name):
        """Run the job `name` of a workflow in a new folder."""
        text = shipped("leaderboard", "workflows", f"{workflow}.yml").read_text(encoding="utf-8")
        job = Job(self._root / name)
        job.workspace.mkdir()
        for step in yaml.safe_load(text)["jobs"][name]["steps"]:
            if job.code == 0 or step.get("if") == "always()":
                self._step(job, step)
        if (self._root / "pip").exists():
            job.installed = (self._root / "pip").read_text().splitlines()
        for file in (self._root / "runner").iterdir():
            assert file.read_text() == "", f"nothing was told to the runner through {file.name}"
        return job

    def _step(self, job, step):
        given = {key: self._filled(value) for key, value in {**step.get("with", {}), **step.get("env", {})}.items()}
        kind = step.get("uses", "run").split("@")[0].removeprefix("actions/")
        artifacts = self._root / "artifacts"
        artifacts.mkdir(exist_ok=True)
        if kind == "run":
            folder = job.workspace / step.get("working-directory", ".")
            self._shell(job, folder, step["run"], {name: given[name] for name in step.get("env", {})})
        elif kind == "checkout":
            self._check_out(job.workspace / given.get("path", "."), given)
        elif kind == "upload-artifact" and (job.workspace / given["path"]).exists():
            shutil.copy(job.workspace / given["path"], artifacts)
        elif kind == "download-artifact":
            shutil.copytree(artifacts, job.workspace, dirs_exist_ok=True)

    def _check_out(self, folder, given):
        git("init", "--quiet", str(folder))
        depth = f"--depth={given.get('fetch-depth', 1)}"
        git("fetch", "--quiet", depth, self._repository.url, given.get("ref", "main"), folder=folder)
        git("checkout", "--quiet", "--detach", "FETCH_HEAD", folder=folder)

    def _shell(self, job, folder, text, given):
        told = self._root / "runner"
        told.mkdir(exist_ok=True)
        files = {
            name: str(told / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            Path(file).touch()
        script = self._root / "step.sh"
        script.write_text(text, encoding="utf-8")
        environment = {
            "PATH": f"{self._bin}:{os.defpath}",
            "HOME": str(self._root),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(job.workspace),
            "PROACTIVEBENCH_CACHE": os.environ["PROACTIVEBENCH_CACHE"],
            "HF_HUB_OFFLINE": "1",
            **files,
            **given,
        }
        done = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        job.code = job.code or done.returncode
        job.log += done.stdout.decode()

    def _filled(self, value):
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: self._values[found[1]], str(value))

    def _tool(self, name, text):
        (self._bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self._bin / name).chmod(0o755)


def commands(log):
    """What a runner would take for a command: (name, line). `::name …::text` opens a line, `##[name …]` may stand
    anywhere in one."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        match = re.match(r"\s*::([^ :]+)(?: .*?)?::", line) or re.search(r"##\[([^ \]]+)[^\]]*\]", line)
        if match:
            found.append((match[1], line))
    return found


class Page(HTMLParser):
    """What a page holds: its elements (comments too), and its text."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)

    def handle_comment(self, data):
        self.elements.append("comment")

    def handle_data(self, data):
        self.text += data
