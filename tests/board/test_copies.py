"""One entry's offers are another's: seen from both sides, whatever is put around them, and settled by maintainers."""

import random
import shutil

import pytest

from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.publish.building import build_board
from proactivebench.board.publish.prepare import prepare_entry
from proactivebench.board.verify.checking import verify_all
from proactivebench.board.verify.copies import ORIGINALS, Offers, copies, offers_of, read_originals, twins
from proactivebench.board.verify.sketches import MOST_KEPT, SAMPLED, sketch
from proactivebench.errors import DataError
from proactivebench.evaluation import run_async
from proactivebench.preparation import Settings, prepare
from proactivebench.store import RunStore

from .conftest import DECLARED
from .forging import as_served
from .vouching import reproduced

VICTIM, THIEF = "acme__victim/r1", "evil__superset/r1"


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Runs judged by people's votes; the best candidate's offers are the oracle's and some more."""
    root = tmp_path_factory.mktemp("answers")
    for name in ("oracle", "best-candidate", "never"):
        run_async(prepare(Settings(model=name, tasks="proactivebench_sample", judge="labels")).run(root / name))
    return root


def submit(root, run, key, agent=None):
    """An entry under `key` with the answers of `run`, as a served model's of this name."""
    folder = root / "entries" / key
    organisation, _, model = key.partition("/")[0].partition("__")
    store = as_served(run, root / "run", agent or model)
    named = DECLARED.model_copy(update={"organisation": organisation, "model": model})
    prepare_entry(store, folder, named, folder.name)
    shutil.rmtree(store.path)
    return folder


@pytest.fixture(scope="module")
def victim(answers, tmp_path_factory):
    """One entry with offers, to be read."""
    return submit(tmp_path_factory.mktemp("victim"), answers / "best-candidate", VICTIM)


@pytest.fixture
def robbed(answers, tmp_path):
    """A board with a victim, and a thief who took all its offers and added some where the victim is silent."""
    submit(tmp_path, answers / "oracle", VICTIM)
    submit(tmp_path, answers / "best-candidate", THIEF)
    submit(tmp_path, answers / "never", "acme__quiet/r1")
    return tmp_path


def shown(root):
    return {row.key: row for group in build_board(root).groups for row in group}


def marks(root):
    return {key: dict(row.badges)["copy"] for key, row in shown(root).items() if "copy" in dict(row.badges)}


def verified(path, **options):
    (said,) = verify_all(path, **options)
    return said


def test_a_thief_who_adds_offers_is_a_copy_as_much_as_its_victim(robbed):
    reproduced(robbed)
    rows, found = shown(robbed), marks(robbed)
    assert found.keys() == {VICTIM, THIEF}
    assert THIEF in found[VICTIM]
    assert VICTIM in found[THIEF]
    assert all(f"name the original in {ORIGINALS}" in said for said in found.values())
    assert rows[VICTIM].rank is rows[THIEF].rank is None
    for key, other in ((VICTIM, THIEF), (THIEF, VICTIM)):
        said = verified(robbed / "entries" / key)
        assert said.word == "copy"
        assert not said.passed
        assert any(other in remark for remark in said.remarks)


def test_the_original_that_maintainers_name_is_ranked_again_and_its_copies_are_not(robbed):
    (robbed / ORIGINALS).write_text(f"# first seen in May\n\nno__such/entry\n{VICTIM}  # theirs\n", encoding="utf-8")
    reproduced(robbed)
    rows, found = shown(robbed), marks(robbed)
    assert found.keys() == {THIEF}
    assert f"{VICTIM} is named as the original" in found[THIEF]
    assert rows[VICTIM].rank == (1, 1)
    assert rows[THIEF].rank is None
    for against in (None, robbed, robbed / "entries"):
        assert verified(robbed / "entries" / VICTIM, against=against).passed
        assert verified(robbed / "entries" / THIEF, against=against).word == "copy"
    shutil.copytree(robbed, elsewhere := robbed / "somewhere" / "entries" / "board")
    assert {said.key: said.word == "copy" for said in verify_all(elsewhere)}[VICTIM] is False


