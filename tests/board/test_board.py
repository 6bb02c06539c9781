"""What stands on a board: badges, ranks, copies, second opinions, exports."""

import csv
import json
import shutil
import subprocess
import sys

import pytest

from proactivebench.board.entry.validation import validate_entry
from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.site.demo import render_demo_board
from proactivebench.board.site.published import published
from proactivebench.board.verify.checking import verify_all
from proactivebench.board.verify.second_judge import SecondOpinion, write_opinion
from proactivebench.errors import InvalidRun, UsageError
from proactivebench.evaluation import run_async
from proactivebench.judging import create_judge
from proactivebench.preparation import Settings, prepare
from proactivebench.records import JudgeIdentity
from proactivebench.store import RunStore

from .conftest import DECLARED
from .forging import as_served, declared, lines, verdict_name, write_declared
from .reports import report
from .vouching import reproduced


def row_of(built, name):
    return next(row for group in built.groups for row in group if row.name == name)


def words(row):
    return [word for word, _ in row.badges]


@pytest.fixture
def copied(board, tmp_path):
    root = tmp_path / "board"
    shutil.copytree(board, root)
    return root


def test_rows_under_a_baseline_judge_are_verified_and_never_ranked(board):
    built = build_board(board)
    assert built.refusals == []
    for group in built.groups:
        for row in group:
            assert "baseline judge" in words(row)
            assert "verified" in words(row)
            assert row.rank is None


def test_a_copy_is_marked_and_its_original_named(copied):
    rival = copied / "entries" / "rival__copycat" / "r1"
    shutil.copytree(copied / "entries" / "acme__helper-7b" / "r1", rival)
    content = declared(rival)
    content["declared"] |= {"organisation": "rival", "model": "copycat"}
    write_declared(rival, content)
    row = row_of(build_board(copied), "copycat")
    assert "acme__helper-7b/r1" in dict(row.badges)["copy"]


def test_a_second_opinion_disputes_only_the_evidence_it_was_formed_on(copied):
    built = build_board(copied)
    entry = next(entry for entry in built.entries if entry.declared.model == "helper-7b")
    judge = row_of(built, "helper-7b").judge.id
    opinion = {"by": "llm-12345678", "asked": {judge: 100}, "disagreements": {judge: 40}}
    write_opinion(copied, entry.key, SecondOpinion(digest=entry.digest, **opinion))
    assert "40% of 100 verdicts" in dict(row_of(build_board(copied), "helper-7b").badges)["disputed"]
    write_opinion(copied, entry.key, SecondOpinion(digest="0" * 64, **opinion))
    assert "disputed" not in words(row_of(build_board(copied), "helper-7b"))


def test_declared_training_stands_beside_the_name(copied):
    folder = copied / "entries" / "acme__helper-7b" / "r1"
    content = declared(folder)
    content["declared"]["trained_on_traces"] = True
    write_declared(folder, content)
    assert "traces" in dict(row_of(build_board(copied), "helper-7b").badges)["trained on benchmark"]


def test_changed_evidence_is_never_served_from_memory(copied):
    assert len(build_board(copied).entries) == 3
    folder = copied / "entries" / "acme__helper-7b" / "r1"
    packed = (folder / "replies.jsonl.gz").read_bytes()
    (folder / "replies.jsonl.gz").write_bytes(packed[:-1] + bytes([packed[-1] ^ 1]))
    built = build_board(copied)
    assert len(built.entries) == 2
    assert len(built.refusals) == 1


def test_the_exports_say_what_the_table_says(board, tmp_path):
    built = build_board(board)
    publish(built, tmp_path)
    row = row_of(built, "helper-7b")
    content = json.loads((tmp_path / "board.json").read_text(encoding="utf-8"))
    found = next(one for group in content["groups"] for one in group if one["model"] == "helper-7b")
    assert found["metrics"]["f1"]["value"] == row.metrics["f1"].value
    assert [table["id"] for table in content["reported"]["tables"]] == [table.id for table in published().tables]
    with (tmp_path / "board.csv").open(encoding="utf-8") as table:
        lines_ = list(csv.DictReader(table))
    assert float(next(line for line in lines_ if line["model"] == "helper-7b")["f1"]) == row.metrics["f1"].value


def test_every_page_has_a_policy_and_links_by_https_only(board, tmp_path):
    publish(build_board(board), tmp_path)
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "default-src &#39;none&#39;" in text
        assert '="http://' not in text
        assert " style=" not in text


def test_texts_of_events_can_be_left_out(board, tmp_path):
    publish(build_board(board), tmp_path, texts="none")
    assert "kundenimport" not in (tmp_path / "data" / "proactivebench_sample.js").read_text(encoding="utf-8")


def test_the_demonstration_page_escapes_names_and_marks_trivial_agents(tmp_path):
    page = render_demo_board([report("never", 0.0, "never"), report("<b>x</b>", 0.5)], tmp_path / "a" / "board.html")
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert '<tr class="trivial"' in text
    assert "src=" not in text


