"""What went wrong is said in words before any number."""

import json

from proactivebench.records import Cause, ReplyStatus
from proactivebench.reporting import report_of, score_run, task_of
from proactivebench.scoring import build_report
from proactivebench.store import RunStore
from tests.scoring.runs import JUDGE, make_manifest, make_reply, make_task


def said(texts, told=None, **fields):
    task = make_task({"t": len(texts)})
    replies = [
        make_reply("t", turn, "A" if text else "a", text=text, **(fields if not text else {}))
        for turn, text in enumerate(texts)
    ]
    return build_report(task, make_manifest(task), replies, {JUDGE.id: []}, told=told).findings


def test_one_text_offered_again_and_again_is_quoted_with_the_share_that_differs():
    texts = ["Open the file"] * 53 + [f"offer {number}" for number in range(24)] + [None]
    assert said(texts) == (
        '53 of 77 offers are the same text: "Open the file"; 25 different texts among 77 offers (32%)',
    )


def test_a_text_that_stands_in_the_prompt_is_said_to():
    texts = ["..."] * 53 + [f"offer {number}" for number in range(24)] + [None]
    (line,) = said(texts, told=lambda _: 'Answer as {"Proposed Task": "..."}')
    assert line.startswith('53 of 77 offers are the same text, which stands in the prompt: "..."; ')
    assert line.endswith("; 25 different texts among 77 offers (32%)")
    (line,) = said(["open it now"] * 12 + [None], told=lambda _: 'For example: "Open it  now!"')
    assert "12 of 12 offers are the same text, which stands in the prompt" in line
    (line,) = said(["open it"] * 12 + [None], told=lambda _: "reopen item by item")
    assert "stands in the prompt" not in line


def test_few_different_offers_are_said_to_be_few():
    texts = [f"offer {number % 3}" for number in range(30)] + [None]
    assert said(texts) == ("3 different texts among 30 offers (10%)",)


def test_answers_copied_from_the_prompt_are_counted_though_they_are_no_offers():
    task = make_task({"t": 40})
    cause = {"status": ReplyStatus.UNPARSABLE, "cause": Cause.TEMPLATE}
    replies = [make_reply("t", turn, "a") for turn in range(40)]
    replies[:20] = [reply.model_copy(update=cause) for reply in replies[:20]]
    found = build_report(task, make_manifest(task), replies, {JUDGE.id: []}).findings
    assert "20 of 40 answers are a text that stands in the prompt: they count as silence" in found


def test_the_prompt_is_the_one_the_run_was_asked_under(tmp_path):
    from proactivebench.api import evaluate
    from proactivebench.protocols import protocol_of

    evaluate("always", "proactivebench_sample", output_path=tmp_path / "run")
    store = RunStore(tmp_path / "run")
    task = task_of(store)
    prompt = protocol_of(store.manifest.protocol).conversation(next(iter_moments(task)), ())[0].content
    sentence = next(line for line in prompt.splitlines() if len(line.split()) > 4)
    lines = [json.loads(line) for line in (tmp_path / "run/replies.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["proposals"] = [sentence]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    (tmp_path / "run/replies.jsonl").write_text(text, encoding="utf-8")
    assert any("which stands in the prompt" in line for line in report_of(RunStore(tmp_path / "run"), task).findings)
    assert score_run(RunStore(tmp_path / "run"), task).findings


def iter_moments(task):
    from proactivebench.records import Moment

    return (Moment(trace, 0) for trace in task.traces)
