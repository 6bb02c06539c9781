"""A judge that thinks past its card's limit: what is said, and what gives it more room."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from proactivebench.cli import main
from proactivebench.errors import UsageError
from proactivebench.judging import create_judge
from proactivebench.judging.identity import same_but_for_decoding, token_limits
from proactivebench.preparation import judge_decoding
from tests.judging.scripted import ACCEPT, ScriptedEngine
from tests.servers.chat import ChatServer, Say, Seen, Step, chat_server

Call = Callable[..., tuple[int, str, str]]


def thinks(seen: Seen) -> Step:
    """A judge that needs more than a thousand tokens to decide."""
    room = seen.body.get("max_tokens") or seen.body.get("max_completion_tokens") or 0
    return Say(ACCEPT) if room > 1000 else Say("", finish="length", message={"reasoning_content": "hm " * 50})


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))

    def run(server: ChatServer, verb: list[str], *more: str, judge: str = "llm") -> tuple[int, str, str]:
        behind = ["--judge_model", "endpoint", "--judge_model_args", f"base_url={server.base_url},model=m"]
        with pytest.raises(SystemExit) as end:
            main([*verb, "--judge", judge, *behind, *more])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def test_a_judge_cut_off_at_its_budget_is_asked_again_when_it_gets_a_larger_one(call: Call, tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    run = ["run", "--model", "always", "--tasks", "proactivebench_sample", "--limit", "1", "--output_path", place]
    with chat_server(thinks, probe=Say(ACCEPT)) as server:
        code, _, err = call(server, run)
        assert code == 3
        assert "truncated: the judge was cut off before its verdict" in err
        assert "cut off at max_gen_toks (300), so judge with --judge_gen_kwargs max_gen_toks=1200" in err
        asked = len(server.asked)

        code, _, err = call(server, run)
        assert (code, len(server.asked)) == (3, asked)  # cut off as before: it would be again

        code, out, err = call(server, ["judge", place], "--judge_gen_kwargs", "max_gen_toks=1200", "--json")
        assert code == 0, err
        assert len(server.asked) > asked
        assert {seen.body["max_tokens"] for seen in server.asked[asked:]} == {1200}
        valid = {judged["judge"]["id"]: judged["valid"] for judged in json.loads(out)["judges"]}
        assert sorted(valid.values()) == [False, True]

        asked = len(server.asked)
        code, _, err = call(server, run, "--judge_gen_kwargs", "max_gen_toks=1200")
        assert (code, len(server.asked)) == (0, asked), err


def test_how_a_judge_generates_is_part_of_who_it_is(tmp_path: Path) -> None:
    def made(spec: str = "llm", **given: object):  # type: ignore[no-untyped-def]
        return create_judge(spec, engine=ScriptedEngine(), decode=judge_decoding(given)).identity

    plain, roomy = made(), made(max_gen_toks=1200)
    assert made(max_gen_toks=300) == plain
    assert plain.id != roomy.id
    assert (token_limits(plain), token_limits(roomy)) == ((300,), (1200,))
    assert same_but_for_decoding(plain, roomy)
    assert same_but_for_decoding(made("silence=labels,proposals=llm"), made("silence=labels,proposals=llm", top_p=0.5))
    assert not same_but_for_decoding(plain, plain)
    assert not same_but_for_decoding(plain, made("silence=labels,proposals=llm"))
    assert not same_but_for_decoding(plain, made("lexical"))
    other = tmp_path / "llm.yaml"
    card = Path("judges/llm.yaml").read_text(encoding="utf-8")
    other.write_text(card.replace("When in doubt, reject.", "When in doubt, accept."), encoding="utf-8")
    assert not same_but_for_decoding(plain, made(str(other), max_gen_toks=1200))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_gen_tokz": 5}, "--judge_gen_kwargs max_gen_tokz: did you mean max_gen_toks"),
        ({"max_gen_toks": 0}, "--judge_gen_kwargs max_gen_toks"),
        ({"max_gen_toks": "many"}, "--judge_gen_kwargs max_gen_toks"),
        ({"max_tokens": 5, "max_gen_toks": 6}, "--judge_gen_kwargs says one thing twice"),
    ],
)
def test_words_that_make_no_sense_are_refused_in_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        create_judge("llm", engine=ScriptedEngine(), decode=judge_decoding(given))


def test_decoding_for_judges_that_generate_nothing_is_refused(call: Call, tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    run = ["run", "--model", "always", "--tasks", "proactivebench_sample", "--output_path", place]
    with chat_server([Say(ACCEPT)], probe=Say(ACCEPT)) as server:
        for judge in ("lexical", "labels"):
            code, _, err = call(server, run, "--judge_gen_kwargs", "max_gen_toks=9", judge=judge)
            assert code == 2
            assert "--judge_gen_kwargs is for judges that generate text" in err
