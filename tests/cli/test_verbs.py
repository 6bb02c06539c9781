"""The verbs as a user calls them: output, exit codes, one line per mistake."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from proactivebench.cli import VERBS, main, overview
from proactivebench.preparation import Serving

from .commands import every_command

SAMPLE = ("--tasks", "proactivebench_sample")


def one_line(done) -> str:
    """The only line on standard error, without the program's name."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0].removeprefix("proactivebench: ")


def test_a_run_prints_only_its_report_as_json(command):
    done = command("run", "--model", "always", *SAMPLE, "--output_path", "runs/always", "--json", code=0)
    report = json.loads(done.stdout)
    overall = report["judges"][0]["overall"]
    assert report["complete"]
    assert overall["metrics"]["recall"]["value"] == 1
    assert overall["metrics"]["precision"]["value"] == overall["metrics"]["accuracy"]["value"]
    assert list(report["judges"][0]).index("overall") < list(report["judges"][0]).index("splits")


def test_scoring_again_gives_the_same_report(command, tmp_path):
    first = command("run", "--model", "parrot", *SAMPLE, "--output_path", "r", "--json", code=0)
    again = command("score", "r", "--json", code=0)
    assert again.stdout == first.stdout
    assert json.loads((tmp_path / "r" / "report.json").read_text()) == json.loads(again.stdout)


def test_the_trivial_agents_score_what_they_must(command):
    def metrics(model):
        done = command("run", "--model", model, *SAMPLE, "--output_path", model, "--json", code=0)
        return json.loads(done.stdout)["judges"][0]["overall"]["metrics"]

    never, oracle = metrics("never"), metrics("oracle")
    assert never["f1"]["value"] == 0
    assert never["precision"]["value"] is None
    assert never["precision"]["reason"]
    assert oracle["f1"]["value"] == oracle["accuracy"]["value"] == 1


def test_options_take_dashes_and_underscores(command, tmp_path):
    command("run", "--model", "never", *SAMPLE, "--output-path", "r-1_a", "--limit=1", "--no-judge_cache", code=0)
    assert (tmp_path / "r-1_a" / "report.json").exists(), "a value is not touched"
    assert "--as-is is not a run" in one_line(command("score", "--", "--as-is", code=2)), "nor what is no option"


def test_a_configuration_file_sets_options_and_flags_win(command, tmp_path):
    (tmp_path / "run.yaml").write_text(
        "model: random\nmodel-args: {p: 0.25}\ntasks: proactivebench_sample\nlimit: 3\noutput_path: r\n"
    )
    command("run", "--config", "run.yaml", "--limit", "1", code=0)
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["agent"]["model_args"] == {"p": "0.25"}
    assert manifest["sessions"][0]["limit"] == 1


def test_resuming_with_something_else_is_refused_by_name(command):
    command("run", "--model", "never", *SAMPLE, "--output_path", "r", code=0)
    done = command("run", "--model", "always", *SAMPLE, "--output_path", "r", "--seed", "3", code=2)
    assert re.search(r"agent\.model: never then, always now.*seed: 0 then, 3 now", one_line(done))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("rnu",), "did you mean 'run'"),
        (("run", "--model", "never"), "--tasks"),
        (("run", "--model", "never", *SAMPLE, "--limit", "x"), "limit"),
        (("run", "--model", "no-such-backend", *SAMPLE, "--output_path", "r"), "no-such-backend"),
        (("run", "--model", "never", "--tasks", "no_such_task"), "no_such_task"),
        (("run", "--model", "never", *SAMPLE, "--protocol", "no-such"), "no-such"),
        (("run", "--model", "never", *SAMPLE, "--judge", "no-such"), "no-such"),
        (("run", "--model", "never", *SAMPLE, "--judge", "llm"), "judge_model"),
        (("run", "--model", "random", "--model_args", "0.3", *SAMPLE), "name=value"),
        (("run", "--model", "random", "--model_args", "p=7", *SAMPLE), "p"),
        (
            ("run", "--model", "endpoint", "--model_args", "base_url=http://x/v1,model=m,api_key=sk-1", *SAMPLE),
            "api_key",
        ),
        (("run", "--model", "never", *SAMPLE, "--feedback_rounds", "1", "--predict_only"), "feedback"),
        (("run", "--model", "never", *SAMPLE, "--gen_kwargs", "temperature=hot"), "--gen_kwargs temperature"),
        (("run", "--model", "never", *SAMPLE, "--gen_kwargs", "max_gen_toks=0"), "--gen_kwargs max_gen_toks"),
        (("run", "--model", "never", *SAMPLE, "--gen_kwargs", "api_key=sk-abcdefgh"), "'api_key' looks like a secret"),
        (("run", "--model", "never", *SAMPLE, "--gen_kwargs", "max_tokens=9,max_gen_toks=8"), "one thing twice"),
        (("score", "nowhere"), "not a run"),
        (("show", "nowhere"), "not a run"),
        (("judge", "nowhere"), "not a run"),
    ],
)
def test_every_mistake_gets_one_line_and_exit_2(command, args, says):
    assert says in one_line(command(*args, code=2))