def test_an_entry_is_compared_with_a_board_before_it_lies_there(robbed, tmp_path_factory):
    (robbed / ORIGINALS).write_text(THIEF, encoding="utf-8")
    shutil.move(robbed / "entries" / THIEF, elsewhere := tmp_path_factory.mktemp("entry") / "r1")
    (elsewhere.parent / ORIGINALS).write_text(THIEF, encoding="utf-8")
    assert verified(elsewhere, against=robbed).passed, "the board's maintainers say so"
    (robbed / ORIGINALS).unlink()
    assert verified(elsewhere, against=robbed).word == "copy", "what lies beside an entry is nobody's word"


@pytest.mark.parametrize(
    ("key", "agent", "is_copy"),
    [
        ("acme__victim/r2", None, False),  # the same model run again
        ("acme__mine/r1", None, True),  # a thief who writes the victim's organisation
        ("acme__mine/r1", "victim", True),  # and its agent
        ("evil__victim/r1", "victim", True),
    ],
)
def test_a_board_and_verify_exempt_the_same_entries(answers, tmp_path, key, agent, is_copy):
    submit(tmp_path, answers / "oracle", VICTIM)
    folder = submit(tmp_path, answers / "oracle", key, agent)
    assert (key in marks(tmp_path)) == is_copy
    assert (verified(folder).word == "copy") == is_copy


def test_trivial_agents_may_coincide_and_whoever_takes_their_offers_is_a_copy(answers, tmp_path):
    for name in ("oracle", "best-candidate"):
        folder = tmp_path / "entries" / f"proactivebench__{name}" / "r1"
        prepare_entry(RunStore(answers / name), folder, run_id="r1")
        assert verified(folder).word != "copy"
    assert not marks(tmp_path)
    submit(tmp_path, answers / "oracle", THIEF)
    assert THIEF in marks(tmp_path)


