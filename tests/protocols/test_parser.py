"""What a reply's text says: the rules, one by one."""

import json

import pytest

from proactivebench.protocols import parser
from proactivebench.protocols.own_texts import OwnTexts
from proactivebench.protocols.parser import Extraction, parse_reply
from proactivebench.records import Cause, Note, ReplyStatus

PROPOSED, SILENT = ReplyStatus.PROPOSED, ReplyStatus.SILENT
UNPARSABLE, EMPTY = ReplyStatus.UNPARSABLE, ReplyStatus.EMPTY


def reply(task: object, **more: object) -> str:
    return json.dumps({"Purpose": "p", "Thoughts": "t", "Proactive Task": task, "Response": "r", **more})


def test_a_task_is_a_proposal_with_its_text_to_the_character() -> None:
    parsed = parse_reply(reply('  Sort the\n列 \\ "a" 🙂 '))
    assert (parsed.status, parsed.proposals) == (PROPOSED, ('  Sort the\n列 \\ "a" 🙂 ',))
    assert parsed.notes == ()


def test_null_is_silence() -> None:
    assert parse_reply(reply(None)) == parse_reply('{"Proactive Task": null}')
    assert parse_reply(reply(None)).status is SILENT


@pytest.mark.parametrize("word", ["null", "NULL", " None ", "none", "", "  \n", "Null\t"])
def test_the_words_for_nothing_are_silence_and_noted(word: str) -> None:
    parsed = parse_reply(reply(word))
    assert (parsed.status, parsed.proposals, parsed.notes) == (SILENT, (), (Note.NULL_STRING,))


@pytest.mark.parametrize("word", ["null.", "nothing", "no", "N/A", '"null"', "None needed"])
def test_other_words_are_proposals(word: str) -> None:
    assert parse_reply(reply(word)).proposals == (word,)


@pytest.mark.parametrize("value", [0, 1.5, True, False, ["a"], [], {}, {"task": "a"}, [None]])
def test_what_is_not_text_is_unparsable_where_one_task_is_due(value: object) -> None:
    parsed = parse_reply(reply(value))
    assert (parsed.status, parsed.proposals, parsed.notes) == (UNPARSABLE, (), (Note.TASK_NOT_TEXT,))


def test_the_dict_that_a_failed_call_of_the_release_left_is_noted_as_such() -> None:
    parsed = parse_reply(reply({"candidate_task": ["a", "b"]}))
    assert (parsed.status, parsed.notes) == (UNPARSABLE, (Note.TASK_NOT_TEXT, Note.FAILED_CALL))


@pytest.mark.parametrize(
    "text",
    [
        "I would rather wait.",
        "null",
        "[]",
        '"Tidy up"',
        "{}",
        '{"Task": "Tidy up"}',
        '{"proactive task": "Tidy up"}',
        '{"answer": {"Proactive Task": "Tidy up"}}',
        "{'Proactive Task': None}",
        '{"Proactive Task": None}',
        '{"Proactive Task": "Tidy up",}',
        '{"Proactive Task": "Tidy up"',
        '"Proactive Task": "Tidy up"',
        '{"Proactive Task": "Tidy "up""}',
    ],
)
def test_what_is_no_object_with_the_task_key_is_unparsable_and_never_repaired(text: str) -> None:
    assert parse_reply(text).status is UNPARSABLE


@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff", "\ufeff  \n", "<think>hm</think>", "<think>\n</think>\n\n"])
def test_nothing_but_reasoning_is_empty(text: str) -> None:
    assert parse_reply(text).status is EMPTY


@pytest.mark.parametrize("tag", ["json", "", "JSON5", "python", "text here"])
@pytest.mark.parametrize("task", ["Tidy up", None])
def test_fences_with_any_tag_and_prose_around_them_change_nothing(tag: str, task: str | None) -> None:
    text = f'Sure, here it is {{as asked}}:\n```{tag}\n{reply(task)}\n```\nI set "Proactive Task" with care {{x}}.'
    assert parse_reply(text) == parse_reply(reply(task))


def test_a_byte_order_mark_and_raw_line_breaks_inside_strings_are_read() -> None:
    assert parse_reply('\ufeff{"Proactive Task": "first\nsecond\tthird"}').proposals == ("first\nsecond\tthird",)


def test_other_objects_in_the_prose_are_ignored() -> None:
    text = f'The event {{"time": "1", "event": "save"}} means: {reply("Tidy up")} and {{"a": [1, {{"b": 2}}]}}'
    assert parse_reply(text).proposals == ("Tidy up",)


def test_several_answers_that_agree_are_one() -> None:
    assert parse_reply(reply("a") + "\n" + reply("a", Purpose="other")).proposals == ("a",)