def test_a_key_in_the_arguments_is_not_repeated(command):
    args = ("--model_args", "base_url=http://x/v1,model=m,api_key=sk-verysecret")
    done = command("run", "--model", "endpoint", *args, *SAMPLE, code=2)
    assert "verysecret" not in done.stdout + done.stderr


def test_the_servers_name_for_the_generation_limit_is_understood(command, tmp_path):
    asked = ("--gen_kwargs", "max_tokens=50,stop=END", "--limit", "1", "--output_path", "r")
    command("run", "--model", "never", *SAMPLE, *asked, code=0)
    decoding = json.loads((tmp_path / "r" / "manifest.json").read_text())["decoding"]
    assert (decoding["max_gen_toks"], decoding["until"], decoding["extra"]) == (50, ["END"], {})


@pytest.mark.parametrize("judge", ["silence=labels", "proposals=lexical"])
def test_a_judge_may_decide_on_silences_or_proposals_alone(command, judge):
    run = ("run", "--model", "random", *SAMPLE, "--limit", "1", "--output_path", "r", "--judge", judge)
    command(*run, code=0)
    command(*run, code=0)
    command("score", "r", code=0)


def test_replies_alone_are_incomplete_where_one_is_missing(command, tmp_path):
    trace = {"trace_id": "a", "split": "s", "events": [{"time": "1", "event": "x"}, {"time": "2", "event": "y"}]}
    (tmp_path / "t.jsonl").write_text(json.dumps(trace) + "\n")
    (tmp_path / "replies.jsonl").write_text('{"trace_id": "a", "turn": 0, "status": "silent"}\n')
    replay = ("--model", "replay", "--model_args", "path=replies.jsonl", "--tasks", "t.jsonl", "--output_path", "r")
    done = command("run", *replay, "--predict_only", "--json", code=3)
    assert "1 of 2 moments have no final reply" in done.stderr
    assert json.loads(done.stdout)["moments_answered"] == 1


def test_a_user_without_a_home_is_told_where_to_name_a_cache():
    lost = "import pwd, sys; pwd.getpwuid = lambda _: {}['a user id that no system file knows, as containers give']"
    code = f"{lost}; from proactivebench.cli import main; main(['run', '--model', 'never', *sys.argv[1:]])"
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PROACTIVEBENCH_CACHE", "XDG_CACHE_HOME", "HOME")
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *SAMPLE], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "PROACTIVEBENCH_CACHE" in one_line(done)


def test_an_unwritable_folder_ends_with_exit_4(command, tmp_path):
    (tmp_path / "file").write_text("")
    done = command("run", "--model", "never", *SAMPLE, "--output_path", "file/run", code=4)
    assert "cannot write" in one_line(done)


