"""Judges, protocols and metrics from outside: what they are asked, what makes them others, and what they never are."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proactivebench import Message, ModelJudge, Question, compare, evaluate, load_traces, plugins
from proactivebench.board.site.row import outside
from proactivebench.cli import main
from proactivebench.errors import ProactiveBenchError, UsageError
from proactivebench.evaluation import run_async
from proactivebench.judging import Judge, create_judge
from proactivebench.judging.measurement import measure_command
from proactivebench.plugins import Contract
from proactivebench.preparation import Settings, prepare
from proactivebench.protocols import load_protocol
from proactivebench.records import JudgeIdentity, VerdictStatus
from proactivebench.reporting import task_of
from proactivebench.scoring.registry import METRICS, metric_key
from proactivebench.store import RunStore
from proactivebench.traces import load_task
from proactivebench.traces.kept import IN_THE_RUN
from tests.judging.scripted import ScriptedEngine, item
from tests.test_plugins import install  # noqa: F401 - a fixture

JUDGES = '''
from proactivebench import Judge, ModelJudge, Opinion, Question, Message, VerdictStatus

def brief(moment, offer):
    """Short ones."""
    return len(offer) < 10 if offer else None

async def later(moment, offer):
    return Opinion(VerdictStatus.ACCEPTED, "later", probability=0.75)

def broken(moment, offer):
    raise KeyError(offer)

def wordy(moment, offer):
    return "accepted"

labels = brief

class Own(Judge):
    started = False
    async def start(self):
        self.started = True
        return {"found": 1}
    async def judge(self, items):
        return [Opinion(VerdictStatus.ACCEPTED if self.started else VerdictStatus.REJECTED, "Own") for _ in items]

class Asking(ModelJudge):
    def ask(self, item):
        return Question((Message("user", f"Is {item.proposal} right?"),))
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "mine.py"
    place.write_text(JUDGES)
    return place


def opinion(judge: Judge, proposal: str | None):
    async def ask():
        await judge.start()
        return (await judge.judge([item(proposal)]))[0]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("name", "proposal", "status", "cause"),
    [
        ("brief", "short", VerdictStatus.ACCEPTED, None),
        ("brief", "much longer than that", VerdictStatus.REJECTED, None),
        ("brief", None, VerdictStatus.UNSCORED, "no_votes"),  # no opinion, and nobody follows
        ("later", "x", VerdictStatus.ACCEPTED, None),
        ("broken", "x", VerdictStatus.UNSCORED, "error:KeyError"),
        ("wordy", "x", VerdictStatus.UNSCORED, "no_verdict:str"),
        ("Own", "x", VerdictStatus.ACCEPTED, None),  # its start was called
    ],
)
def test_a_function_or_a_class_of_judges_decides(file: Path, name: str, proposal: str | None, status, cause):
    found = opinion(create_judge(f"{file}:{name}"), proposal)
    assert (found.status, found.cause) == (status, cause)


def test_a_class_that_asks_a_model_asks_the_judge_model(file: Path):
    engine = ScriptedEngine()
    judge = create_judge(f"{file}:Asking", engine=engine)
    assert opinion(judge, "tidy up").status is VerdictStatus.ACCEPTED
    assert [message.content for message in engine.asked[0].messages] == ["Is tidy up right?"]
    with pytest.raises(UsageError, match="needs a model behind it: add --judge_model"):
        create_judge(f"{file}:Asking")


def test_a_judge_without_a_model_is_measured_without_one(file: Path):
    judge = create_judge(f"{file}:brief").identity
    assert measure_command(judge) == f"proactivebench judge RUN --judge {file}:brief --measure_judge"
    assert "--judge_model … " in measure_command(create_judge("lexical").identity)


def test_a_class_of_something_else_is_no_judge(file: Path):
    file.write_text(JUDGES + "class Other: ...\n")
    with pytest.raises(UsageError, match="the class Other is no kind of judge"):
        create_judge(f"{file}:Other")


def test_changed_code_is_another_judge(file: Path, tmp_path: Path):
    before = create_judge(f"{file}:brief").identity
    (tmp_path / "later").mkdir()
    changed = tmp_path / "later" / "mine.py"
    changed.write_text(JUDGES.replace("< 10", "< 20"))
    after = create_judge(f"{changed}:brief").identity
    assert (before.name, before.id == after.id) == (after.name, False)


def test_a_judge_called_labels_is_not_peoples_votes(file: Path):
    identity = create_judge(f"{file}:labels").identity
    assert not any(member.people for member in identity.members)
    assert all(member.fallible for member in identity.members)
    assert outside(identity).startswith("mine.py-labels is a judge of the kind mine.py:labels from mine.py")


def test_an_identity_read_back_has_the_members_its_cards_tell(file: Path):
    for spec in ("{}:brief", "silence=labels,proposals={}:brief+lexical"):
        identity = create_judge(spec.format(file)).identity
        stored = identity.model_dump(mode="json")
        told = JudgeIdentity.model_validate({name: value for name, value in stored.items() if name != "members"})
        assert told.members == identity.members
        assert outside(told)
    assert outside(create_judge("silence=labels,proposals=labels+lexical").identity) is None


def test_an_outside_judge_in_a_panel_is_one_of_a_panel(file: Path, tmp_path: Path):
    card = tmp_path / "panel.yaml"
    card.write_text("name: both\nkind: panel\npanel: [lexical, 'mine.py:brief']\n")
    identity = create_judge(str(card)).identity
    assert outside(identity).startswith("both is a judge of the kind panel from mine.py")
    stored = identity.model_dump(mode="json", exclude={"members"})
    assert JudgeIdentity.model_validate(stored).members == identity.members


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("name: x", r"card\.yaml: kind: say what kind of judge it is \(labels, lexical"),
        ("name: x\nkind: labls", r"there is no kind of judge 'labls': did you mean labels\?"),
        ("name: x\nkind: mine.py:nothing", r"mine\.py has no 'nothing'"),
        ("name: x\nkind: mine.py:brief\nmost: 3", r"card\.yaml: most: Extra inputs are not permitted"),
        ("name: a b\nkind: mine.py:brief", r"card\.yaml: name:"),
    ],
)
def test_a_card_of_no_kind_is_refused_in_one_line(file: Path, tmp_path: Path, card: str, says: str):
    (tmp_path / "card.yaml").write_text(card)
    with pytest.raises(UsageError, match=says):
        create_judge(str(tmp_path / "card.yaml"))


def test_a_kind_of_ours_is_no_judge_without_a_card():
    assert create_judge("lexical").identity.baseline  # there is a card of that name
    word = next(plug.word for plug in plugins.ours(Contract.JUDGE))
    assert plugins.built_in(Contract.JUDGE, word)
    with pytest.raises(UsageError, match="no judge 'panl': did you mean panel"):
        create_judge("panl")


PROTOCOL = '''
from proactivebench import Message, StandardProtocol

class Loud(StandardProtocol):
    """Shouted."""
    def conversation(self, moment, history, rounds=(), advice=None):
        said = super().conversation(moment, history, rounds, advice)
        return tuple(Message(m.role, m.content.upper()) for m in said)

def no_protocol(): ...
'''


def test_a_protocol_from_a_file_is_a_standard_card_under_other_code(tmp_path: Path):
    (tmp_path / "mine.py").write_text(PROTOCOL)
    loud = load_protocol(f"{tmp_path}/mine.py:Loud")
    assert (loud.identity.name, loud.identity.code.package) == ("mine.py-loud", "mine.py")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.py").write_text(PROTOCOL + "# changed\n")
    assert load_protocol(f"{tmp_path}/more/mine.py:Loud").identity.hash != loud.identity.hash
    card = tmp_path / "own.yaml"
    card.write_text("name: own\nextends: standard\nkind: mine.py:Loud\nmax_gen_toks: 9\n")
    own = load_protocol(str(card), history="observations")
    assert (own.identity.name, own.default_max_gen_toks, own.identity.history) == ("own", 9, "observations")
    with pytest.raises(UsageError, match=r"protocol .*: function is no protocol"):
        load_protocol(f"{tmp_path}/mine.py:no_protocol")
    with pytest.raises(UsageError, match=r"known: .*standard.*FILE\.py:NAME"):
        load_protocol("lood")


def test_a_run_under_a_foreign_protocol_goes_on_under_the_same_code_only(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(PROTOCOL)

    def run(word: str) -> None:
        settings = Settings(model="never", tasks="proactivebench_sample", protocol=word, limit=1, predict_only=True)
        run_async(prepare(settings).run(tmp_path / "run"))

    run(f"{file}:Loud")
    run(f"{file}:Loud")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.py").write_text(PROTOCOL + "# changed\n")
    with pytest.raises(UsageError, match=r"protocol\.code\.sha256: .* then, .* now"):
        run(f"{tmp_path}/other/mine.py:Loud")


def test_a_broken_metric_of_a_package_is_said_and_hurts_no_other(install):  # noqa: F811
    source = "class Metric: ...\nOWN = 3\nraise ImportError('no such thing')\n"
    module = install("pb_metrics", {"proactivebench.metrics": {"mine": "pb_metrics.plugs:OWN"}}, source)
    path = os.pathsep.join([str(module.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", "from proactivebench.scoring.registry import METRICS; print('f1' in METRICS)"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
    assert "the metric 'mine' of the package pb_metrics is left out" in done.stderr
    assert "no such thing" in done.stderr


def test_a_package_adds_a_task_and_code_in_a_file_is_none(install, tmp_path: Path):  # noqa: F811
    source = "from tests.scripted import tiny_task\ndef tiny(): return tiny_task(2, 1)\ndef other(): return 3\n"
    install(
        "pb_tasks", {"proactivebench.suites": {"tiny": "pb_tasks.plugs:tiny", "odd": "pb_tasks.plugs:other"}}, source
    )
    assert load_task("tiny").moments == 3
    with pytest.raises(UsageError, match="--tasks odd: pb_tasks gives a int, not a Task"):
        load_task("odd")
    with pytest.raises(UsageError, match=r"no such task; did you mean tiny\?"):
        load_task("tinny")
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    with pytest.raises(ProactiveBenchError):
        load_task(f"{tmp_path}/trap.py:task")
    assert not (tmp_path / "sprung").exists()


def short(moment, offer):
    """At most forty characters."""
    return offer is None or len(offer) <= 40


class Kindly(ModelJudge):
    """Asks in a word."""

    def ask(self, item):
        return Question((Message("user", f"{item.proposal}?"),))


def test_from_python_a_function_and_a_class_judge_as_they_are(tmp_path: Path):
    report = evaluate("always", "proactivebench_sample", short, tmp_path / "run", limit=1)
    (judged,) = report.judges
    assert judged.judge.name == "tests.test_plugins_beside-short"
    assert judged.overall.confusion.tp == report.moments_expected
    assert judged.judge.members[0].code.package == "tests.test_plugins_beside"
    asked = ScriptedEngine()
    report = evaluate("always", "proactivebench_sample", Kindly, tmp_path / "other", limit=1, judge_model=asked)
    assert report.judges[0].overall.confusion.tp == len(asked.asked) == report.moments_expected
    with pytest.raises(UsageError, match="int is no kind of judge"):
        evaluate("always", "proactivebench_sample", 3, tmp_path / "none", limit=1)


def test_a_judge_in_a_file_is_listed_shown_and_known_by_its_code(install, file: Path, capsys):  # noqa: F811
    install("pb_judges", {"proactivebench.judges": {"curt": "pb_judges.plugs:brief"}}, JUDGES)
    for words, says in (
        (("list",), "curt  "),
        (("show", f"{file}:brief"), "kind: mine.py:brief"),
        (("show", "curt"), "# code pb_judges 1.2, sha256 "),
    ):
        with pytest.raises(SystemExit) as end:
            main(["judges", *words])
        assert end.value.code == 0
        assert says in capsys.readouterr().out


TASK = """
from proactivebench import Event, Task, Trace

