import asyncio

from proactivebench.judging import create_judge
from tests.judging.scripted import item, labelled, trace


def decide(spec, *items):  # type: ignore[no-untyped-def]
    return asyncio.run(create_judge(spec).judge(items))


def test_silence_is_right_where_no_help_was_needed_by_the_rule() -> None:
    on = trace("a", labels=[labelled(False, majority=True)])
    assert decide("labels", item(None, on=on))[0].status == "accepted"
    assert decide("labels:unanimous", item(None, on=on))[0].judge == "labels:unanimous"
    assert decide("labels:majority", item(None, on=on))[0].status == "rejected"


def test_with_one_need_label_both_rules_coincide() -> None:
    on = trace("a", labels=[labelled(True)])
    assert decide("labels:majority", item(None, on=on))[0].status == "rejected"


def test_a_proposal_needs_two_of_three_votes_or_both_of_two() -> None:
    votes = {"most": [True, True, False], "few": [True, False, False], "split": [True, False], "both": [True, True]}
    on = trace("a", labels=[labelled(True, **votes)])
    found = {text: decide("labels", item(text, on=on))[0].status for text in votes}
    assert found == {"most": "accepted", "few": "rejected", "split": "rejected", "both": "accepted"}


def test_a_text_nobody_voted_on_is_unscored_and_never_guessed() -> None:
    on = trace("a", "b", labels=[labelled(True, known=[True, True]), labelled(True)])
    (other,) = decide("labels", item("Known", on=on))
    assert (other.status, other.cause) == ("unscored", "no_votes")
    (elsewhere,) = decide("labels", item("known", on=on, turn=1))
    assert elsewhere.cause == "no_votes"


def test_the_next_in_the_chain_decides_what_labels_leave_open() -> None:
    on = trace("a", labels=[labelled(True, known=[True, True])])
    known, other = decide("labels+lexical", item("known", on=on), item("other", on=on))
    assert (known.judge, other.judge) == ("labels", "lexical")


def test_silence_without_a_source_is_not_asked() -> None:
    assert decide("proposals=lexical", item(None), item("x"))[0] is None
