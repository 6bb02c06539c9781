"""A stranger's package adds an agent, a model, a kind of judge, a protocol and a metric, each in one file, and touches
nothing of ours: every surface works with them in an environment of its own."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

uv = pytest.importorskip("uv", reason="uv makes the environment and installs the package: see the `dev` group")
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORDS = {"agent": "after-saving", "model": "echo", "judge": "brief", "protocol": "loud", "metric": "mean_silence"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("strangers")


@pytest.fixture(scope="module")
def done(folder):
    """What every command printed, by name. The environment has the package installed, and sees ours and what ours
    needs without installing them again."""
    environment = folder / "venv"
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    kept |= {"PROACTIVEBENCH_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}

    def run(*words):
        ended = subprocess.run(list(map(str, words)), cwd=folder, env=kept, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    program = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(uv.find_uv_bin(), "venv", "--quiet", "--offline", "--python", sys.executable, environment)
    install = (uv.find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", program)
    run(*install, HERE / "package")
    place = Path(run(program, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (place / "shared.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    return json.loads(run(program, HERE / "drive.py", folder).splitlines()[-1])


def manifest(folder, run):
    return json.loads((folder / run / "manifest.json").read_text())


@pytest.mark.parametrize("contract", WORDS)
def test_each_is_one_file(contract):
    module = HERE / "package" / "pb_strangers" / f"{contract}.py"
    declared = (HERE / "package" / "pyproject.toml").read_text()
    assert module.is_file()
    assert re.search(rf"^{WORDS[contract]} = \"pb_strangers\.{contract}:", declared, re.MULTILINE)
    assert "pb_strangers" not in "".join(file.read_text() for file in (ROOT / "proactivebench").rglob("*.py"))


def test_their_words_are_listed(done):
    assert re.search(r"after-saving +of the package pb-strangers|after-saving +Offers", done["agents"]["out"])
    assert "  echo " in done["agents"]["out"]


def test_their_agent_runs_under_their_judge_and_has_their_metric(done, folder):
    assert done["agent"]["code"] == 0, done["agent"]["err"]
    report = json.loads(done["agent"]["out"])
    assert report["agent"]["model"] == "after-saving"
    overall = report["judges"][0]["overall"]
    assert overall["metrics"]["mean_silence"]["value"] == 1 - overall["metrics"]["proposal_rate"]["value"]
    assert 0 < overall["metrics"]["mean_silence"]["value"] < 1


def test_the_manifest_says_what_each_word_stood_for(done, folder):
    stored = manifest(folder, "agent")
    plugs = stored["sessions"][0]["plugins"]
    assert plugs["agents:after-saving"] == stored["agent"]["code"]
    assert plugs["metrics:mean_silence"] == {"package": "pb-strangers", "version": "1.2"}
    (judge,) = [one for name, one in stored["judges"].items() if name.startswith("brief-")]
    codes = [plugs["judges:brief"], stored["agent"]["code"], judge["members"][0]["code"]]
    assert {(code["package"], code["version"]) for code in codes} == {("pb-strangers", "1.2")}
    assert all(re.fullmatch("[0-9a-f]{64}", code["sha256"]) for code in codes)
    assert plugs["protocols:standard"]["package"] == "proactivebench-eval"


def test_their_model_answers_under_their_protocol(done, folder):
    assert done["model"]["code"] == 0, done["model"]["err"]
    stored = manifest(folder, "model")
    assert (stored["agent"]["model"], stored["agent"]["model_args"]) == ("echo", {"loudness": "2"})
    assert (stored["protocol"]["name"], stored["protocol"]["code"]["package"]) == ("loud", "pb-strangers")
    said = [json.loads(line)["proposals"] for line in (folder / "model" / "replies.jsonl").read_text().splitlines()]
    assert len(said) == 30
    assert all(offers == [offers[0].upper()] for offers in said), "the protocol's capitals came back"


def test_their_kind_of_judge_has_cards_of_its_own(done, folder):
    assert done["card"]["code"] == 0, done["card"]["err"]
    (strict,) = [one for one in json.loads(done["card"]["out"])["judges"] if one["judge"]["name"] == "strict"]
    assert strict["judge"]["members"][0]["kind"] == "brief"
    assert strict["overall"]["confusion"]["fp"] > 0, "ten characters are too few for its offers"
    brief = json.loads(done["agent"]["out"])["judges"][0]
    assert (brief["judge"]["name"], brief["overall"]["confusion"]["fp"]) == ("brief", 0)


def test_their_model_stands_behind_our_judge(done, folder):
    assert done["behind"]["code"] == 0, done["behind"]["err"]
    (judged,) = [one for one in json.loads(done["behind"]["out"])["judges"] if one["judge"]["name"] == "llm"]
    assert judged["verdicts"] == {"llm": 231}
    assert judged["judge"]["runtime"]["package"] == "pb-strangers"


def test_gate_and_compare_go_by_their_judge_and_their_metric(done):
    assert done["gate"]["code"] == 0, done["gate"]["err"]
    assert re.search(r"mean_silence: baseline 1\.0000, candidate 0\.97", done["gate"]["out"])
    assert done["compare"]["code"] == 0, done["compare"]["err"]
    assert "never is better than after-saving on share of moments left in peace" in done["compare"]["out"]


def test_the_report_shows_their_metric(done):
    assert done["show"]["code"] == 0, done["show"]["err"]
    assert re.search(r"↑ mean_silence +0\.97", done["show"]["out"])


def test_a_board_shows_rows_under_their_judge_unranked_and_says_why(done, folder):
    assert (done["prepare"]["code"], done["build"]["code"]) == (0, 0), done["prepare"]["err"] + done["build"]["err"]
    board = json.loads((folder / "site" / "board.json").read_text())
    rows = [row for group in board["groups"] for row in group if row["judge"]["name"] in ("brief", "strict")]
    assert len(rows) == 2
    for row in rows:
        assert row["rank"] is None
        (why,) = [badge["meaning"] for badge in row["badges"] if badge["badge"] == "outside judge"]
        assert why == (
            f"{row['judge']['name']} is a judge of the kind brief from pb-strangers 1.2: shown, not ranked, and not "
            "recomputed without it."
        )
    page = (folder / "site" / "index.html").read_text()
    assert "outside judge" in page


def test_lm_eval_runs_their_agent_under_their_judge(done, folder):
    assert done["lm-eval"]["code"] == 0, done["lm-eval"]["err"][-2000:]
    (file,) = (folder / "lm").rglob("results_*.json")
    results = json.loads(file.read_text())["results"]["proactivebench_sample"]
    (name,) = [key for key in results if key.startswith("pb_mean_silence,")]
    assert name.partition(",")[2].startswith("brief-")
    assert 0 < results[name] <= 1