def trace(*said):
    return Trace(trace_id="t", split="own", events=tuple(Event(time=str(n), event=s) for n, s in enumerate(said)))

def made():
    return Task(name="own", version="1", revision="1", licence="CC0", date="2026", source="me",
                traces=(trace("a", "b"),))

ready = made()
number = 7

def broken():
    raise KeyError("b")
"""


@pytest.mark.parametrize("name", ["made", "ready"])
def test_a_task_in_a_file_is_kept_in_its_run_and_the_file_is_not_needed_again(tmp_path: Path, name: str):
    place = tmp_path / "own.py"
    place.write_text(TASK)
    settings = Settings(model="always", tasks=f"{place}:{name}", judge="lexical")
    store = run_async(prepare(settings).run(tmp_path / "run"))
    assert prepare(settings).task == load_traces(f"{place}:{name}")
    place.unlink()
    assert store.manifest.task.spec == IN_THE_RUN
    assert task_of(RunStore(tmp_path / "run")).moments == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", r"own.py:broken: KeyError: 'b': mend it in own.py"),
        ("number", "own.py gives a int, not a Task"),
        ("mad", "did you mean made?"),
    ],
)
def test_what_is_no_task_is_said_in_one_line(tmp_path: Path, name: str, said: str):
    (tmp_path / "own.py").write_text(TASK)
    with pytest.raises(UsageError, match=said) as raised:
        load_traces(f"{tmp_path / 'own.py'}:{name}")
    assert "\n" not in str(raised.value)


def test_a_stored_runs_data_is_never_code_in_a_file(tmp_path: Path):
    (tmp_path / "own.py").write_text(TASK)
    with pytest.raises(UsageError, match="no such task"):
        load_task(f"{tmp_path / 'own.py'}:made")


METRIC = """
from proactivebench import Column, Interval, Metric, Ratio, total

