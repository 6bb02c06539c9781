"""Where an entry goes: a folder, a branch of a git repository, or a pull request on the Hub."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import tempfile
from pathlib import Path

from proactivebench.board.entry.evidence import Evidence, read_evidence
from proactivebench.board.entry.form import ENTRY, Entry
from proactivebench.board.entry.parcel import Parcel
from proactivebench.board.entry.reading import MAX_ENTRY_BYTES, MAX_PACKED_BYTES, read_plain
from proactivebench.board.entry.validation import validate_evidence
from proactivebench.errors import BadArgument, CannotWrite, CheckFailed, NotInstalled, UsageError
from proactivebench.store import cannot_write

_GIT_PROTOCOLS = "file:git:http:https:ssh"
_NOBODY = "ProactiveBench submission"


def submit_entry(path: Path, target: str) -> str:
    """Send the entry at `path` to `dir:PATH`, `git:URL` or `hf:ORG/DATASET`; returns where it now lies, and what comes
    next.

    Raises `CheckFailed` for an entry that a board would refuse, `UsageError` where the target is none or has such an
    entry already, `CannotWrite` where it cannot be reached or does not take it.
    """
    check_target(target)
    entry, files = submission(read_evidence(path))
    otherwise = "prepare this one with another --run_id"
    return send(Parcel(f"entry {entry.key}", f"entries/{entry.key}", ENTRY, files, otherwise), target)


def send(parcel: Parcel, target: str) -> str:
    """Send a parcel to `dir:PATH`, `git:URL` or `hf:ORG/DATASET`; returns where it now lies, and what comes next.
    Raises `UsageError` where the target is none or has another such parcel already, `CannotWrite` where it cannot be
    reached or does not take it."""
    kind, place = check_target(target)
    return {"dir": _to_folder, "git": _to_git, "hf": _to_hub}[kind](parcel, place)


def check_target(target: str) -> tuple[str, str]:
    """The kind of a target and its place. Raises `UsageError` where it is none."""
    kind, _, place = target.partition(":")
    if kind not in ("dir", "git", "hf") or not place or place.startswith("-"):
        raise BadArgument(f"{target} is no place to submit to: use hf:ORG/DATASET, git:URL or dir:PATH")
    return kind, place


def submission(evidence: Evidence) -> tuple[Entry, dict[str, bytes]]:
    """An entry and its files by relative name, if a board would take it. Raises `CheckFailed`."""
    validation = validate_evidence(evidence)
    if evidence.entry is None or not validation.accepted:
        first = validation.findings[0]
        raise CheckFailed(f"{evidence.path} would be refused: {first.file} {first.message}; see `leaderboard validate`")
    files = {ENTRY: read_plain(evidence.path / ENTRY, MAX_ENTRY_BYTES)}
    files |= {name: read_plain(evidence.path / name, MAX_PACKED_BYTES) for name in evidence.entry.evidence}
    return evidence.entry, files


def _to_folder(parcel: Parcel, place: str) -> str:
    root = Path(place)
    if not root.is_dir() and (root.exists() or not root.absolute().parent.is_dir()):
        raise UsageError(f"{root} is no folder and none can be made there: give the folder of a board")
    return f"{_lay_out(root, parcel)}; next: proactivebench leaderboard build {root}"


def _lay_out(root: Path, parcel: Parcel) -> Path:
    folder = root / parcel.folder
    first = folder / parcel.first
    if first.exists() and first.read_bytes() != parcel.files[parcel.first]:
        raise UsageError(f"{folder} holds another {parcel.title.split()[0]}: {parcel.otherwise}")
    with cannot_write(folder):
        for name, content in parcel.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def _to_git(parcel: Parcel, place: str) -> str:
    shown = re.sub(r"(?<=://)[^/@\s]*@", "", place)  # an address may hold a password
    with tempfile.TemporaryDirectory(prefix="proactivebench-") as scratch:
        clone = Path(scratch) / "board"
        _git("clone", "--quiet", "--depth", "1", "--", place, str(clone))
        if _git("ls-remote", "--heads", "origin", f"refs/heads/{parcel.branch}", folder=clone):
            raise UsageError(f"{shown} has a branch {parcel.branch} already: {parcel.otherwise}")
        if (clone / parcel.folder).exists():
            raise UsageError(f"{shown} has an {parcel.title} already: {parcel.otherwise}")
        _git("checkout", "--quiet", "-b", parcel.branch, folder=clone)
        _lay_out(clone, parcel)
        _git("add", "--force", "--", parcel.folder, folder=clone)
        _git("commit", "--quiet", "-m", parcel.message, folder=clone, **_identity(clone))
        _git("push", "--quiet", "origin", f"HEAD:refs/heads/{parcel.branch}", folder=clone)
    return f"{shown} has branch {parcel.branch}; next: open a pull request from it"


def _identity(clone: Path) -> dict[str, str]:
    """Who commits: whoever git knows by its configuration or environment, and a neutral name where it knows nobody."""
    neutral: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        try:
            _git("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT", folder=clone)
        except CannotWrite:
            neutral |= {f"GIT_{role}_NAME": _NOBODY, f"GIT_{role}_EMAIL": "submission@proactivebench.invalid"}
    return neutral


def _git(*arguments: str, folder: Path | None = None, **unset: str) -> str:
    """What git prints. `unset` are variables for where the environment has none."""
    spoken = {"GIT_ALLOW_PROTOCOL": _GIT_PROTOCOLS, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "core.symlinks=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=unset | os.environ | spoken,
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        raise NotInstalled("git is not installed: install it, or submit to hf: or dir:") from error
    except subprocess.CalledProcessError as error:
        raise CannotWrite(f"git {arguments[0]} failed: {_telling(error.stderr)}") from error
    return done.stdout


def _telling(said: str) -> str:
    """The lines of git's complaint that name a reason, as one; its hints speak of commands that nobody here gave."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    reasons = [line for line in lines if line.startswith(("fatal:", "remote:", "ERROR:", "!"))] or lines[-1:]
    return "; ".join(dict.fromkeys(reasons))[:500] or "no reason given"


def _to_hub(parcel: Parcel, place: str) -> str:
    added = {f"{parcel.folder}/{name}": content for name, content in parcel.files.items()}
    return open_pull_request(place, "dataset", added, parcel.message)


def open_pull_request(repository: str, kind: str, files: dict[str, bytes], title: str) -> str:
    """Open a pull request on the Hub that adds `files`; returns its address. The token comes from the environment.

    Raises `UsageError` for what is no repository's name, `CannotWrite` where the Hub does not take it. Files go up
    first and the pull request is opened last, in one step, so that none is open with half of them.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    # Its warnings of a retry show addresses that anyone may write to.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    operations = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in files.items()]
    try:
        commit = HfApi().create_commit(
            repository, operations, commit_message=title, repo_type=kind, create_pr=True, revision="main"
        )
    except HFValidationError as error:
        raise BadArgument(f"{repository} is no Hub repository: give ORG/NAME") from error
    except Exception as error:  # what the ways to upload raise is open-ended, RuntimeError among it
        raise CannotWrite(
            f"the Hub did not take it: {_reason(error)}; is HF_TOKEN set and the repository there? If so, try again"
        ) from error
    return commit.pr_url or commit.commit_url


def _reason(error: Exception) -> str:
    """What went wrong in one line, without the part of an address that grants access."""
    cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    first, *rest = str(cause).strip().splitlines() or [type(cause).__name__]
    said = f"{first} {rest[0]}" if rest and first.endswith(":") else first
    return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", said)
