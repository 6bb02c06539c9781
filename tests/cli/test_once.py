"""An option that takes one value is given once, whatever the verb and however it is spelled."""

import re

import pytest

from proactivebench.cli import main
from tests.cli.commands import every_command
from tests.cli.test_verbs import one_line


def options_of_one_value():
    """Every such option of every verb, as (arguments before it, its name)."""
    for path, command in every_command():
        for option in command.params:
            if option.param_type_name == "option" and not (option.multiple or option.is_flag):
                yield (*path, option.opts[0])


def complaint(capsys, *arguments):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return done.value.code, capsys.readouterr().err


PATIENCE = ("--concurrency", "--timeout", "--max_retries")


@pytest.mark.parametrize("called", list(options_of_one_value()), ids=" ".join)
def test_an_option_of_one_value_that_is_given_twice_is_refused(called, capsys):
    *verb, option = called
    dashes, underscores = "--" + option[2:].replace("_", "-"), "--" + option[2:].replace("-", "_")
    code, said = complaint(capsys, *verb, dashes, "1", f"{underscores}=2")
    if underscores in PATIENCE:
        assert f"{underscores} is given 2 times: the last, 2, holds" in said
        return
    assert code == 2
    assert said.count("\n") == 1
    assert re.search(rf"{underscores}(/--\w+)? is given 2 times \(1, 2\)", said)  # with its other name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--judge_cache", "--no-judge-cache"), "--judge_cache/--no_judge_cache is given 2 times (on, off)"),
        (("--model_args", "p=1,p=2"), "p in --model_args is given 2 times (1, 2)"),
        (("--model_args", '{"p": 1, "p": 2}'), "p in --model_args is given 2 times (1, 2)"),
        (("--gen_kwargs", "temperature=0,temperature=1"), "temperature in --gen_kwargs is given 2 times (0, 1)"),
    ],
)
def test_what_says_one_thing_twice_is_refused_too(arguments, says, command):
    done = command("run", "--model", "random", "--tasks", "proactivebench_sample", *arguments, code=2)
    assert says in one_line(done)


def test_a_configuration_that_sets_an_option_twice_is_refused(command, tmp_path):
    (tmp_path / "run.yaml").write_text("model: never\nmax-retries: 1\nmax_retries: 2\ntasks: proactivebench_sample\n")
    assert "sets 'max_retries' twice" in one_line(command("run", "--config", "run.yaml", code=2))


def test_a_configuration_gives_one_value_to_an_option_that_takes_one(command, tmp_path):
    (tmp_path / "run.yaml").write_text("model: never\ntasks: proactivebench_sample\nlimit: [1, 2]\n")
    assert "sets 'limit' to a list" in one_line(command("run", "--config", "run.yaml", code=2))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("limit: one", "'--limit': 'one' is not a valid integer"),
        ("seed: 2024-01-01", "'--seed': '2024-01-01' is not a valid integer"),
        ("predict_only: 2", "'--predict_only': '2' is not a valid boolean"),
        ("timeout: .nan", "'--timeout': 'nan' is not a finite number"),
        ("jsn: true", "did you mean json?"),
    ],
)
def test_a_value_of_a_configuration_is_read_as_if_it_were_typed(line, says, command, tmp_path):
    (tmp_path / "run.yaml").write_text(f"model: never\ntasks: proactivebench_sample\n{line}\n")
    assert says in one_line(command("run", "--config", "run.yaml", code=2))


def test_a_configuration_sets_switches_by_their_own_names(command, tmp_path):
    (tmp_path / "run.yaml").write_text(
        "model: never\ntasks: proactivebench_sample\nlimit: 1\njson: true\njudge-cache: no\noutput_path: 7\n"
    )
    assert command("run", "--config", "run.yaml", code=0).stdout.startswith("{")
    assert (tmp_path / "7" / "manifest.json").exists()


def test_no_secret_stands_in_the_refusal(command):
    done = command("run", "--model_args", "api_key=sk-abcdefgh12345678", "--model_args", "x=1", code=2)
    assert "sk-abc" not in done.stderr


def test_a_switch_may_be_given_twice_and_a_list_as_often_as_wanted(command):
    given = ("run", "--model", "never", "--tasks", "proactivebench_sample", "--limit", "1", "--dry_run", "--dry-run")
    command(*given, code=0)
    assert "is given" not in command("leaderboard", "prepare", "x", "--link", "https://a", "--link", "https://b").stderr
