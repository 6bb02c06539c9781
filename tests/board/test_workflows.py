"""The workflows of a results repository give strangers nothing to run and no right to write; their steps, run for real
on pull requests of every kind, let good entries in and say why others stay out."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from proactivebench.resources import shipped
from tests.servers.chat import chat_server

from .asked_again import FORGED, HONEST, helper_and_judge, submitted
from .forging import declared, write_declared
from .hosted import Page, Repository, Runner, commands, git
from .hostile import CORPUS

FILES = sorted(shipped("leaderboard", "workflows").glob("*.yml"))
REFUSED = "A submission adds"
HELPER = Path("entries") / "acme__helper-7b" / "r1"
NEVER = Path("entries") / "proactivebench__never" / "r1"
WORDS = (
    "::set-output name=x::y",
    "\n::set-output name=x::y",
    "x\r::error::said",
    "x\u2028::error::said",
    "x%0A::error::said",
    "##[add-mask]a",
    "\x1b[2J\x1b]0;owned\x07",
    "a\u202eb",
    "<img src=x onerror=alert(1)>",
    "<!-- unseen",
    "[here](https:evil.example)",
    "https:\\\\evil.example www.evil.example",
    "a | b | `c` **d** $e$ @everyone #1 a@evil.example",
)


@pytest.fixture
def repository(tmp_path, board):
    def fill(tree):
        for entry in (board / "entries").glob("proactivebench__*"):
            shutil.copytree(entry, tree / "entries" / entry.name)

    return Repository(tmp_path, fill)


@pytest.fixture
def runner(tmp_path, repository):
    return Runner(tmp_path, repository)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_a_stranger_writes_reaches_a_shell(file):
    for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "values go through the environment"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_whoever_sees_submitted_files_may_only_read(file):
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["permissions"] == {}
    for job in content["jobs"].values():
        checks_out = any("checkout" in step.get("uses", "") for step in job["steps"])
        writes = [right for right, level in job["permissions"].items() if level == "write"]
        assert not (checks_out and writes)
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_a_good_entry_passes_and_the_comment_says_so(repository, runner, board):
    repository.propose(lambda tree: add_helper(tree, board))
    job = runner.run("submission", "validate")
    assert job.code == 0, job.log
    assert job.installed == ["install --quiet --requirement base/requirements.txt"], (
        "the base branch says which validator"
    )
    assert job.log == "accepted: acme__helper-7b/r1\nverified: acme__helper-7b/r1\n"
    told = [line for line in job.comment.splitlines() if line.startswith("| acme")]
    entry = "| acme\\_\\_helper\\-7b/r1 |"
    assert told == [f"{entry} accepted |  |", f"{entry} verified |  |"], "and of no other entry"
    runner.run("submission", "comment")
    assert runner.posted == job.comment


@pytest.mark.parametrize(
    "pin",
    [
        "proactivebench-eval==0.1.0\n",
        "git+https://HOST/OWNER/REPOSITORY@COMMIT\n",
        "git+https://git.example.org/team/proactivebench@main\n",
        f"git+https://git.example.org/team/proactivebench@{'a1' * 10}\n",
        "",
    ],
)
@pytest.mark.parametrize(("workflow", "job"), [("submission", "validate"), ("publish", "build")])
def test_a_validator_that_is_not_pinned_to_a_full_commit_is_not_installed(pin, workflow, job, tmp_path, board):
    repository = Repository(tmp_path, pin=pin)
    repository.propose(lambda tree: add_helper(tree, board))
    done = Runner(tmp_path, repository).run(workflow, job)
    assert done.code == 2
    assert done.installed == []
    assert "with all 40 digits" in done.log


def test_a_first_entry_passes(tmp_path, board):
    repository = Repository(tmp_path)
    repository.propose(lambda tree: add_helper(tree, board))
    job = Runner(tmp_path, repository).run("submission", "validate")
    assert job.code == 0, job.log
    assert "accepted" in job.comment


def test_a_copy_of_what_the_base_branch_holds_is_refused_with_its_name(tmp_path, board):
    repository = Repository(tmp_path, lambda tree: add_helper(tree, board))

    def copied(tree):
        folder = shutil.copytree(tree / HELPER, tree / "entries" / "evil__better-9b" / "r1")
        content = declared(folder)
        content["declared"] |= {"organisation": "evil", "model": "better-9b"}
        write_declared(folder, content)

    repository.propose(copied)
    job = Runner(tmp_path, repository).run("submission", "validate")
    assert job.code == 1, job.log
    assert "acme" in job.comment
    assert "copy" in job.comment


def also_the_readme(tree):
    (tree / "README.md").write_text("mine now")


def also_the_validators_version(tree):
    (tree / "requirements.txt").write_text("my-own-validator")


def also_a_workflow(tree):
    (tree / ".github" / "workflows").mkdir(parents=True)
    (tree / ".github" / "workflows" / "mine.yml").write_text("on: push")


def also_a_file_beside_the_entries(tree):
    (tree / "entries.md").write_text("x")


def also_a_file_among_the_entries(tree):
    (tree / "entries" / ".gitattributes").write_text("*.gz text eol=crlf")


def also_a_file_beside_the_run(tree):
    (tree / HELPER.parent / "index.html").write_text("<script>")


def also_a_hidden_folder(tree):
    (tree / "entries" / ".hidden" / "r1").mkdir(parents=True)
    (tree / "entries" / ".hidden" / "r1" / "entry.json").write_text("{}")


def also_a_hidden_run(tree):
    shutil.copytree(tree / HELPER, tree / HELPER.parent / ".r2")


def also_a_record_that_it_was_reproduced(tree):
    (tree / "reproduced" / HELPER.parent.name).mkdir(parents=True)
    (tree / "reproduced" / HELPER.parent.name / "r1.json").write_text("{}")


def also_a_record_that_its_verdicts_were_decided_again(tree):
    (tree / "decided" / HELPER.parent.name).mkdir(parents=True)
    (tree / "decided" / HELPER.parent.name / "r1.json").write_text("{}")


def also_an_end_to_another_entry(tree):
    shutil.rmtree(tree / NEVER)


def also_another_place_for_another_entry(tree):
    (tree / NEVER).rename(tree / NEVER.parent / "r2")


def also_other_words_in_another_entry(tree):
    (tree / NEVER / "entry.json").write_text((tree / NEVER / "entry.json").read_text() + " ")


def also_another_mode_for_another_entry(tree):
    (tree / NEVER / "entry.json").chmod(0o755)


def also_a_link_in_place_of_anothers_file(tree):
    (tree / NEVER / "replies.jsonl.gz").unlink()
    (tree / NEVER / "replies.jsonl.gz").symlink_to("/dev/zero")


def also_a_link_to_a_file(tree):
    (tree / HELPER / "replies.jsonl.gz").unlink()
    (tree / HELPER / "replies.jsonl.gz").symlink_to("/etc/hostname")


def also_a_link_to_a_run(tree):
    (tree / HELPER.parent / "r2").symlink_to("../../../base")


def also_a_link_to_a_model(tree):
    (tree / "entries" / "acme__other").symlink_to("/")


def also_a_submodule(tree):
    (tree / HELPER.parent / "r2").mkdir()
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},entries/acme__helper-7b/r2", folder=tree)


def also_a_file_under_a_name_that_seems_two(tree):
    (tree / "x\nA\tentries").mkdir()
    (tree / "x\nA\tentries" / "y").write_text("x")


ALSO = {name: change for name, change in list(globals().items()) if name.startswith("also_")}


@pytest.mark.parametrize("name", ALSO)
def test_a_pull_request_that_does_more_than_add_an_entry_is_refused(name, repository, runner, board):
    repository.propose(lambda tree: (add_helper(tree, board), ALSO[name](tree)))
    job = runner.run("submission", "validate")
    assert job.code == 1
    assert job.comment.startswith(REFUSED)
    assert commands(job.log) == []
    runner.run("submission", "comment")
    assert runner.posted == job.comment


def test_a_pull_request_that_changes_nothing_is_refused(repository, runner):
    repository.propose()
    job = runner.run("submission", "validate")
    assert job.code == 1
    assert job.comment.startswith(REFUSED)


def a_tampered_hash(tree):
    content = declared(tree / HELPER)
    content["evidence"]["replies.jsonl.gz"]["sha256"] = "0" * 64
    write_declared(tree / HELPER, content)


def hostile_folders(tree):
    for word in WORDS:
        shutil.copytree(tree / HELPER, tree / HELPER.parent / f"r{word}")
        shutil.copytree(tree / HELPER, tree / "entries" / f"{word}__m" / "r1")


def hostile_folders_without_an_entry(tree):
    for word in WORDS:
        (tree / HELPER.parent / word).mkdir()
        (tree / HELPER.parent / word / word).write_text("")


def hostile_files(tree):
    for word in WORDS:
        (tree / HELPER / word).write_text("x")


def hostile_fields(tree):
    for number, word in enumerate((*WORDS, "https://evil.example", "http://localhost")):
        folder = shutil.copytree(tree / HELPER, tree / HELPER.parent / f"r{number + 2}")
        content = declared(folder)
        content["declared"] |= {word: word, "model": word}
        content["evidence"][word] = {word: word}
        content["claims"][word] = {word: 1.0}
        write_declared(folder, content)


def names_that_are_no_text(tree):
    for place in (HELPER / "\udcfe", HELPER.parent / "r\udcff" / "\udcfe"):
        (tree / place).parent.mkdir(exist_ok=True)
        (tree / place).write_text("")


def a_file_more_for_another_entry(tree):
    (tree / NEVER / "verdicts" / "mine-00000000.jsonl.gz").write_bytes(b"")


HOSTILE = (
    a_tampered_hash,
    hostile_folders,
    hostile_folders_without_an_entry,
    hostile_files,
    hostile_fields,
    names_that_are_no_text,
    a_file_more_for_another_entry,
)


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_hostile_entry_is_refused_and_its_words_stay_words(change, repository, runner, board):
    repository.propose(lambda tree: (add_helper(tree, board), change(tree)))
    job = runner.run("submission", "validate")
    assert job.code == (2 if change in (hostile_folders_without_an_entry, names_that_are_no_text) else 1)
    assert job.comment.startswith("| Entry | Outcome | What |\n")
    assert "refused" in job.comment or "unreadable" in job.comment
    assert {name for name, _ in commands(job.log)} == {"error"}
    assert all(line.startswith("::error file=entries/") for _, line in commands(job.log))
    assert not re.search(r"[^\x20-\x7e\u200b\u2026\ufffd\n]", job.log + job.comment)
    page = Page(MarkdownIt("commonmark").enable("table").render(job.comment))
    assert page.elements.count("table") == 1
    assert {*page.elements} <= {"table", "thead", "tbody", "tr", "th", "td", "br"}
    assert not re.search(r"(?i)https?:/|www\.|@[a-z]|#\d", page.text), "nothing that a forge makes a link of"
    runner.run("submission", "comment")
    assert runner.posted == job.comment


def test_a_board_is_built_from_what_was_merged(tmp_path, board):
    repository = Repository(tmp_path, lambda tree: shutil.copytree(board / "entries", tree / "entries"))
    runner = Runner(tmp_path, repository)
    job = runner.run("publish", "build")
    assert job.code == 0, job.log
    assert job.installed == ["install --quiet --requirement requirements.txt"]
    assert "3 entries, 0 refused" in job.log
    index = (job.workspace / "site" / "index.html").read_text(encoding="utf-8")
    assert "helper-7b" in index
    assert "kundenimport" not in (job.workspace / "site" / "data" / "proactivebench_sample.js").read_text()
    assert commands(job.log) == []


def test_a_board_without_entries_is_built(tmp_path):
    job = Runner(tmp_path, Repository(tmp_path)).run("publish", "build")
    assert job.code == 0, job.log
    assert "0 entries, 0 refused" in job.log


def test_a_hostile_entry_that_was_merged_is_refused_on_the_board_and_runs_nowhere(tmp_path, board):
    def merged(tree):
        add_helper(tree, board)
        for number, spoil in enumerate(CORPUS.values()):
            shutil.copytree(board / HELPER, tree / "entries" / f"evil__{number}" / "r1")
            spoil(tree / "entries" / f"evil__{number}" / "r1")
        for change in (hostile_folders, hostile_folders_without_an_entry, hostile_fields, hostile_files):
            change(tree)
        names_that_are_no_text(tree)

    job = Runner(tmp_path, Repository(tmp_path, merged)).run("publish", "build")
    assert job.code == 1, "a published board does not silently shrink"
    assert commands(job.log) == []
    index = (job.workspace / "site" / "index.html").read_text(encoding="utf-8")
    page = Page(index)
    assert "img" not in page.elements
    assert "evil__0" in page.text


def add_helper(tree, board):
    shutil.copytree(board / HELPER, tree / HELPER)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return submitted(tmp_path_factory.mktemp("submitted"))


def test_maintainers_have_open_verdicts_decided_again_and_what_is_found_is_proposed(tmp_path, asked):
    repository = Repository(tmp_path, lambda tree: shutil.copytree(asked / "entries", tree / "entries"))
    with chat_server(helper_and_judge) as server:
        runner = Runner(tmp_path, repository, given(server, "first"))
        job = runner.run("ask", "ask")
    assert job.code == 0, job.log
    assert {seen.headers["Authorization"] for seen in server.asked} == {"Bearer sk-of-the-maintainers"}
    runner.run("ask", "propose")
    assert f"decided    {HONEST}" in runner.posted
    assert f"disputed   {FORGED}" in runner.posted
    found = repository.files("found/12")
    assert {f"decided/{HONEST}.json", f"decided/{FORGED}.json"} <= found
    assert repository.files("main") < found, "nothing is taken away"
    assert all(file.startswith("decided/") for file in found - repository.files("main"))
    assert not (tmp_path / "propose" / "board" / "entries").exists(), "who may write never has the entries"


def test_maintainers_ask_an_entrys_model_again_and_what_is_found_is_proposed(tmp_path, asked):
    repository = Repository(tmp_path, lambda tree: shutil.copytree(asked / "entries", tree / "entries"))
    with chat_server(helper_and_judge) as server:
        runner = Runner(tmp_path, repository, given(server, "helper", FORGED))
        job = runner.run("ask", "ask")
    assert job.code == 0, job.log
    runner.run("ask", "propose")
    assert f"not reproduced  {FORGED}" in runner.posted
    assert repository.files("found/12") - repository.files("main") == {f"reproduced/{FORGED}.json"}


@pytest.mark.parametrize("entry", ["../x", "a/b/c", "-x/y", "a b/c", "$(id)/x", "nobody__here/r1"])
def test_what_is_no_entry_asks_nobody_and_proposes_nothing(entry, tmp_path, asked):
    repository = Repository(tmp_path, lambda tree: shutil.copytree(asked / "entries", tree / "entries"))
    with chat_server(helper_and_judge) as server:
        job = Runner(tmp_path, repository, given(server, "helper", entry)).run("ask", "ask")
    assert job.code == 2
    assert server.requests == []
    assert not list((tmp_path / "artifacts").glob("*"))


def given(server, model, entry=""):
    """What a maintainer fills in, and the secret of the repository."""
    return {
        "inputs.entry": entry,
        "inputs.model": "endpoint",
        "inputs.model_args": f"base_url={server.base_url},model={model}",
        "secrets.MODEL_KEY": "sk-of-the-maintainers",
    }
