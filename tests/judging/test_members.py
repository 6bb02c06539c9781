"""What a judge's members are is typed: a card's name makes nobody's verdicts people's votes."""

import json
import shutil
from pathlib import Path

import pytest

from proactivebench.board.site.legend import judge_words
from proactivebench.cli import main
from proactivebench.errors import UsageError
from proactivebench.judging import create_judge
from proactivebench.resources import shipped

CARD = 'name: {name}\nkind: lexical\nversion: "1"\nsummary: s\nweights: weights.json\n'


@pytest.fixture
def cards(tmp_path):
    """Cards of the lexical kind, one called like people's votes."""
    for name in ("labels", "words"):
        (tmp_path / f"{name}.yaml").write_text(CARD.format(name=name))
    shutil.copy(shipped("judges", "lexical", "weights.json"), tmp_path / "weights.json")
    return tmp_path


def report(capsys: pytest.CaptureFixture[str], *args: object) -> dict:
    with pytest.raises(SystemExit) as end:
        main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert end.value.code == 0, err
    return json.loads(out)["judges"]


def test_a_card_called_labels_gives_the_numbers_of_its_kind(cards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ("run", "--model", "random", "--tasks", "proactivebench_sample", "--limit", "4", "--output_path", cards / "r")
    report(capsys, *run, "--judge", cards / "words.yaml", "--json")
    judges = report(capsys, "judge", cards / "r", "--judge", cards / "labels.yaml", "--json")
    named, other = sorted(judges, key=lambda judged: judged["judge"]["name"])
    assert (named["judge"]["name"], other["judge"]["name"]) == ("labels", "words")
    assert named["overall"] == other["overall"]
    assert named["outcomes"] == other["outcomes"]
    assert all(member["fallible"] for member in named["judge"]["members"])


def test_a_page_says_what_decides_not_what_it_is_called(cards: Path) -> None:
    imitation = create_judge(str(cards / "labels.yaml")).identity
    assert judge_words(imitation, "silence") == "the lexical baseline"
    people = create_judge("silence=labels:majority,proposals=labels+lexical").identity
    assert judge_words(people, "silence") == "people's votes (need: most agree)"
    assert judge_words(people, "proposals") == "people's votes, else the lexical baseline"
    assert judge_words(create_judge("proposals=labels").identity, "silence") == "nobody"


def test_two_members_of_a_chain_that_verdicts_cannot_tell_apart_are_refused(cards: Path) -> None:
    with pytest.raises(UsageError, match="call themselves 'labels'"):
        create_judge(f"proposals=labels+{cards / 'labels.yaml'}")


def test_peoples_votes_under_another_name_are_peoples_votes(cards: Path) -> None:
    (cards / "people.yaml").write_text('name: people\nkind: labels\nversion: "1"\nsummary: s\n')
    identity = create_judge(str(cards / "people.yaml")).identity
    assert identity.silence == "people:unanimous"
    assert identity.label_rule == "unanimous"
    assert identity.infallible("proposals") == {"people"}
    assert not identity.fallible("silence")