def test_only_trivial_agents_need_no_declaration(runs, tmp_path):
    store = RunStore(runs / "parrot")
    assert prepare_entry(store, tmp_path / "a").declared.organisation == "proactivebench"
    manifest = store.manifest
    served = manifest.model_copy(update={"agent": manifest.agent.model_copy(update={"model": "endpoint"})})
    shutil.copytree(runs / "parrot", tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(served.model_dump_json(), encoding="utf-8")
    with pytest.raises(UsageError, match="--organisation"):
        prepare_entry(RunStore(tmp_path / "run"), tmp_path / "b")


def test_an_entry_tells_nothing_about_the_house(runs, tmp_path):
    shutil.copytree(runs / "oracle", tmp_path / "run")
    store = RunStore(tmp_path / "run")
    args = {"base_url": "http://10.0.0.7:8000/v1", "pretrained": "/home/ada/secret-project/model", "model": "m"}
    agent = store.manifest.agent.model_copy(update={"model": "endpoint", "model_args": args, "name": "m"})
    manifest = store.manifest.model_copy(update={"agent": agent, "parameters": {"host": "gpu-7.example.org"}})
    (tmp_path / "run" / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    replies = (tmp_path / "run" / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(replies[0]) | {"reasoning": "private thoughts", "error": "Bearer sk-abcdef at gpu-7"}
    (tmp_path / "run" / "replies.jsonl").write_text("\n".join([json.dumps(first), *replies[1:]]) + "\n")
    prepare_entry(RunStore(tmp_path / "run"), tmp_path / "entry", DECLARED, "r1")
    said = json.dumps(declared(tmp_path / "entry")) + json.dumps(lines(tmp_path / "entry", "replies.jsonl.gz"))
    for secret in ("10.0.0.7", "/home/ada", "gpu-7", "private thoughts", "sk-abcdef"):
        assert secret not in said
    assert validate_entry(tmp_path / "entry").accepted


def test_the_same_run_is_bundled_to_the_same_bytes(runs, tmp_path):
    store = as_served(runs / "oracle", tmp_path / "run", "helper-7b")
    for name in ("a", "b"):
        prepare_entry(store, tmp_path / name, DECLARED, "r1")
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_an_incomplete_run_is_no_entry(runs, tmp_path):
    shutil.copytree(runs / "oracle", tmp_path / "run")
    replies = (tmp_path / "run" / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "run" / "replies.jsonl").write_text("\n".join(replies[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(InvalidRun):
        prepare_entry(RunStore(tmp_path / "run"), tmp_path / "entry", None)


def test_a_re_judging_model_that_disagrees_makes_an_entry_disputed(entry):
    """The second judge decides everything: here the lexical baseline, against verdicts filed under a model's name."""
    content, old = declared(entry), verdict_name(entry)
    (judge,) = content["manifest"]["judges"]
    model = "strict-judge-" + "ab" * 4
    identity = content["manifest"]["judges"].pop(judge)
    content["manifest"]["judges"][model] = JudgeIdentity(
        id=model, name="strict-judge", hash="ab" * 32, silence="strict-judge", proposals="strict-judge"
    ).model_dump(mode="json")
    assert identity["deterministic"]
    content["evidence"][f"verdicts/{model}.jsonl.gz"] = content["evidence"].pop(old)
    content["claims"] = {}
    (entry / old).rename(entry / f"verdicts/{model}.jsonl.gz")
    write_declared(entry, content)
    (outcome,) = verify_all(entry, second_judge=create_judge("lexical"))
    assert outcome.word == "disputed"
    assert not outcome.passed
    (alone,) = verify_all(entry)
    assert alone.word == "recomputed"
    assert any("not re-judged" in remark for remark in alone.remarks)


def test_validation_imports_nothing_heavy(board):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from proactivebench.board.verify.checking import validate_all\n"
        "assert all(outcome.passed for outcome in validate_all(Path(sys.argv[1])))\n"
        "print(sorted({'lm_eval', 'datasets', 'scipy', 'numpy', 'torch', 'aiohttp', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(board)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rows_under_peoples_votes_are_ranked_and_the_better_leads(tmp_path):
    for name, model in (("oracle", "helper"), ("never", "quiet")):
        evaluation = prepare(Settings(model=name, tasks="proactivebench_sample", judge="labels"))
        run_async(evaluation.run(tmp_path / "runs" / name))
        store = as_served(tmp_path / "runs" / name, tmp_path / "runs" / model, model)
        folder = tmp_path / "entries" / f"acme__{model}" / "r1"
        prepare_entry(store, folder, DECLARED.model_copy(update={"model": model}), "r1")
    (group,) = build_board(tmp_path).groups
    assert [(row.name, row.rank, row.reported) for row in group] == [("helper", None, True), ("quiet", None, True)]
    reproduced(tmp_path)
    (group,) = build_board(tmp_path).groups
    assert [(row.name, row.rank, row.leading) for row in group] == [("helper", (1, 1), True), ("quiet", (2, 2), False)]
    assert all(words(row) == ["reproduced", "verified"] for row in group)
