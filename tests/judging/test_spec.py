import pytest

from proactivebench.errors import UsageError
from proactivebench.judging import default_spec
from proactivebench.judging.spec import parse_spec
from tests.judging.scripted import labelled, task, trace


def test_a_bare_name_decides_both() -> None:
    spec = parse_spec("lexical")
    assert spec.silence == spec.proposals == ("lexical",)


def test_sources_are_named_apart() -> None:
    spec = parse_spec("silence=labels:majority, proposals=labels+lexical")
    assert spec.silence == ("labels:majority",)
    assert spec.proposals == ("labels", "lexical")
    assert spec.members == ("labels:majority", "labels", "lexical")


def test_one_source_alone_leaves_the_other_unasked() -> None:
    assert parse_spec("proposals=llm").silence == ()


@pytest.mark.parametrize(
    "text", ["", "a,b", "silence=", "silence=a,silence=b", "offers=a", "a+", "silence=a+a", "proposals=x,y"]
)
def test_what_is_no_spec_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError, match="use NAME"):
        parse_spec(text)


def test_labels_come_first_where_all_moments_are_labelled() -> None:
    assert default_spec(task(trace("a", labels=[labelled(True)]))) == "silence=labels,proposals=labels+lexical"
    assert default_spec(task(trace("a", "b", labels=[labelled(True), None]))) == "lexical"
    assert default_spec(task(trace("a"))) == "lexical"
