from pathlib import Path

from proactivebench.judging import create_judge
from proactivebench.judging.errors import judge_errors
from proactivebench.judging.writing import write_measured
from proactivebench.records import ErrorCount, JudgeErrors, Measured
from tests.judging.scripted import ScriptedEngine

CARD = (
    "name: mine\nkind: llm\nversion: '1'\nsummary: s\nsystem: decide\nuser: '{{events}} {{nonce}} {{proposal}}'\n"
)  # fmt: skip


def measured(judge: str, *, hits: int, leaked: bool = False) -> Measured:
    count = ErrorCount(correct=hits, items=100)
    errors = JudgeErrors(
        judge_hash="h", correct_detection=count, false_alarm=count, correct_rejection=count, missed_need=count,
        leaked=leaked, population="p",
    )  # fmt: skip
    return Measured(
        judge=judge, date="d", data=f"d{hits}", data_hash="h", command="c",
        design="leaked" if leaked else "direct", rule="unanimous", items=400, errors=errors,
    )  # fmt: skip


def mine(tmp_path: Path, *blocks: Measured, spec: str = "{}", model: str = "m"):  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.yaml"
    path.write_text(CARD)
    for block in blocks:
        write_measured(path, block)
    return create_judge(spec.format(path), engine=ScriptedEngine(model_args={"model": model})).identity


def test_the_errors_of_a_judge_are_those_measured_of_it_and_its_model(tmp_path: Path) -> None:
    own = mine(tmp_path).id
    found = judge_errors(mine(tmp_path, measured(own, hits=80), measured("mine-00000000", hits=10)))
    assert found is not None
    assert found.false_alarm == ErrorCount(correct=80, items=100)
    assert judge_errors(mine(tmp_path, measured(own, hits=80), model="other")) is None


def test_an_honest_measurement_comes_before_a_leaked_one(tmp_path: Path) -> None:
    own = mine(tmp_path).id
    found = judge_errors(mine(tmp_path, measured(own, hits=99, leaked=True), measured(own, hits=70)))
    assert found is not None
    assert (found.leaked, found.false_alarm) == (False, ErrorCount(correct=70, items=100))
    alone = judge_errors(mine(tmp_path, measured(own, hits=99, leaked=True)))
    assert alone is not None
    assert alone.leaked


def test_labels_have_no_errors_and_a_chain_has_those_of_its_fallible_member(tmp_path: Path) -> None:
    own = mine(tmp_path).id
    spec = "silence=labels,proposals=labels+{}"
    identity = mine(tmp_path, measured(own, hits=80), spec=spec)
    found = judge_errors(identity)
    assert found is not None
    assert found.judge_hash == identity.hash
    assert found.false_alarm == ErrorCount(correct=80, items=100)
    assert found.correct_rejection is None
    assert judge_errors(create_judge("labels").identity) is None


def test_two_members_that_can_be_wrong_have_no_single_error(tmp_path: Path) -> None:
    own = mine(tmp_path).id
    assert judge_errors(mine(tmp_path, measured(own, hits=80), spec="{}+lexical")) is None


def test_the_shipped_baseline_carries_its_errors() -> None:
    found = judge_errors(create_judge("lexical").identity)
    assert found is not None
    assert found.correct_detection is not None
    assert found.correct_detection.items == 504
    assert not found.leaked
