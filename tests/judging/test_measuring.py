"""From unmeasured to measured in one flag, and the fingerprint of the paper's judge: real servers, invented labels."""

import hashlib
import json
import re
import shlex
from collections import Counter

import pytest

from proactivebench import evaluate
from proactivebench.board.entry.redaction import redacted_manifest
from proactivebench.cli import main
from proactivebench.judging import create_judge
from proactivebench.records import NeedRule, Report
from proactivebench.store import RunStore
from proactivebench.text import write_lines
from proactivebench.traces import load_task, release
from proactivebench.validation import measuring
from proactivebench.validation.items import Category
from proactivebench.validation.people import released_labels
from tests.judging.labelled import labelled_rows, people_accept
from tests.judging.scripted import ScriptedEngine
from tests.judging.test_released import STAND_IN
from tests.servers.chat import Fault, Say, chat_server
from tests.validation.own import own_file, own_traces

PAPER_WEIGHTS = "YancyLee/ProactiveAgent@abc123"


@pytest.fixture(autouse=True)
def people(tmp_path, monkeypatch):
    """Labels and the reward model's prompt without the release; a cache of the test's own."""
    monkeypatch.setattr(measuring, "labelled_items", labelled_rows)
    monkeypatch.setenv("PROACTIVEBENCH_CACHE", str(tmp_path / "cache"))
    mirror = tmp_path / "mirror" / release.JUDGE_PROMPTS
    mirror.parent.mkdir(parents=True)
    mirror.write_text(STAND_IN, encoding="utf-8")
    pins = {**release.pins(), release.JUDGE_PROMPTS: hashlib.sha256(STAND_IN.encode()).hexdigest()}
    monkeypatch.setattr(release, "pins", lambda: pins)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path / "mirror"))


def verdict(accepted):
    return Say(json.dumps({"thought": "t", "judgement": "accepted" if accepted else "rejected", "reason": "r",
                           "verdict": "accepted" if accepted else "rejected"}))  # fmt: skip


def labelled(seen):
    """The questions about people's labels, which the sample's sessions are none of."""
    return "trace " in seen.body["messages"][-1]["content"]


def knows(seen):
    """A judge that is right about people's labels seven times of eight."""
    asked = seen.body["messages"][-1]["content"]
    right = hashlib.sha256(asked.partition("nonce")[0].encode()).digest()[0] % 8 > 0
    return verdict(people_accept(asked) == right)


def accepts_all(_seen):
    return verdict(accepted=True)


def published(seen):
    """The published judge on the official items: all offers right, six needs missed, four silences begrudged."""
    asked = seen.body["messages"][-1]["content"]
    accepted = people_accept(asked)
    if labelled(seen) and "useful help" not in asked and "idle talk" not in asked:
        kind = "CR" if accepted else "MN"
        done = published.silences.setdefault(kind, {})
        place = done.setdefault(asked, len(done))
        accepted ^= place < {"CR": 4, "MN": 6}[kind]
    return verdict(accepted)


@pytest.fixture(autouse=True)
def _nothing_said():
    published.silences = {}


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def over(server, **more):
    declared = {"base_url": server.base_url, "model": "m", "trained_on": "none", **more}
    args = ",".join(f"{name}={value}" for name, value in declared.items() if value is not None)
    return ["--judge_model", "endpoint", "--judge_model_args", args]


def worth(path):
    (judged,) = Report.model_validate_json((path / "report.json").read_text()).judges
    return judged.measurement


def sample_run(path, server, *words, judge="llm", **more):
    words = [*words, "--output_path", path, "--judge", judge, *over(server, **more)]
    return run("run", "--model", "always", "--tasks", "proactivebench_sample", *words)


def test_the_sample_has_sixty_of_each_category_from_all_traces_and_is_always_the_same():
    chosen = measuring.sample_of(released_labels(labelled_rows()))
    assert Counter(item.category(NeedRule.UNANIMOUS) for item in chosen) == dict.fromkeys(("CD", "FA", "CR", "MN"), 60)
    for name in ("CD", "FA", "CR", "MN"):
        mine = Counter(item.trace for item in chosen if item.category(NeedRule.UNANIMOUS) == name)
        assert max(mine.values()) - min(mine.values()) <= 1
        assert len(mine) == 8
    again = measuring.sample_of(released_labels(labelled_rows()))
    other = measuring.sample_of(released_labels(labelled_rows()), seed=1)
    assert [item.row for item in again] == [item.row for item in chosen]
    assert [item.row for item in other] != [item.row for item in chosen]