def test_a_timeline_shows_events_offers_and_verdicts(command):
    command("run", "--model", "parrot", *SAMPLE, "--output_path", "r", "--limit", "1", code=0)
    listing = json.loads(command("data", "show", "code_umlauts", "--json", code=0).stdout)
    shown = command("show", "r", "code_umlauts", code=0).stdout
    assert "offers:" in shown
    assert "lexical" in shown
    as_data = json.loads(command("show", "r", "code_umlauts", "--json", code=0).stdout)
    assert len(as_data) == len(listing["events"])
    assert as_data[0]["replies"][0]["verdicts"][0]["status"] in ("accepted", "rejected")
    assert as_data[9]["changes"] == ["application"]
    assert set(as_data[9]["need"]) == {"unanimous", "majority"}
    assert "┄┄ boundary: application" in shown


def test_every_trace_of_a_run_is_a_strip_of_need_votes_boundaries_and_offers(command):
    command("run", "--model", "skip-first", *SAMPLE, "--output_path", "r", "--limit", "2", code=0)
    shown = command("show", "r", "--timelines", code=0).stdout
    data = json.loads(command("show", "r", "--timelines", "--json", code=0).stdout)
    assert [each["trace_id"] for each in data] == ["code_umlauts", "code_flaky_clock"]
    first = {line[:16].strip(): line[16:] for line in reversed(shown.splitlines())}
    needed = [bool(need) for need in data[0]["need"]["unanimous"]]
    assert first["need, unanimous"].rstrip() == "".join("·█"[need] for need in needed)
    assert [mark == "┃" for mark in first["boundary"].ljust(len(needed))] == [bool(why) for why in data[0]["changes"]]
    (offers,) = data[0]["outcomes"].values()
    assert first["offers"].rstrip() == "".join({"A": "✓", "R": "✗"}.get(letter, "·") for letter in offers)
    accepted = [votes["accept"] for votes in data[0]["votes"]]
    assert first["votes: accept"].rstrip() == "".join(str(number or "·") for number in accepted)


def test_a_dry_run_asks_nothing_and_writes_nothing(command, tmp_path):
    (tmp_path / "prices.yaml").write_text("always: {prompt: 1, completion: 2}\n")
    done = command("run", "--model", "always", *SAMPLE, "--dry_run", "--prices", "prices.yaml", code=0)
    assert "231 requests" in done.stdout
    assert "USD" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_replies_alone_can_be_judged_later(command, tmp_path):
    command("run", "--model", "always", *SAMPLE, "--output_path", "r", "--limit", "2", "--predict_only", code=0)
    assert not list((tmp_path / "r").glob("verdicts/*"))
    done = command("judge", "r", "--json", code=0)
    assert json.loads(done.stdout)["judges"][0]["overall"]["metrics"]["recall"]["value"] == 1


def test_break_even_costs_need_runs_of_the_trivial_agents(command):
    for model in ("never", "always", "best-candidate"):
        command("run", "--model", model, *SAMPLE, "--output_path", model, code=0)

    def break_even(*anchors):
        options = [part for anchor in anchors for part in ("--anchors", anchor)]
        done = command("score", "best-candidate", *options, "--json", code=0)
        return json.loads(done.stdout)["judges"][0]["overall"]["metrics"]["break_even_always_0.5"]

    assert break_even()["value"] is None
    better = break_even("never", "always")
    assert better["value"] is not None or "always" not in better["reason"]
    assert "no run of" in one_line(command("score", "always", "--anchors", "best-candidate", code=2))


def test_a_moved_trace_file_is_found_with_tasks(command, tmp_path):
    line = {"trace_id": "t", "split": "coding", "events": [{"time": "1", "event": "opens a file"}] * 3}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    command("run", "--model", "always", "--tasks", "a.jsonl", "--output_path", "r", code=0)
    (tmp_path / "a.jsonl").rename(tmp_path / "b.jsonl")
    assert "a.jsonl" in one_line(command("score", "r", code=2))
    command("score", "r", "--tasks", "b.jsonl", code=0)
    (tmp_path / "b.jsonl").write_text(json.dumps({**line, "split": "writing"}) + "\n")
    assert "other data" in one_line(command("score", "r", "--tasks", "b.jsonl", code=2))