def changed(offer, how):
    """The offer with one letter, word or sign of it changed, or dressed up."""
    words = offer.split()
    middle = len(words) // 2
    return {
        "spaces": f"  {offer}  ",
        "signs and case": f"«{offer.upper()}»!!",
        "signs between words": ", ".join(words) + ".",
        "nothing between letters": "\u200b".join(offer),
        "wide letters": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in offer),
        "marks and fillers": offer.replace("e", "e\u034f") + "\u3164\u02b9\ufe0f",
        "letters that look alike": offer.replace("e", "\u0435").replace("a", "\u0430").replace("o", "0"),
        "accents": offer.replace("e", "é").replace("o", "ö"),
        "a letter": offer[: len(offer) // 2] + "q" + offer[len(offer) // 2 + 1 :],
        "a letter left out": offer[: len(offer) // 2] + offer[len(offer) // 2 + 1 :],
        "a word": " ".join([*words[:middle], "perhaps", *words[middle + 1 :]]),
        "a word left out": " ".join([*words[:middle], *words[middle + 1 :]]),
        "a word more": " ".join([*words[:middle], "really", *words[middle:]]),
        "something before": f"If you like, I can do this right away: {offer}",
        "something behind": f"{offer} Just say the word, and it is done before you are back at your desk.",
    }[how]


CHANGES = (
    "spaces",
    "signs and case",
    "signs between words",
    "nothing between letters",
    "wide letters",
    "marks and fillers",
    "letters that look alike",
    "accents",
    "a letter",
    "a letter left out",
    "a word",
    "a word left out",
    "a word more",
    "something before",
    "something behind",
)


def twins_of_changed(folder, change):
    """What is found of an entry whose replies are those in `folder`, changed as a list."""
    evidence = read_evidence(folder)
    other = evidence.entry.model_copy(update={"run_id": "r2", "declared": DECLARED})
    mine = offers_of(evidence.entry, evidence.replies)
    return [key for key, _ in twins(offers_of(other, change(evidence.replies)), [mine])]


@pytest.mark.parametrize("how", CHANGES)
def test_an_offer_is_the_same_whatever_little_is_changed_in_it(victim, how):
    def change(replies):
        return [r.model_copy(update={"proposals": tuple(changed(p, how) for p in r.proposals)}) for r in replies]

    assert twins_of_changed(victim, change) == [VICTIM]


def test_different_changes_at_different_moments_hide_nothing(victim):
    def change(replies):
        chance = random.Random(1)
        return [
            r.model_copy(update={"proposals": tuple(changed(p, chance.choice(CHANGES)) for p in r.proposals)})
            for r in replies
        ]

    assert twins_of_changed(victim, change) == [VICTIM]


def test_offers_of_ones_own_at_every_fifth_moment_hide_nothing(victim):
    def change(replies):
        own = ("Shall I water the plants on the balcony before the weekend?",)
        return [
            r.model_copy(update={"proposals": own}) if r.proposals and number % 5 == 0 else r
            for number, r in enumerate(replies)
        ]

    assert twins_of_changed(victim, change) == [VICTIM]


def test_offers_moved_to_a_neighbouring_turn_are_the_same_offers(victim):
    def change(replies):
        chance, moved = random.Random(2), {}
        for reply in replies:
            if reply.proposals:
                moved[reply.trace_id, max(0, reply.turn + chance.choice((-1, 0, 1)))] = reply.proposals
        return [
            r.model_copy(update={"proposals": moved.get((r.trace_id, r.turn), ()), "status": "proposed"})
            for r in replies
        ]

    assert twins_of_changed(victim, change) == [VICTIM]


def test_a_taken_offer_among_many_candidates_in_any_order_is_found(victim):
    def change(replies):
        chance, found = random.Random(3), []
        offers = [offer for reply in replies for offer in reply.proposals]
        for reply in replies:
            mixed = [*reply.proposals, *chance.sample(offers, 7)] if reply.proposals else []
            chance.shuffle(mixed)
            found.append(reply.model_copy(update={"proposals": tuple(mixed)}))
        return found

    assert twins_of_changed(victim, change) == [VICTIM]


def test_other_offers_at_the_same_moments_are_nobodys_copy(victim):
    """The same offers at other moments are not: who offers what when is what counts."""

    def change(replies):
        offered = [reply.proposals for reply in replies]
        random.Random(4).shuffle(offered)
        return [r.model_copy(update={"proposals": one}) for r, one in zip(replies, offered, strict=True)]

    assert twins_of_changed(victim, change) == []


def test_other_repeats_earlier_rounds_and_more_candidates_hide_nothing(answers, tmp_path):
    evidence = read_evidence(submit(tmp_path, answers / "best-candidate", VICTIM))
    other = evidence.entry.model_copy(update={"run_id": "r2", "declared": DECLARED})
    replies = []
    for reply in evidence.replies:
        drafted = reply.model_copy(update={"repeat": 1, "proposals": ("A first draft of something",)})
        final = drafted.model_copy(update={"round": 1, "proposals": ("Anything else?", *reply.proposals)})
        silent = reply.model_copy(update={"status": "silent", "proposals": ()})
        replies += [final, drafted, silent]
    mine = offers_of(evidence.entry, evidence.replies)
    assert [key for key, _ in twins(mine, [offers_of(other, replies)])] == [other.key]
    withdrawn = [r for r in replies if r.round == 0 or r.repeat == 0]
    assert twins(mine, [offers_of(other, withdrawn)]) == []


def offering(number, at, who=None):
    return Offers(key=f"e{number}", data_hash="d", who=who or f"w{number}", rollouts=(sketch(at),))


def said(number):
    """An offer of its own for each number."""
    return " ".join(random.Random(number).choices(WORDS, k=12))


WORDS = [f"{verb}{end}" for verb in ("find", "tidy", "sort", "mend", "plan", "send") for end in ("", "ing", "able")]


def test_few_offers_say_nothing():
    few = {f"t/{turn}": (said(turn),) for turn in range(9)}
    many = {f"t/{turn}": (said(turn),) for turn in range(200)}
    assert copies([offering(0, few), offering(1, many)]) == {}
    few["t/9"] = (said(9),)
    found = copies([offering(0, few), offering(1, many)])
    assert {key: twin for key, (twin, _) in found.items()} == {"e0": "e1", "e1": "e0"}


@pytest.mark.parametrize("seed", range(20))
def test_a_whole_board_at_once_finds_what_entry_by_entry_finds(seed):
    chance = random.Random(seed)
    entries = []
    for number in range(12):
        turns = chance.sample(range(40), chance.randint(8, 40))
        at = {f"t/{turn}": (said(chance.choice((0, 0, 0, 0, 1))), said(chance.randint(2, 5))) for turn in turns}
        entries.append(offering(number, at, who=f"w{number // 2}"))
    originals = {entry.key for entry in entries if chance.random() < 0.3}
    found = copies(entries, originals)
    for entry in entries:
        each = twins(entry, entries, originals)
        assert (entry.key in found) == bool(each)
        if each:
            key, share = found[entry.key]
            assert dict(each)[key] == pytest.approx(share)
            assert key in originals or not originals & dict(each).keys()


def test_a_thousand_equal_entries_mark_each_other():
    entries = [
        offering(number, {f"t/{turn}": (said(turn * 10 + number % 10),) for turn in range(40)})
        for number in range(1000)
    ]
    assert len(copies(entries)) == 1000


def test_texts_beyond_any_honest_size_are_sampled_more_thinly_and_compared_all_the_same():
    chance = random.Random(0)
    long = {f"t/{turn}": ("".join(chance.choices("abcdefghij", k=16_000)),) for turn in range(60)}
    short = {moment: (text[:300],) for moment, (text,) in long.items()}
    sketches = sketch(long), sketch(short)
    assert sketches[0].level > sketches[1].level == SAMPLED
    assert sum(map(len, sketches[0].hashes.values())) <= MOST_KEPT
    assert copies([offering(0, long), offering(1, short)]).keys() == {"e0", "e1"}


def test_names_of_one_look_have_one_spelling_on_a_board(answers, tmp_path):
    submit(tmp_path, answers / "oracle", "acme__helper/r1")
    for thief in ("ACME__other/r1", "a-c-me__other/r1", "acme__Helper/r2", "acme__helper/R1"):
        folder = submit(tmp_path, answers / "never", thief)
        said = verified(folder)
        assert said.word == "refused"
        assert "a reader takes for one" in said.findings[-1].message
        assert {refusal.folder for refusal in build_board(tmp_path).refusals} == {"acme__helper/r1", thief}
        (tmp_path / ORIGINALS).write_text("acme__helper/r1", encoding="utf-8")
        assert {refusal.folder for refusal in build_board(tmp_path).refusals} == {thief}
        assert verified(tmp_path / "entries" / "acme__helper" / "r1").passed
        (tmp_path / ORIGINALS).unlink()
        shutil.rmtree(folder.parent)
    for honest in ("acme__helper/r2", "acme__helper2/r1", "other__helper/r1"):
        submit(tmp_path, answers / "never", honest)
    assert not build_board(tmp_path).refusals


def test_a_list_of_originals_is_read_strictly(tmp_path):
    assert read_originals(tmp_path) == frozenset()
    file = tmp_path / ORIGINALS
    file.write_text("a__b/c # said so\r\n# only this\n\n  d__e/f  \n", encoding="utf-8")
    assert read_originals(tmp_path) == {"a__b/c", "d__e/f"}
    for bad in (b"x" * 300_000, b"\xff\xfe"):
        file.write_bytes(bad)
        with pytest.raises(DataError, match=r"originals\.txt.*one key of an entry"):
            read_originals(tmp_path)
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="symbolic link"):
        read_originals(tmp_path)