def test_one_flag_measures_a_judge_before_it_judges_and_never_twice(tmp_path, capsys):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge") == 0
        said = " ".join(capsys.readouterr().err.split())
        asked = sum(map(labelled, server.asked))
        assert sample_run(tmp_path / "b", server, "--measure_judge") == 0
        again = sum(map(labelled, server.asked))
    assert "240 requests, about" in said
    assert "completion tokens" in said
    assert asked == again == 240
    for name in ("a", "b"):
        assert worth(tmp_path / name).status == "measured"
        (kept,) = RunStore(tmp_path / name).manifest.measured
        assert {count.items for count in (kept.errors.correct_detection, kept.errors.missed_need)} == {60}
        assert "--judge llm" in kept.command
        assert "--measure_judge" in kept.command


def test_what_it_costs_is_said_before_where_prices_are_given(tmp_path, capsys):
    prices = tmp_path / "prices.yaml"
    prices.write_text("m: {prompt: 1000, completion: 0}\nalways: {prompt: 1, completion: 1}\n")
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--predict_only") == 0
        words = ("judge", tmp_path / "a", "--judge", "llm", *over(server), "--measure_judge", "--prices", prices)
        assert run(*words) == 0
    said = " ".join(capsys.readouterr().err.split())
    tokens, least, most = re.search(r"about ([\d,]+) prompt tokens.*?about ([\d.]+) to ([\d.]+) USD", said).groups()
    assert float(least) == float(most) == round(int(tokens.replace(",", "")) / 1000, 2)


def test_the_verb_judge_measures_too_and_a_later_run_knows(tmp_path):
    with chat_server(knows) as server:
        assert run("run", "--model", "always", "--tasks", "proactivebench_sample", "--predict_only",
                   "--output_path", tmp_path / "a") == 0  # fmt: skip
        assert run("judge", tmp_path / "a", "--judge", "llm", *over(server), "--measure_judge") == 0
        assert sample_run(tmp_path / "b", server) == 0
    assert worth(tmp_path / "a").status == worth(tmp_path / "b").status == "measured"


def test_under_lm_eval_a_judge_that_was_measured_before_is_a_measured_one(tmp_path, monkeypatch, capsys, caplog):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge") == 0
        for name, value in zip(("JUDGE_MODEL", "JUDGE_MODEL_ARGS"), over(server)[1::2], strict=True):
            monkeypatch.setenv(f"PROACTIVEBENCH_{name}", value)
        monkeypatch.setenv("PROACTIVEBENCH_JUDGE", "llm")
        monkeypatch.setenv("PROACTIVEBENCH_RUN", str(tmp_path / "lm"))
        capsys.readouterr()
        assert run("lm-eval", "run", "--tasks", "proactivebench_sample", "--model", "always") == 0
    said = capsys.readouterr().err + caplog.text
    assert "measured judge: llm on silences" in said
    assert "nobody has measured" not in said


def test_a_judge_without_skill_stays_unmeasured_and_hears_by_how_much(tmp_path, capsys):
    with chat_server(accepts_all) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge") == 0
    found = worth(tmp_path / "a")
    assert found.status == "unmeasured"
    assert "short" in found.reason
    assert found.reason in " ".join(capsys.readouterr().err.split())


def test_labels_decide_silences_so_that_offers_alone_are_measured(tmp_path):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge", judge="silence=labels,proposals=llm") == 0
        assert sum(map(labelled, server.asked)) == 120
    assert worth(tmp_path / "a").status == "measured"
    (kept,) = RunStore(tmp_path / "a").manifest.measured
    assert kept.errors.missed_need is None


