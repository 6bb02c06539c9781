"""One registry: built-in words, installed packages, files and objects, and where the code of each came from."""

import hashlib
import sys
from pathlib import Path

import pytest

from proactivebench import plugins
from proactivebench.agents import create_agent, is_baseline
from proactivebench.agents.base import Actor
from proactivebench.errors import UsageError
from proactivebench.evaluation import run_async
from proactivebench.plugins import Contract
from proactivebench.preparation import Settings, prepare
from proactivebench.protocols import load_protocol
from proactivebench.store import RunStore
from tests.scripted import ScriptedAgent, tiny_task

SETTING: dict = {"protocol": load_protocol("standard"), "task": tiny_task()}
MODEL = '''"""A model of a user's own."""
from proactivebench.agents.base import Actor
from proactivebench.models.base import Answer

class Mine(Actor):
    """Says the same thing again and again."""
    def __init__(self, text="null"):
        self.text = text
    async def answer(self, request):
        return Answer('{"Proactive Task": ' + self.text + "}")

class Silent(Mine):
    pass

answer = Mine()
_hidden = Mine
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "mine.py"
    place.write_text(MODEL)
    return place


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """Makes a package that is found as an installed one is: modules and metadata in a folder on the path."""

    def made(package: str, points: dict[str, dict[str, str]], source: str = MODEL) -> Path:
        folder = tmp_path_factory.mktemp("site")
        module = folder / package
        module.mkdir()
        (module / "__init__.py").write_text("")
        (module / "plugs.py").write_text(source)
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(str(folder))
        return module

    yield made
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("pb_")]:
        del sys.modules[name]


def test_every_built_in_word_leads_to_something():
    for contract in Contract:
        for plug in plugins.ours(contract):
            assert plug.load() is not None
            assert plug.about
            assert plug.code.package == plugins.OURS
            assert plug.code.sha256


def test_an_unknown_word_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"no model 'endpiont': did you mean endpoint\? there are endpoint, openai"):
        plugins.get(Contract.MODEL, "endpiont")


def test_a_name_in_a_file_is_a_word(file: Path):
    plug = plugins.get(Contract.AGENT, f"{file}:Mine")
    assert (plug.word, plug.about) == ("mine.py:Mine", "Says the same thing again and again.")
    assert plug.code.model_dump() == {
        "package": "mine.py",
        "version": None,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("{}:Mien", r"mine\.py has no 'Mien': did you mean Mine( or Silent)?\? it has Mine, Silent"),
        ("{}", r"say which name in it is meant: .*mine\.py:NAME; it has Mine, Silent"),
        ("{}x.py:Mine", r"there is no file .*mine\.pyx\.py"),
        ("{}:", r"mine\.py:: write FILE\.py:NAME"),
        ("{}:Mine.answer", r"NAME is one name that the file defines"),
    ],
)
def test_what_a_file_does_not_have_is_said_in_one_line(file: Path, word: str, says: str):
    with pytest.raises(UsageError, match=says):
        plugins.find(Contract.AGENT, word.format(file))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDiv"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_with_why(tmp_path: Path, source: str, says: str):
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(UsageError, match=rf"broken\.py cannot be loaded: {says}.*correct the file"):
        plugins.find(Contract.AGENT, f"{tmp_path}/broken.py:x")


def test_a_file_may_import_what_lies_beside_it(tmp_path: Path):
    (tmp_path / "pb_beside.py").write_text(MODEL)
    (tmp_path / "front.py").write_text("from pb_beside import Mine\n")
    assert issubclass(plugins.get(Contract.AGENT, f"{tmp_path}/front.py:Mine").load(), Actor)


def test_an_installed_package_adds_words(install):
    install("pb_stranger", {"proactivebench.models": {"theirs": "pb_stranger.plugs:Mine"}})
    plug = plugins.get(Contract.MODEL, "theirs")
    assert "pb_stranger" not in sys.modules  # known by its word, not loaded
    assert (plug.code.package, plug.code.version) == ("pb_stranger", "1.2")
    agent = create_agent("theirs", {"text": "null"})
    assert agent.identity.model_dump(exclude={"code"}) == {
        "model": "theirs",
        "model_args": {"text": "null"},
        "name": "theirs",
    }
    assert agent.identity.code == plug.code


def test_the_hash_of_a_package_is_that_of_all_its_modules(install):
    module = install("pb_many", {"proactivebench.models": {"many": "pb_many.plugs:Mine"}})
    before = plugins.get(Contract.MODEL, "many").code.sha256
    (module / "deeper").mkdir()
    (module / "deeper" / "more.py").write_text("x = 1\n")
    assert plugins.get(Contract.MODEL, "many").code.sha256 != before


def test_a_built_in_word_is_ours_whoever_else_has_it(install):
    install("pb_thief", {"proactivebench.agents": {"never": "pb_thief.plugs:Mine"}})
    assert plugins.get(Contract.AGENT, "never").ours
    assert "pb_thief" not in sys.modules


def test_two_packages_with_one_word_are_both_named(install):
    for name in ("pb_one", "pb_two"):
        install(name, {"proactivebench.models": {"shared": f"{name}.plugs:Mine"}})
    with pytest.raises(UsageError, match="both pb_one and pb_two have a 'shared'"):
        plugins.find(Contract.MODEL, "shared")


def test_a_broken_package_hurts_nobody_who_does_not_name_it(install):
    install("pb_broken", {"proactivebench.models": {"broken": "pb_broken.plugs:Mine"}}, "raise RuntimeError('no GPU')")
    assert plugins.get(Contract.MODEL, "endpoint").ours
    with pytest.raises(UsageError, match=r"models 'broken' .* cannot be loaded: RuntimeError: no GPU: mend or remove"):
        create_agent("broken")


def test_an_object_is_known_by_its_module_and_name_and_never_by_one_of_our_words():
    class never(ScriptedAgent):  # noqa: N801
        pass

    plug = plugins.of(Contract.AGENT, never)
    assert (plug.word, is_baseline(plug.word)) == ("tests.test_plugins:never", False)
    assert plug.code.package == "tests.test_plugins"
    assert plug.code.sha256


def test_a_word_in_a_stored_file_loads_nothing(file: Path):
    assert not is_baseline(f"{file}:Mine")
    assert plugins.built_in(Contract.AGENT, f"{file}:Mine") is None
    assert not any(
        name.startswith("mine_") for name in sys.modules if getattr(sys.modules[name], "__file__", "") == str(file)
    )


def test_arguments_that_a_class_does_not_take_are_refused_in_one_line(file: Path):
    with pytest.raises(UsageError, match=r"mine\.py:Mine: it got an unexpected keyword argument 'txet'"):
        create_agent(f"{file}:Mine", {"txet": "null"}, **SETTING)


def test_keys_among_the_arguments_of_a_foreign_agent_are_refused(file: Path):
    with pytest.raises(UsageError, match="environment"):
        create_agent(f"{file}:Mine", {"api_key": "sk-123456789012345678901234"}, **SETTING)


def test_something_else_than_an_agent_is_named(file: Path):
    file.write_text("NUMBER = 3\n")
    with pytest.raises(UsageError, match=r"mine\.py:NUMBER: int is no agent"):
        create_agent(f"{file}:NUMBER", **SETTING)


def run(path: Path, word: str) -> RunStore:
    evaluation = prepare(Settings(model=word, tasks="proactivebench_sample", limit=1, predict_only=True))
    return run_async(evaluation.run(path))


def test_a_run_of_foreign_code_goes_on_under_the_same_code_only(tmp_path: Path):
    file = tmp_path / "agent.py"
    file.write_text(MODEL)
    store = run(tmp_path / "run", f"{file}:Mine")
    assert (store.manifest.agent.model, store.manifest.agent.code.sha256) == (
        "agent.py:Mine",
        hashlib.sha256(MODEL.encode()).hexdigest(),
    )
    run(tmp_path / "run", f"{file}:Mine")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "agent.py").write_text(MODEL)
    run(tmp_path / "run", f"{moved}/agent.py:Mine")
    (moved / "other").mkdir()
    (moved / "other" / "agent.py").write_text(MODEL + "\n# changed\n")
    with pytest.raises(UsageError, match=r"asked something else \(agent\.code\.sha256: \w+… ?.*then, .* now"):
        run(tmp_path / "run", f"{moved}/other/agent.py:Mine")


def test_what_a_foreign_model_answers_is_parsed_like_anybodys(file: Path, tmp_path: Path):
    evaluation = prepare(
        Settings(
            model=f"{file}:Mine",
            model_args={"text": '"help"'},
            tasks="proactivebench_sample",
            limit=1,
            predict_only=True,
        )
    )
    store = run_async(evaluation.run(tmp_path / "run"))
    assert {reply.proposals for reply in store.iter_replies()} == {("help",)}