@pytest.mark.parametrize(
    ("first", "second"), [("a", "b"), ("a", None), (None, "a"), ("a", "null"), ("a", 3), ("a", "a ")]
)
def test_several_answers_that_disagree_are_unparsable(first: object, second: object) -> None:
    assert parse_reply(reply(first) + reply(second)).status is UNPARSABLE


@pytest.mark.parametrize("second", ['{"Proactive Task": "b', '{"Proactive Task" : b}', "'x', \"Proactive Task\": 'b'"])
def test_an_answer_beside_one_that_cannot_be_read_is_unparsable(second: str) -> None:
    assert parse_reply(reply("a") + "\n" + second).status is UNPARSABLE
    assert parse_reply(second + "\n" + reply("a")).status is UNPARSABLE


def test_a_repeated_key_that_says_the_same_counts_once_and_is_noted() -> None:
    parsed = parse_reply('{"Proactive Task": "a", "Proactive Task": "a"}')
    assert (parsed.status, parsed.proposals, parsed.notes) == (PROPOSED, ("a",), (Note.DUPLICATE_KEY,))
    parsed = parse_reply('{"Proactive Task": null, "Proactive Task": "none"}')
    assert (parsed.status, set(parsed.notes)) == (SILENT, {Note.DUPLICATE_KEY, Note.NULL_STRING})


@pytest.mark.parametrize(
    "values", ['"a", "Proactive Task": "b"', 'null, "Proactive Task": "b"', '"a", "Proactive Task": 1']
)
def test_a_repeated_key_that_says_two_things_is_unparsable(values: str) -> None:
    parsed = parse_reply(f'{{"Proactive Task": {values}}}')
    assert parsed.status is UNPARSABLE
    assert Note.DUPLICATE_KEY in parsed.notes


# --- why not, and how much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("I would rather wait.", Cause.MALFORMED),
        ('{"Proactive Task": "Tidy up",}', Cause.MALFORMED),
        (reply("a") + reply("b"), Cause.MALFORMED),
        ('{"Proactive Task": "a", "Proactive Task": "b"}', Cause.MALFORMED),
        (reply(5), Cause.WRONG_TYPE),
        (reply({"candidate_task": ["a"]}), Cause.WRONG_TYPE),
        (reply("…"), Cause.TEMPLATE),
        (reply("x" * 16_385), Cause.TOO_LONG),
        (reply("列" * 5_462), Cause.TOO_LONG),
        (reply("x" * 50_000_000), Cause.TOO_LONG),
    ],
    ids=lambda value: value if isinstance(value, Cause) else None,
)
@pytest.mark.parametrize("extraction", list(Extraction))
def test_what_cannot_be_read_says_why(text: str, cause: Cause, extraction: Extraction) -> None:
    parsed = parse_reply(text, extraction=extraction)
    assert (parsed.status, parsed.proposals, parsed.cause) == (UNPARSABLE, (), cause)


def test_an_offer_of_16_kibibytes_is_an_offer() -> None:
    for longest in ("x" * 16_384, "列" * 5_461):
        assert parse_reply(reply(longest)).proposals == (longest,)


def test_an_offer_too_long_is_not_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("worked on")

    for name in ("says_no_task", "split_reasoning"):
        monkeypatch.setattr(parser, name, never)
    assert parse_reply("x" * 50_000_000).cause is Cause.TOO_LONG
    monkeypatch.undo()
    monkeypatch.setattr(parser, "says_no_task", never)
    monkeypatch.setattr(OwnTexts, "taken", never)
    assert parse_reply(reply("x" * 20_000)).cause is Cause.TOO_LONG
    assert parse_reply(reply(["x"] * 1001), candidates=3).status is UNPARSABLE


def test_a_clean_reply_has_no_cause() -> None:
    for text in (reply("a"), reply(None), reply("none")):
        assert parse_reply(text).cause is None


