"""`leaderboard prepare`: what may stand on a board, said in words before anything is written."""

import pytest

from .calling import call, one_line
from .forging import as_served

DECLARED = {
    "--organisation": "acme",
    "--model_name": "helper-7b",
    "--licence": "MIT",
    "--contact": "a@example.org",
    "--trained_on_traces": "no",
    "--trained_on_labels": "unknown",
}


@pytest.mark.parametrize(
    ("option", "given", "rule"),
    [
        ("--run_id", "r 1", "letters, digits, . _ -, no spaces"),
        ("--run_id", "../../up", "letters, digits, . _ -, no spaces"),
        ("--model_name", "Acme Helper 7B", "letters, digits, . _ -, no spaces"),
        ("--organisation", "a__b", "letters, digits, . _ -, no spaces"),
        ("--organisation", "x" * 97, "96 at most"),
        ("--link", "http://example.org", "https links only"),
        ("--link", "javascript:alert(1)", "https links only"),
        ("--notes", "one\ntwo", "one line of 300 characters at most"),
        ("--contact", "x" * 301, "one line of 300 characters at most"),
        ("--trained_on_traces", "maybe", "answer yes, no or unknown"),
        ("--organisation", "proactivebench", "reserved for the trivial agents"),
        ("--organisation", "Proactive-Bench", "reserved for the trivial agents"),
    ],
)
def test_what_cannot_stand_on_a_board_is_named_by_its_option_and_rule(runs, tmp_path, option, given, rule):
    done = prepared(tmp_path, served(runs, tmp_path), {**DECLARED, option: given})
    assert done.code == 2
    said = one_line(done.err).removeprefix("proactivebench: ")
    assert said.startswith(option)
    assert rule in said
    assert not any(sign in said for sign in ("^", "$", "pydantic", "fault of"))
    assert not (tmp_path / "entry").exists()


def test_the_eleventh_link_is_one_too_many(runs, tmp_path):
    links = [part for number in range(11) for part in ("--link", f"https://example.org/{number}")]
    done = prepared(tmp_path, served(runs, tmp_path), DECLARED, links)
    assert done.code == 2
    assert one_line(done.err).startswith("proactivebench: --link: https links only, 10 at most")


def test_an_entry_that_is_prepared_says_its_name_once_and_what_comes_next(runs, tmp_path):
    done = prepared(tmp_path, served(runs, tmp_path), {**DECLARED, "--run_id": "r1"})
    assert done.code == 0, done.err
    where = tmp_path / "entry"
    assert done.out == f"acme__helper-7b/r1 is in {where}; next: proactivebench leaderboard validate {where}\n"


def test_the_trivial_agents_keep_their_organisation(runs, tmp_path):
    done = call("leaderboard", "prepare", runs / "always", "--output_path", tmp_path / "entry", "--run_id", "r1")
    assert done.out.startswith("proactivebench__always/r1 is in ")


def test_a_file_is_no_place_for_an_entry(runs, tmp_path):
    (tmp_path / "entry").write_text("")
    done = prepared(tmp_path, served(runs, tmp_path), DECLARED)
    assert done.code == 4
    assert "cannot write" in one_line(done.err)


@pytest.mark.parametrize("verb", ["prepare", "validate", "verify", "submit", "build", "announce", "serve", "seed"])
def test_help_fits_80_columns_and_lists_every_choice(verb):
    done = call("leaderboard", verb, "--help")
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "xample" in done.out
    choices = {
        "prepare": ["yes|no|unknown", "[*] required", "letters, digits, . _ -, no spaces", "https only"],
        "validate": ["rich|json|github|markdown"],
        "verify": ["rich|json|github|markdown"],
        "build": ["shown|none"],
    }
    assert all(choice in done.out for choice in choices.get(verb, []))


def served(runs, tmp_path):
    """The parrot's run, as if a served model had made it."""
    return as_served(runs / "parrot", tmp_path / "run", "m").path


def prepared(tmp_path, run, declared, more=()):
    options = [part for pair in declared.items() for part in pair]
    return call("leaderboard", "prepare", run, "--output_path", tmp_path / "entry", *options, *more)