PEACE = Metric("peace", "peace", "", "up", "no moment", frozenset(), Interval.PROPORTION, "me",
               Ratio({Column.MOMENTS: 1, Column.OFFERS: -1}, total(Column.MOMENTS)))
TAKEN = Metric("f1", "another", "", "up", "no moment", frozenset(), Interval.PROPORTION, "me", PEACE.measure)
number = 7
"""


@pytest.fixture
def metrics():
    """The registry of metrics, put back afterwards."""
    before = dict(METRICS)
    yield METRICS
    METRICS.clear()
    METRICS.update(before)


def test_runs_made_long_ago_are_compared_and_held_up_by_a_metric_in_a_file(tmp_path: Path, metrics, capsys):
    (tmp_path / "own.py").write_text(METRIC)
    runs = [str(tmp_path / model) for model in ("never", "always")]
    for model, run in zip(("never", "always"), runs, strict=True):
        run_async(prepare(Settings(model=model, tasks="proactivebench_sample", limit=6)).run(Path(run)))
    word = f"{tmp_path / 'own.py'}:PEACE"
    for _ in range(2):  # the same metric once more is no other
        assert [standing.value for standing in compare(*runs, metric=word).standings] == [1, 0]
    assert compare(*runs, metric=metrics["peace"]).metric == "peace"
    for command, code in ((["compare", *runs, "--metric", word], 0), (["gate", *runs, "--metric", f"{word}=0.1"], 1)):
        with pytest.raises(SystemExit) as end:
            main(command)
        assert end.value.code == code
        assert "peace" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [("number", "is no metric"), ("PEAC", "did you mean PEACE?"), ("TAKEN", "there is a metric 'f1' already")],
)
def test_what_is_no_metric_is_said_in_one_line(tmp_path: Path, metrics, name: str, said: str):
    (tmp_path / "own.py").write_text(METRIC)
    with pytest.raises(UsageError, match=said):
        metric_key(f"{tmp_path / 'own.py'}:{name}")
    assert "peace" not in metrics