def called(capsys, *words):
    """Call a verb in this process; returns exit code and what it printed."""
    with pytest.raises(SystemExit) as done:
        main(words)
    return done.value.code, capsys.readouterr().out


@pytest.mark.parametrize("verb", sorted(" ".join(path) for path, _ in every_command()))
def test_every_verb_helps_within_80_columns_with_an_example(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, text = called(capsys, *verb.split(), "--help")
    assert code == 0
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert "xample" in text


def test_the_overview_is_what_the_table_of_verbs_says(capsys):
    for words in ((), ("--help",), ("-h",), ("help",)):
        assert called(capsys, *words) == (0, overview() + "\n")
    assert all(len(line) <= 80 for line in overview().splitlines())
    assert {path[0] for path, _ in every_command()} == set(VERBS)


@pytest.mark.parametrize("verb", ["data", "judges", "annotate", "leaderboard"])
def test_a_verb_with_verbs_below_says_them_when_called_bare(verb, capsys):
    code, text = called(capsys, verb)
    assert code == 2
    assert text == called(capsys, verb, "--help")[1]
    assert all(f"  {path[1]} " in text for path, _ in every_command() if path[0] == verb)


TRANSPORT = {"concurrency", "timeout", "max_retries", "batch_size", "device"}
JUDGE = {"judge_model", "judge_model_args", "judge_gen_kwargs"}


def test_whatever_has_a_model_behind_it_says_how_that_is_asked():
    found = {" ".join(path): {one.name for one in command.params} for path, command in every_command()}
    asking = {path for path, names in found.items() if names & {"model", "judge_model"}}
    assert asking == {
        "run", "judge", "judges validate", "judges fingerprint", "judges submit", "judges reproduce", "judges attack",
        "leaderboard verify", "leaderboard rejudge", "leaderboard reproduce",
    }  # fmt: skip
    for path, names in found.items():
        assert names & TRANSPORT == (TRANSPORT if path in asking else set()), path
        assert names & JUDGE in (JUDGE, set()), path


def test_python_and_the_command_line_ask_alike_by_default():
    run = dict(every_command())[("run",)]
    values = {option.name: option.get_default(click.Context(run)) for option in run.params if option.name in TRANSPORT}
    serving = Serving()
    assert (values["concurrency"], values["timeout"], values["max_retries"], values["batch_size"]) == (
        serving.concurrency, serving.timeout_s, serving.max_retries, serving.batch_size
    )  # fmt: skip


def test_the_docs_have_these_options_and_their_defaults():
    page = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")
    run = dict(every_command())[("run",)]
    for option in run.params:
        if option.name in TRANSPORT:
            value = option.get_default(click.Context(run))
            default = str(value).removesuffix(".0") if isinstance(value, int | float | str) else ""
            assert re.search(rf"^\| `{option.opts[0]}` \| {default} ?\|", page, re.MULTILINE), option.name


def test_a_verb_is_loaded_when_it_is_called_and_no_other(command):
    code = "import sys; from proactivebench.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"

    def loaded(*words):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        names = done.stdout.splitlines()[-1].split()
        verbs = {name for name, verb in VERBS.items() if f"proactivebench.cli.{verb.module}" in names}
        heavy = {"pydantic", "numpy", "rich", "aiohttp", "scipy", "lm_eval", "datasets", "yaml", "pyarrow"}
        return verbs, heavy & set(names), "click" in names

    assert loaded("--help") == (set(), set(), False)
    assert loaded("compare", "--help") == ({"compare"}, set(), True)
    assert loaded("leaderboard", "verify", "--help") == ({"leaderboard"}, set(), True)
    assert loaded("annotate", "prepare", "--help") == ({"annotate"}, set(), True)


def test_completion_knows_the_verbs(command):
    env = {"_PROACTIVEBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "proactivebench ju", "COMP_CWORD": "1"}
    assert set(command(env=env).stdout.split()) == {"judge", "judges"}