def test_a_sick_server_measures_nothing_and_what_it_answered_is_not_asked_again(tmp_path, capsys):
    sick = {"down": True}

    def half(seen):
        return Fault(400) if sick["down"] and labelled(seen) and "trace 1" in json.dumps(seen.body) else knows(seen)

    with chat_server(half) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge", "--max_retries", 0) == 3
        first = sum(map(labelled, server.asked))
        sick["down"] = False
        assert sample_run(tmp_path / "a", server, "--measure_judge", "--max_retries", 0) == 0
        lost = sum(labelled(seen) and "trace 1" in json.dumps(seen.body) for seen in server.asked[:first])
        assert sum(map(labelled, server.asked)) == 240 + lost
    assert "are unscored" in capsys.readouterr().err
    assert worth(tmp_path / "a").status == "measured"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--judge", "labels"), "need no measuring"),
        (("--judge", "lexical"), "a baseline"),
        (("--predict_only",), "none to measure"),
    ],
)
def test_measuring_what_cannot_be_measured_is_refused_before_anything_is_asked(tmp_path, capsys, words, said):
    path = tmp_path / "a"
    code = run("run", "--model", "always", "--tasks", "proactivebench_sample", *words, "--measure_judge",
               "--output_path", path)  # fmt: skip
    assert code == 2
    assert said in capsys.readouterr().err
    assert not path.exists()


def test_python_measures_as_the_command_line_does(tmp_path):
    with chat_server(knows) as server:
        report = evaluate(
            "always", "proactivebench_sample", "llm", tmp_path / "a", judge_model="endpoint",
            judge_model_args={"base_url": server.base_url, "model": "m", "trained_on": "none"}, measure_judge=True,
        )  # fmt: skip
    assert report.judges[0].measurement.status == "measured"


def test_a_model_that_nobody_vouches_for_may_have_seen_the_labels_and_is_not_measured(tmp_path, capsys):
    """Its figures are taken and shown, and lead nowhere; the same answers measure it once somebody says so."""
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge", trained_on=None) == 0
        said = " ".join(capsys.readouterr().err.split())
        asked = len(server.asked)
        assert worth(tmp_path / "a").status == "unmeasured"
        assert "training data unknown: it may have seen these moments" in worth(tmp_path / "a").reason
        assert "training data unknown" in said
        (kept,) = RunStore(tmp_path / "a").manifest.measured
        assert (kept.design, kept.errors.leaked) == ("unknown", True)
        assert sample_run(tmp_path / "a", server, "--measure_judge", trained_on="none") == 0
        assert len(server.asked) <= asked + 1, "but for the probe nothing is asked again"
    assert worth(tmp_path / "a").status == "measured"
    (kept,) = RunStore(tmp_path / "a").manifest.measured
    assert kept.design == "direct"


@pytest.mark.parametrize(
    ("words", "why"), [("release", "was trained on these very labels"), ("none+", "a name is missing")]
)
def test_a_declared_leak_is_refused_and_so_is_half_a_declaration(tmp_path, capsys, words, why):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, "--measure_judge", trained_on=words) == 2
    assert why in capsys.readouterr().err


# --- people of a user's own -------------------------------------------------------------------------------------------


def own_run(path, mine, server, *words, **more):
    words = [*words, "--output_path", path, "--judge", "llm", *over(server, **more)]
    return run("run", "--model", "always", "--tasks", mine, *words)


def knows_own(seen):
    """A judge that is right about the user's own people seven times of eight."""
    asked = seen.body["messages"][-1]["content"]
    right = hashlib.sha256(asked.partition("nonce")[0].encode()).digest()[0] % 8 > 0
    wanted = (
        "useful help" in asked if "idle talk" in asked or "useful help" in asked else "at ease" in last_event(asked)
    )
    return verdict(wanted == right)


def last_event(asked):
    return asked[max(asked.rfind("stuck"), asked.rfind("at ease")) :]


def test_a_run_on_labelled_traces_measures_its_judge_on_their_own_people(tmp_path, capsys):
    mine, other = own_file(tmp_path, traces=8), tmp_path / "other.jsonl"
    other.write_bytes(write_lines(own_traces(traces=4, begin="else")))
    with chat_server(knows_own) as server:
        assert own_run(tmp_path / "a", mine, server, "--measure_judge") == 0
        said = " ".join(capsys.readouterr().err.split())
        assert own_run(tmp_path / "b", other, server) == 0
        assert sample_run(tmp_path / "c", server) == 0
    assert "measuring on the labels of mine: 3 annotators, 3.0 votes an item" in said
    assert worth(tmp_path / "a").status == "measured"
    assert "against the people of mine (3 annotators, 3.0 votes an item)" in worth(tmp_path / "a").reason
    for elsewhere in ("b", "c"):
        assert worth(tmp_path / elsewhere).status == "unmeasured", "their people are not asked elsewhere"
    (kept,) = RunStore(tmp_path / "a").manifest.measured
    assert (kept.people.name, kept.people.annotators, len(kept.people.traces)) == ("mine", 3, 8)


