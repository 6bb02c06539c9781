"""What goes wrong is an exception as fine as a library user can act on, in one tree that its module shows."""

import ast
import re
import socket
from pathlib import Path

import pytest

import proactivebench as pb
from proactivebench import errors
from tests.servers.chat import Fault, chat_server

SAMPLE = "proactivebench_sample"


def tree(top: type[BaseException]) -> list[tuple[int, str]]:
    """Depth and name of every exception below, in the order they are defined; one with two parents once."""
    found = [(0, top.__name__)]
    for below in top.__subclasses__():
        if below.__module__ == top.__module__ and below.__bases__[0] is top:
            found += [(depth + 1, name) for depth, name in tree(below)]
    return found


def drawn(text: str) -> list[tuple[int, str, str]]:
    """Depth, name and exit code (where one stands there) of every line of the drawing."""
    lines = [line for line in text.splitlines() if "── " in line or line == "ProactiveBenchError"]
    rows = []
    for line in lines:
        name, *more = line.lstrip("│├└─ ").split()
        rows.append(((len(line) - len(line.lstrip("│├└─ "))) // 4, name, more[0] if more and more[0].isdigit() else ""))
    return rows


def test_the_tree_at_the_top_of_the_module_is_the_tree_there_is() -> None:
    rows = drawn(errors.__doc__ or "")
    assert sorted((depth, name) for depth, name, _ in rows) == sorted(tree(errors.ProactiveBenchError))
    codes = {name: int(code) for _, name, code in rows if code}
    assert codes == {name: getattr(errors, name).exit_code for name in codes}
    assert set(codes) == {name for depth, name, _ in rows if depth == 1}, "each branch says its exit code"


def test_every_exception_is_exported_and_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for _, name in tree(errors.ProactiveBenchError):
        assert getattr(pb, name) is getattr(errors, name)
        assert name in pb.__all__
        assert f"`{name}`" in readme


def test_whatever_is_answered_with_the_nearest_names_is_an_unknown_name() -> None:
    package = Path(errors.__file__).parent
    bare = [
        f"{file.relative_to(package)}:{node.lineno}"
        for file in package.rglob("*.py")
        for text in [file.read_text(encoding="utf-8")]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UsageError"
        if re.search(r"did_you_mean|\{hint\}", ast.get_source_segment(text, node) or "")
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"agent": "alwyas"}, pb.UnknownName),
        ({"agent": "agent.py:act"}, pb.UnknownName),
        ({"task": "proactivebench-sample"}, pb.UnknownName),
        ({"task": "nowhere.jsonl"}, pb.WrongFile),
        ({"judge": "lexcial"}, pb.UnknownName),
        ({"judge": "labels,labels"}, pb.BadArgument),
        ({"judge": "llm"}, pb.BadArgument),
        ({"protocol": "standart"}, pb.UnknownName),
        ({"preset": "papr"}, pb.UnknownName),
        ({"max_retrys": 1}, pb.UnknownName),
        ({"gen_kwargs": {"temprature": "0"}}, pb.UnknownName),
        ({"gen_kwargs": {"temperature": "warm"}}, pb.BadArgument),
        ({"limit": -3}, pb.BadArgument),
        ({"agent": "endpoint", "model_args": {"api_key": "sk-aaaaaaaaaaaaaaaa"}}, pb.BadArgument),
        ({"agent": "replay", "model_args": {"released": "gpt4"}}, pb.UnknownName),
        ({"agent": "endpoint", "model_args": {"base_url": "here", "model": "m"}}, pb.BadArgument),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_word_or_value_that_cannot_be_is_told_by_its_class(tmp_path, monkeypatch, changed, kind) -> None:
    if "released" in changed.get("model_args", {}):
        monkeypatch.setattr("proactivebench.traces.answers.release.read", _archive)
    with pytest.raises(pb.UsageError) as caught:
        pb.evaluate(**{"agent": "always", "task": SAMPLE, "output_path": tmp_path / "run"} | changed)
    assert type(caught.value) is kind, caught.value
    assert caught.value.exit_code == 2


def _archive(*_: object) -> bytes:
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("traces/gpt-4o/a.json", "[]")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, "no", pb.AuthenticationFailed),
        (403, "no", pb.AuthenticationFailed),
        (407, "no", pb.AuthenticationFailed),
        (402, "no", pb.PaymentRequired),
        (
            429,
            {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}},
            pb.PaymentRequired,
        ),
        (404, "no", pb.NotFound),
        (405, "no", pb.NotFound),
        (301, "moved", pb.NotFound),
        (503, "busy", pb.Unreachable),
        (400, {"error": {"message": "no"}}, pb.ServerRefusal),
    ],
)
def test_what_a_server_says_no_with_is_told_by_its_class(tmp_path, status, body, kind) -> None:
    fault = Fault(status, body)
    with chat_server([fault], probe=fault) as server, pytest.raises(pb.ProactiveBenchError) as caught:
        asked(server.base_url, tmp_path)
    assert type(caught.value) is kind, caught.value
    assert caught.value.exit_code == 2


def asked(base_url: str, folder: Path, **more: str) -> None:
    address = {"base_url": base_url, "model": "m", **more}
    pb.evaluate("endpoint", SAMPLE, output_path=folder / "run", model_args=address, max_retries=0, limit=1)


def test_a_server_that_is_not_there_and_a_key_that_is_not_there_are_two_things(tmp_path, monkeypatch) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(pb.Unreachable):
            asked(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", tmp_path)
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(pb.AuthenticationFailed, match="no key for"):
        asked("https://model.example/v1", tmp_path, key_env="NO_SUCH_KEY")


def test_another_run_in_the_folder_and_runs_that_do_not_compare_are_told_apart(tmp_path) -> None:
    report = pb.evaluate("never", SAMPLE, output_path=tmp_path / "a", limit=1)
    with pytest.raises(pb.OtherRun):
        pb.evaluate("always", SAMPLE, output_path=tmp_path / "a", limit=1)
    with pytest.raises(pb.BadArgument):
        pb.compare(report)
    with pytest.raises(pb.UnknownName):
        pb.compare(report, report, metric="recal")
    with pytest.raises(pb.NotComparable):
        pb.compare(report, report, split="none of it")
    with pytest.raises(pb.DataError):
        pb.score(tmp_path / "nothing")


def test_what_is_not_installed_is_told_by_its_class(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    card = tmp_path / "local.yaml"
    card.write_text(
        "name: local\nversion: '1'\nsummary: local\nkind: classifier\nlabel: 1\nthreshold: 0.5\n"
        "text: '{{events}} {{proposal}}'\nsilence: none\n", encoding="utf-8",
    )  # fmt: skip
    with pytest.raises(pb.NotInstalled, match="needs torch"):
        pb.evaluate(
            "always", SAMPLE, str(card), tmp_path / "r", limit=1, judge_model="hf", judge_model_args={"pretrained": "m"}
        )
