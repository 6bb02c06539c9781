"""The paper's measure in one word, on every surface, over stand-ins of its two prompt files (or the real ones)."""

import hashlib
import json
import os
import re
import shlex
from pathlib import Path

import pytest

from proactivebench import compare, evaluate
from proactivebench.cli import main
from proactivebench.errors import UsageError
from proactivebench.lm_eval_plugin.options import read_options
from proactivebench.preparation import Settings, prepare
from proactivebench.presets import PAPER
from proactivebench.records import Report
from proactivebench.resources import shipped
from proactivebench.store import RunStore
from proactivebench.traces import release
from tests.judging.test_released import STAND_IN as JUDGE_PROMPTS
from tests.protocols.test_paper import STAND_IN as AGENT_PROMPTS
from tests.servers.chat import Say, chat_server

MIRROR = os.environ.get("PROACTIVEBENCH_MIRROR", "")
released = pytest.mark.skipif(not Path(MIRROR, "dataset").is_dir(), reason="PROACTIVEBENCH_MIRROR is unset")
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def prompts(tmp_path, monkeypatch):
    """A mirror of the release whose prompt files are stand-ins with pins of their own."""
    mirror = tmp_path / "mirror"
    (mirror / "eval").mkdir(parents=True)
    if MIRROR:
        for name in ("dataset", "eval/traces.zip", "eval/traces_new"):
            (mirror / name).symlink_to(Path(MIRROR, name))
    pins = dict(release.pins())
    for name, source in ((release.AGENT_PROMPTS, AGENT_PROMPTS), (release.JUDGE_PROMPTS, JUDGE_PROMPTS)):
        (mirror / name).write_text(source, encoding="utf-8")
        pins[name] = hashlib.sha256(source.encode()).hexdigest()
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(mirror))
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(release, "pins", lambda: pins)


def stub(seen):
    """An agent and a reward model behind one server: what they say depends on the question alone."""
    asked = seen.body["messages"][-1]["content"]
    dice = hashlib.sha256(asked.encode()).digest()[0]
    if seen.body["model"] == "rm":
        return Say(json.dumps({"thought": "t", "judgement": "accepted" if dice % 2 else "rejected"}))
    task = f"Help with {dice}" if dice % 3 else None
    return Say("```json\n" + json.dumps({"Proactive Task": task, "Response": "r"}) + "\n```")


@pytest.fixture
def server():
    with chat_server(stub) as running:
        yield running


def arguments(server, **more):
    """The words of the preset for a stub agent and a stub judge."""
    address = f"base_url={server.base_url}"
    given = {"model": "endpoint", "model_args": f"{address},model=mine", "judge_model": "endpoint",
             "judge_model_args": f"{address},model=rm", **more}  # fmt: skip
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def printed_figures(text, name):
    """The five percentages of a row."""
    (cells,) = set(re.findall(rf"^{re.escape(name)}((?: +\d+\.\d\d){{5}})$", text, re.MULTILINE))
    return [float(cell) for cell in cells.split()]


def five(report):
    judged = next(judged for judged in report.judges if judged.judge.name == PAPER.judge)
    return [round(100 * judged.overall.metrics[key].value, 2) for key, _ in PAPER.metrics]


def test_one_command_prints_the_papers_figures_first_in_its_order_and_words(server, tmp_path, capsys):
    path = tmp_path / "run"
    code = run("run", "--preset", "paper", *arguments(server, tasks="proactivebench_sample", output_path=path))
    shown = capsys.readouterr()
    assert code == 0, shown.err
    titles = re.search(r"Recall +Precision +Accuracy +False-Alarm +F1", shown.out)
    assert titles
    assert shown.out.index("need_detection") > titles.start(), "the people's figures follow"
    report = Report.model_validate_json((path / "report.json").read_text())
    assert printed_figures(shown.out, "mine") == five(report)
    assert printed_figures(shown.out, "qwen2-72b-instruct") == [86.36, 58.64, 63.88, 41.36, 69.85]
    assert printed_figures(shown.out, "GPT-4o") == [98.11, 48.15, 49.78, 51.85, 64.60]
    flat = " ".join(shown.out.split())
    assert "temperature 0 where the released script ran 0.5" in flat
    assert all(len(line) <= 80 for line in shown.out.splitlines() if not re.search("base_url=|: proactivebench", line))
    manifest = RunStore(path).manifest
    assert (manifest.preset, manifest.protocol.name, manifest.decoding.temperature) == ("paper", "paper", 0)
    assert all("response_format" not in seen.body for seen in server.requests if seen.body["model"] == "mine")