def test_too_few_labels_of_their_own_are_said_and_the_release_takes_their_place(tmp_path, capsys):
    mine = own_file(tmp_path, traces=2)
    with chat_server(knows) as server:
        assert own_run(tmp_path / "a", mine, server, "--measure_judge") == 0
    assert "20 in each category are needed: measuring on the released human labels" in " ".join(
        capsys.readouterr().err.split()
    )
    (kept,) = RunStore(tmp_path / "a").manifest.measured
    assert kept.people is None


def test_what_a_judge_of_offers_alone_lacks_is_said_of_offers_alone(tmp_path):
    task, said = load_task(str(own_file(tmp_path, traces=2))), []
    measuring.labels_for(task, {Category.FALSE_ALARM, Category.CORRECT_DETECTION}, said.append)
    assert re.findall(r"\d+ of (CD|FA|CR|MN)", said[0]) == ["CD"], (
        "8 offers are accepted, 40 rejected; silences are not its own"
    )


def test_what_its_users_said_leaves_no_trace_in_an_entry(tmp_path):
    mine = own_file(tmp_path, traces=8)
    with chat_server(knows_own) as server:
        assert own_run(tmp_path / "a", mine, server, "--measure_judge") == 0
    assert redacted_manifest(RunStore(tmp_path / "a").manifest).measured == ()


# --- the paper's judge ------------------------------------------------------------------------------------------------


def paper_judge(model="m", **declared):
    engine = ScriptedEngine(model_args={"model": model})
    engine.identity = engine.identity.model_copy(update={"name": model})
    args = {"base_url": "http://x/v1", "model": model, **declared}
    return create_judge("reward-model", engine=engine, model="endpoint", model_args=args).identity


def test_the_papers_judge_is_its_prompt_and_declared_weights_whatever_it_is_served_as():
    assert paper_judge("rm", weights=PAPER_WEIGHTS).id == paper_judge("x", weights=PAPER_WEIGHTS).id
    assert paper_judge("rm", weights=PAPER_WEIGHTS).id != paper_judge("rm", weights="other/weights@1").id
    assert paper_judge("rm").id == paper_judge("x").id != paper_judge("rm", weights=PAPER_WEIGHTS).id
    recorded = paper_judge("rm", weights=PAPER_WEIGHTS, dtype="bfloat16", engine="vllm")
    assert recorded.id == paper_judge("rm", weights=PAPER_WEIGHTS).id
    assert recorded.runtime == {"dtype": "bfloat16", "engine": "vllm"}


def test_other_weights_make_any_judge_another_one_and_how_they_run_does_not():
    def llm(**declared):
        engine = ScriptedEngine(model_args={"model": "m"})
        args = {"base_url": "http://x/v1", "model": "m", **declared}
        return create_judge("llm", engine=engine, model="endpoint", model_args=args).identity.id

    assert llm() == llm(dtype="float16") != llm(weights="a/b@1") != llm(weights="a/b@2")


def test_what_is_declared_is_never_sent_to_the_server(tmp_path):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, weights="a/b@1", dtype="float16", engine="vllm") == 0
        assert all(not {"weights", "dtype", "engine"} & set(seen.body) for seen in server.requests)
    (judge,) = RunStore(tmp_path / "a").manifest.judges.values()
    assert (judge.weights, judge.runtime) == ("a/b@1", {"dtype": "float16", "engine": "vllm"})


def test_undeclared_weights_of_another_name_do_not_go_on_in_a_run(tmp_path, capsys):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, judge="reward-model") == 0
        assert run("judge", tmp_path / "a", "--judge", "reward-model", *over(server, model="other")) == 2
        assert "weights are undeclared" in capsys.readouterr().err
        assert run("judge", tmp_path / "a", "--judge", "reward-model", *over(server)) == 0


def printed_commands(capsys):
    """The commands on standard output, as a shell would read them over several lines."""
    shown = capsys.readouterr().out.replace("\\\n", "")
    return [shlex.split(line) for line in re.findall("measure it[^:]*: proactivebench (.*)$", shown, re.MULTILINE)]