# --- several candidates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status", "proposals", "notes"),
    [
        (["a", "b"], PROPOSED, ("a", "b"), ()),
        ("a", PROPOSED, ("a",), ()),
        (["a", "b", "c", "d"], PROPOSED, ("a", "b", "c"), (Note.EXTRA_CANDIDATES,)),
        (["a", None, "b"], PROPOSED, ("a", "b"), ()),
        (["a", "none"], PROPOSED, ("a",), (Note.NULL_STRING,)),
        ([None, "null", "a", "b", "c"], PROPOSED, ("a", "b", "c"), (Note.NULL_STRING,)),
        (["a", "a"], PROPOSED, ("a", "a"), ()),
        ([], SILENT, (), ()),
        ([None], SILENT, (), ()),
        (["null", ""], SILENT, (), (Note.NULL_STRING,)),
        (None, SILENT, (), ()),
        (["a", 1], UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
        (["a", ["b"]], UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
        ([{"task": "a"}], UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
        ({"1": "a"}, UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
        (2, UNPARSABLE, (), (Note.TASK_NOT_TEXT,)),
    ],
)
def test_a_list_of_candidates_where_three_are_allowed(
    value: object, status: ReplyStatus, proposals: tuple[str, ...], notes: tuple[Note, ...]
) -> None:
    parsed = parse_reply(reply(value), candidates=3)
    assert (parsed.status, parsed.proposals, parsed.notes) == (status, proposals, notes)


# --- stated confidence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stated", "read"), [("0.7", 0.7), ("0", 0.0), ("1", 1.0), ("1e-3", 0.001)])
def test_a_stated_confidence_is_read_where_the_protocol_asks_for_it(stated: str, read: float) -> None:
    text = f'{{"Proactive Task": "a", "Confidence": {stated}}}'
    assert parse_reply(text, confidence=True).confidence == read
    assert parse_reply(text).confidence is None


@pytest.mark.parametrize(
    "stated", ["NaN", "Infinity", "1e999", "-0.1", "1.01", '"0.7"', "true", "null", "[0.7]", "9" * 9000]
)
def test_what_is_no_number_from_0_to_1_is_no_confidence_and_the_task_still_counts(stated: str) -> None:
    parsed = parse_reply(f'{{"Proactive Task": "a", "Confidence": {stated}}}', confidence=True)
    assert (parsed.confidence, parsed.proposals) == (None, ("a",))


def test_two_confidences_are_none() -> None:
    one, two = '{"Proactive Task": "a", "Confidence": 0.1}', '{"Proactive Task": "a", "Confidence": 0.9}'
    assert parse_reply(one + two, confidence=True).confidence is None
    assert (
        parse_reply('{"Proactive Task": "a", "Confidence": 0.1, "Confidence": 0.1}', confidence=True).confidence is None
    )


# --- as the released script reads ---------------------------------------------------------------------------------


def released(text: str) -> tuple[ReplyStatus, tuple[str, ...]]:
    parsed = parse_reply(text, extraction=Extraction.RELEASED)
    return parsed.status, parsed.proposals


def test_the_released_reading_takes_the_first_closed_json_block_and_ignores_what_follows() -> None:
    text = f"Here:\n```json\n{reply('a')}\n```\nor\n```json\n{reply('b')}\n```"
    assert released(text) == (PROPOSED, ("a",))


def test_the_released_reading_fails_on_prose_without_a_block_and_on_other_fences() -> None:
    assert released("Here: " + reply("a")) == (UNPARSABLE, ())
    assert released(f"```\n{reply('a')}\n```") == (UNPARSABLE, ())
    assert released(f"```json {reply('a')}```") == (UNPARSABLE, ())
    assert released(f"```json\n{reply('a')}") == (UNPARSABLE, ())


def test_the_released_reading_takes_a_missing_task_for_silence() -> None:
    assert released('{"Thoughts": "nothing to do"}') == (SILENT, ())
    assert released("{}") == (SILENT, ())
    assert released("[]") == (UNPARSABLE, ())


def test_the_released_reading_is_strict_json() -> None:
    assert released('{"Proactive Task": "a\nb"}') == (UNPARSABLE, ())
    assert released('{"Proactive Task": "a", "n": ' + "9" * 9000 + "}") == (UNPARSABLE, ())


def test_the_released_reading_classifies_by_the_same_rules() -> None:
    assert released(reply("None")) == (SILENT, ())
    assert released(reply(["a"])) == (UNPARSABLE, ())
    assert released('{"Proactive Task": "a", "Proactive Task": "b"}') == (UNPARSABLE, ())


def test_how_likely_need_and_acceptance_are_is_read_of_offers_and_silences() -> None:
    offer = parse_reply('{"Proactive Task": "a", "p_need": 0.3, "p_accept": 1}', confidence=True)
    assert (offer.p_need, offer.confidence) == (0.3, 1.0)
    silence = parse_reply('{"Proactive Task": null, "p_need": 0.1}', confidence=True)
    assert (silence.status, silence.p_need, silence.confidence) == (ReplyStatus.SILENT, 0.1, None)


def test_an_older_confidence_counts_as_p_accept_only_where_none_is_stated() -> None:
    both = '{"Proactive Task": "a", "p_accept": %s, "Confidence": 0.9}'
    assert parse_reply(both % "0.2", confidence=True).confidence == 0.2
    assert parse_reply(both % '"high"', confidence=True).confidence is None
    assert parse_reply('{"Proactive Task": "a", "Confidence": 0.9, "p_need": 7}', confidence=True).p_need is None