@released
def test_the_preset_names_the_227_moments_and_the_233_on_request():
    judged = {
        "preset": "paper",
        "judge_model": "endpoint",
        "judge_model_args": {"base_url": "http://x/v1", "model": "m"},
    }
    task = prepare(Settings(model="never", **judged)).task
    assert (task.name, task.moments) == ("proactivebench_published", 227)
    whole = prepare(Settings(model="never", tasks="proactivebench", **judged)).task
    assert whole.moments == 233


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "papper", "--model", "never"], "did you mean paper"),
        (["--preset", "paper", "--model", "never", "--protocol", "standard"], "fixes --protocol paper"),
        (["--preset", "paper", "--model", "never", "--judge", "llm"], "fixes --judge reward-model"),
        (["--model", "never"], "no task is named"),
        (["--preset", "paper", "--model", "never", "--tasks", "proactivebench_sample"], "--judge_model"),
    ],
)
def test_what_a_preset_does_not_go_with_is_one_line(words, said, capsys, tmp_path):
    assert run("run", *words, "--output_path", str(tmp_path / "r")) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


def test_python_yaml_compare_and_gate_take_the_preset_too(server, tmp_path, capsys):
    address = {"base_url": server.base_url}
    report = evaluate(
        "endpoint", "proactivebench_sample", preset="paper", output_path=tmp_path / "a",
        model_args={**address, "model": "mine"}, judge_model="endpoint", judge_model_args={**address, "model": "rm"},
    )  # fmt: skip
    assert report.preset == "paper"
    config = tmp_path / "run.yaml"
    config.write_text(
        f"preset: paper\ntasks: proactivebench_sample\nmodel: endpoint\njudge_model: endpoint\n"
        f"model_args: base_url={server.base_url},model=mine\njudge_model_args: base_url={server.base_url},model=rm\n"
        f"output_path: {tmp_path / 'b'}\n"
    )
    assert run("run", "--config", str(config)) == 0
    again = Report.model_validate_json((tmp_path / "b" / "report.json").read_text())
    assert five(again) == five(report)
    run("judge", str(tmp_path / "b"), "--judge", "lexical")  # a second judge: the preset says which one counts
    capsys.readouterr()
    assert run("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--preset", "paper") == 0
    shown = capsys.readouterr().out
    assert shown.count("False-Alarm") == 2
    assert compare(tmp_path / "a", tmp_path / "b", preset="paper").judge.startswith("reward-model")
    capsys.readouterr()
    assert run("gate", str(tmp_path / "a"), str(tmp_path / "b"), "--preset", "paper", "--rule", "point") == 0
    gated = capsys.readouterr().out
    assert "passed: f1" in gated
    assert printed_figures(gated, "mine") == five(report)
    assert run("gate", str(tmp_path / "a"), str(tmp_path / "b"), "--preset", "paper", "--judge", "lexical") == 2


def test_lm_eval_gives_the_same_figures(server, tmp_path, monkeypatch):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    monkeypatch.setenv("PROACTIVEBENCH_RUN", str(tmp_path / "lm"))
    monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL", "endpoint")
    monkeypatch.setenv("PROACTIVEBENCH_JUDGE_MODEL_ARGS", f"base_url={server.base_url},model=rm")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    manager = TaskManager(
        include_path=str(shipped("tasks")),
        include_defaults=False,
        metadata={"preset": "paper", "pb_task": "proactivebench_sample"},
    )
    args = f"base_url={server.base_url}/chat/completions,model=mine,num_concurrent=4,max_length=8192"
    found = simple_evaluate(
        model="local-chat-completions", model_args=args, tasks=["proactivebench_sample"], task_manager=manager,
        apply_chat_template=True, limit=None,
    )["results"]["proactivebench_sample"]  # fmt: skip
    report = evaluate(
        "endpoint", "proactivebench_sample", preset="paper", output_path=tmp_path / "own",
        model_args={"base_url": server.base_url, "model": "mine"},
        judge_model="endpoint", judge_model_args={"base_url": server.base_url, "model": "rm"},
    )  # fmt: skip
    columns = {key: value for key, value in found.items() if "reward-model" in key and "stderr" not in key}
    for key, expected in zip((key for key, _ in PAPER.metrics), five(report), strict=True):
        (value,) = [value for name, value in columns.items() if name.startswith(f"pb_{key},")]
        assert round(100 * value, 2) == expected, key


def test_the_task_file_of_the_preset_asks_what_the_preset_asks():
    with pytest.raises(UsageError, match="fixes --protocol"):
        read_options({"pb_preset": "paper", "pb_protocol": "standard", "pb_task": "proactivebench_sample"}, {})
    options = read_options({"preset": "paper", "pb_task": "proactivebench_sample"}, {})
    assert (options.judges, options.settings.protocol) == (("reward-model",), "paper")


@released
def test_the_readmes_command_gives_the_papers_five_figures(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```bash\n(.*?)```", readme, re.DOTALL) if "--preset paper" in b]
    words = shlex.split(block.replace("\\\n", " "), comments=True)
    words = [re.sub(r"base_url=[^,]+", f"base_url={server.base_url}", word) for word in words]
    words = [word.replace("model=REWARD", "model=rm").replace("model=NAME", "model=mine") for word in words]
    assert words[0] == "proactivebench"
    assert run(*words[1:]) == 0
    shown = capsys.readouterr().out
    assert len(printed_figures(shown, "mine")) == 5