@pytest.mark.parametrize("weights", [None, "other/weights@1", PAPER_WEIGHTS])
def test_the_command_that_measures_the_papers_judge_runs_as_printed(tmp_path, capsys, weights):
    declared = {"weights": weights} if weights else {}
    with chat_server(published) as server:
        assert sample_run(tmp_path / "a", server, judge="reward-model", **declared) == 0
        (command,) = printed_commands(capsys)
        assert run(*command) == 0
        assert run("show", tmp_path / "a") == 0
    assert "fingerprint passed" in capsys.readouterr().out


def test_the_command_that_measures_a_judge_runs_as_compare_and_gate_print_it(tmp_path, capsys):
    with chat_server(knows) as server:
        for name in ("a", "b"):
            assert sample_run(tmp_path / name, server) == 0
        capsys.readouterr()
        printed = []
        for verb in ("compare", "gate"):
            assert run(verb, tmp_path / "a", tmp_path / "b", "--metric", "f1") == 0
            printed += printed_commands(capsys)
        assert len(printed) == 2
        for command in printed:
            assert run(*command) == 0
    assert worth(tmp_path / "a").status == worth(tmp_path / "b").status == "measured"


def test_the_fingerprint_of_the_published_judge_passes_and_is_kept_with_the_run(tmp_path, capsys):
    with chat_server(published) as server:
        declared = {"weights": PAPER_WEIGHTS, "dtype": "bfloat16"}
        assert sample_run(tmp_path / "a", server, judge="reward-model", **declared) == 0
        assert worth(tmp_path / "a").status == "unmeasured"
        assert "unproven weights" in worth(tmp_path / "a").reason
        assert "fingerprint" in worth(tmp_path / "a").reason
        assert run("judges", "fingerprint", tmp_path / "a", *over(server, **declared)) == 0
        shown = capsys.readouterr().out
        asked = len(server.asked)
        assert run("judges", "fingerprint", *over(server, **declared)) == 0
        assert len(server.asked) == asked, "it is taken once"
    assert "passed" in shown
    assert "24          24" in shown
    assert run("score", tmp_path / "a") == 0
    assert worth(tmp_path / "a").status == "paper"
    (kept,) = RunStore(tmp_path / "a").manifest.fingerprints
    assert kept.served == {"dtype": "bfloat16", "model": "m"}


def test_a_fingerprint_taken_again_asks_the_server_as_it_is_now(capsys):
    now = {"served": accepts_all}
    with chat_server(lambda seen: now["served"](seen)) as server:
        declared = over(server, weights=PAPER_WEIGHTS)
        assert run("judges", "fingerprint", *declared) == 1
        now["served"] = published  # the right weights, under the same name at the same place
        assert run("judges", "fingerprint", *declared) == 1
        assert run("judges", "fingerprint", *declared, "--again") == 0
    assert "fingerprint passed" in capsys.readouterr().out


def test_measuring_the_papers_judge_takes_its_fingerprint(tmp_path):
    with chat_server(published) as server:
        words = ("--measure_judge",)
        assert sample_run(tmp_path / "a", server, *words, judge="reward-model", weights=PAPER_WEIGHTS) == 0
        assert sum(map(labelled, server.asked)) == 120
    assert worth(tmp_path / "a").status == "paper"


def test_another_model_under_the_published_weights_name_does_not_pass(tmp_path, capsys):
    with chat_server(accepts_all) as server:
        assert sample_run(tmp_path / "a", server, judge="reward-model", weights=PAPER_WEIGHTS) == 0
        assert run("judges", "fingerprint", tmp_path / "a", *over(server, weights=PAPER_WEIGHTS)) == 1
    assert "not the published judge's" in capsys.readouterr().err
    assert run("score", tmp_path / "a") == 0
    assert "its fingerprint" in worth(tmp_path / "a").reason


def test_a_fingerprint_stands_only_with_runs_its_judge_has_judged(tmp_path, capsys):
    with chat_server(published) as server:
        assert sample_run(tmp_path / "a", server, judge="reward-model") == 0
        assert run("judges", "fingerprint", tmp_path / "a", *over(server, weights=PAPER_WEIGHTS)) == 2
        assert "has no verdicts of" in capsys.readouterr().err


def test_weights_that_say_nothing_are_refused(tmp_path, capsys):
    with chat_server(knows) as server:
        assert sample_run(tmp_path / "a", server, weights="mine") == 2
    assert "HUB_NAME@REVISION" in capsys.readouterr().err
