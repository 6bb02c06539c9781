"""A judge is looked up by the cards that an entry shows and decided again by its hash: both have to be of one judge."""

import pytest

from proactivebench.board.verify.hashes import says_its_own_hash
from proactivebench.board.verify.rejudging import local_judge
from proactivebench.judging import create_judge
from proactivebench.judging.measurement import fallible_members
from proactivebench.judging.spec import STRATA
from proactivebench.records import JudgeMember
from tests.judging.scripted import ScriptedEngine
from tests.judging.test_measurement import CARD, measured

SPECS = ["{one}", "silence=labels,proposals={one}", "silence=labels:majority,proposals=labels+{two}+{one}", "{panel}"]


@pytest.fixture
def identity(tmp_path):
    """What makes a judge's identity from a spec, over a model of this name."""
    paths = {name: tmp_path / f"{name}.yaml" for name in ("one", "two", "panel")}
    for name in ("one", "two"):
        paths[name].write_text(CARD.format(name))
    paths["panel"].write_text("name: panel\nkind: panel\nversion: '1'\nsummary: s\npanel: [one.yaml, two.yaml]\n")

    def make(spec, model="strong"):
        return create_judge(spec.format(**paths), engine=ScriptedEngine(model_args={"model": model})).identity

    return make


def known(*identities):
    """A measurement of each judge, by its own id and whole hash."""
    blocks = [(one.id, measured(one.id), one.hash) for one in identities]
    return [
        block.model_copy(update={"errors": block.errors.model_copy(update={"judge_hash": whole})})
        for _, block, whole in blocks
    ]


@pytest.mark.parametrize("spec", SPECS)
def test_a_judge_as_it_is_composed_says_its_own_hash(spec, identity):
    blocks = known(identity("{one}"), identity("{two}"))
    assert says_its_own_hash(identity(spec), blocks)
    assert says_its_own_hash(type(own := identity(spec)).model_validate_json(own.model_dump_json()), blocks)


@pytest.mark.parametrize("spec", SPECS)
def test_the_cards_of_a_measured_judge_do_not_lift_another(spec, identity):
    """The hash is the weak judge's, so that its verdicts can be decided again alike; the cards are the strong one's."""
    blocks = known(identity("{one}"), identity("{two}"))
    strong, weak = identity(spec), identity(spec, "weak")
    forged = weak.model_copy(update={"card": strong.card})
    named = {name for stratum in STRATA for name, _ in fallible_members(forged, stratum)}
    assert spec == "{one}" or named & {block.judge for block in blocks}, "or the forgery is not worth a test"
    assert not says_its_own_hash(forged, blocks)
    assert not says_its_own_hash(weak, blocks), "nobody has measured it"


def test_cards_that_name_nobody_are_no_measured_judge(identity):
    empty = {"spec": "x", "silence": [], "proposals": [], "members": {}}
    assert not says_its_own_hash(identity("{one}").model_copy(update={"card": empty}), [])


def test_two_judges_under_one_id_are_neither(identity):
    one = identity("{one}")
    other = one.model_copy(update={"hash": one.hash[:8] + "0" * 56})
    assert says_its_own_hash(one, known(one))
    assert not says_its_own_hash(one, known(one, other))


def test_a_name_in_an_entry_that_leads_to_a_file_is_never_followed(tmp_path, identity):
    """A card called like a file of the repository that a board is built in, which would be run if it were loaded."""
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\ndef judge(moment, offer): ...\n")
    own = identity("{one}")
    for name in (f"{tmp_path}/trap.py:judge", f"{tmp_path}/one.yaml"):
        card = {"kind": "lexical", "name": name}
        assert not says_its_own_hash(own.model_copy(update={"card": card, "id": f"{name}-00000000"}), [])
        member = JudgeMember(stratum="silence", name=name, kind="lexical")
        assert local_judge(own.model_copy(update={"members": (member,)})) is None
    assert not (tmp_path / "sprung").exists()
