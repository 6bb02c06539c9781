"""People's labels of a run's answers: majorities, weights, and where people and the judge part."""

import io

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from proactivebench.board.site.headline import Named, boards
from proactivebench.cli.tables import print_report
from proactivebench.records import HumanLabel, Report
from proactivebench.scoring import build_report
from proactivebench.scoring.comparison import compare
from proactivebench.scoring.prediction_powered import Stratum, estimate, prediction_powered_mean
from proactivebench.scoring.registry import METRICS
from tests.scoring.runs import JUDGE, LABELS, by_trace, make_manifest, make_run, make_task

ROWS = by_trace(*[(8, 5, 4, 1 + g % 2) for g in range(12)])


def report(labels=(), judge=JUDGE, needs=None):
    task = make_task({name: len(row) for name, row in ROWS.items()}, needs=needs)
    replies, verdicts = make_run(task, ROWS)
    return build_report(task, make_manifest(task, judge), replies, {judge.id: verdicts}, human_labels=labels)


def people(labels, **options):
    return report(labels, **options).judges[0].people


def label(name, turn, *, accepted, **more):
    place = 0 if ROWS[name][turn] in "AR" else -1
    return HumanLabel(trace_id=name, turn=turn, accepted=accepted, random=True, blind=True,
                      **({"candidate": place} | more))  # fmt: skip


def everything(judge_right=1.0, seed=0, share=1.0, **more):
    """A label of every answer (or a share of them), which agrees with the verdict that often."""
    random = np.random.default_rng(seed)
    for name, row in ROWS.items():
        for turn, letter in enumerate(row):
            right = random.random() < judge_right
            if random.random() < share:
                yield label(name, turn, accepted=(letter in "Aa") == right, **more)


def by_hand(f, y, w):
    """The estimator written out: docs/metrics.md, "Judge error"."""
    known = ~np.isnan(y)
    w, fl, yl = w[known] / w[known].sum(), f[known], y[known]
    mf, my = (w * fl).sum(), (w * yl).sum()
    trust = np.clip((w * (fl - mf) * (yl - my)).sum() / (w * (fl - mf) ** 2).sum(), 0, 1)
    return trust * f.mean() + (w * (yl - trust * fl)).sum()


def test_labels_weigh_by_the_inverse_of_their_chance_of_being_drawn():
    random = np.random.default_rng(3)
    f, w = random.integers(0, 2, 60).astype(float), random.choice([1.0, 2.5, 4.0], 60)
    y = np.where(random.random(60) < 0.7, f, 1 - f)
    y[::3] = np.nan
    assert prediction_powered_mean(f, y, w) == pytest.approx(by_hand(f, y, w), abs=1e-12)
    assert prediction_powered_mean(f, y, w) != pytest.approx(prediction_powered_mean(f, y))


def test_the_weighted_interval_is_the_jackknife_over_traces_of_the_whole_estimator():
    random = np.random.default_rng(4)
    trace, f = np.repeat(np.arange(6), 20), random.integers(0, 2, 120).astype(float)
    y, w = np.where(random.random(120) < 0.7, f, 1 - f), random.choice([1.0, 3.0], 120)
    y[random.random(120) < 0.4] = np.nan
    none = np.empty(0)
    silent = Stratum(none.astype(np.int64), none, none)
    found = estimate(METRICS["precision"], Stratum(trace, f, y, weight=w), silent)
    left_out = np.array([by_hand(f[trace != g], y[trace != g], w[trace != g]) for g in range(6)])
    middle, stderr = by_hand(f, y, w), np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    logit, reach = np.log(middle / (1 - middle)), 2.570582 * stderr / (middle * (1 - middle))
    ends = [1 / (1 + np.exp(-(logit + side * reach))) for side in (-1, 1)]
    assert found.value == pytest.approx(middle)
    assert found.interval == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize("probability", [0.25, 1.0, 0.1])
def test_equal_chances_change_nothing_to_the_last_digit(probability):
    plain = people(everything(0.7, share=0.8))
    assert people(everything(0.7, share=0.8, probability=probability)).metrics == plain.metrics


def test_labels_with_and_without_a_probability_are_refused_in_one_line():
    labels = [*everything(share=0.5, probability=0.5)]
    labels[3] = labels[3].model_copy(update={"probability": None})
    refused = people(labels).refused
    assert refused.startswith(f"1 of {len(labels)} labels have no probability")
    assert "\n" not in refused


def test_two_chances_of_one_answer_are_refused():
    labels = [
        *everything(annotator="a", probability=0.5),
        label("t0", 0, accepted=True, annotator="b", probability=0.4),
    ]
    assert "different probabilities" in people(labels).refused


def test_several_people_on_one_answer_count_as_their_majority_and_a_tie_rejects():
    names = ("ann", "bob", "cy")
    one = [*everything(0.6)]
    three = [
        each.model_copy(update={"annotator": name, "accepted": each.accepted is (name != "cy")})
        for each in one
        for name in names
    ]
    found, alone = people(three), people(one)
    assert found.metrics == alone.metrics
    assert found.annotators == 3
    assert alone.annotators is None
    assert sum(side.votes for side in found.strata) == 3 * sum(side.votes for side in alone.strata)
    tied = people([each for each in three if each.annotator != "bob"])
    assert tied.metrics["precision"].value == 0


def test_a_later_label_of_the_same_person_takes_the_place_of_an_earlier_one():
    first = [*everything(0.0, annotator="ann")]
    second = [*everything(1.0, annotator="ann")]
    assert people([*first, *second]).metrics == people(second).metrics


def test_where_people_and_the_judge_part_is_counted_and_named():
    labels = [*everything(annotator="ann")]
    offer = next(place for place, each in enumerate(labels) if each.candidate == 0 and not each.accepted)
    labels[offer] = labels[offer].model_copy(update={"accepted": True})
    found = people(labels)
    offers, silences = found.strata
    assert (offers.stratum, silences.stratum) == ("offers", "silences")
    assert (offers.labelled, offers.items) == (12 * 13, 12 * 13)
    (parted,) = offers.parted
    assert (parted.trace_id, parted.turn) == (labels[offer].trace_id, labels[offer].turn)
    assert (parted.judge, parted.accepted, parted.votes) == (False, 1, 1)
    assert offers.people.value == pytest.approx((12 * 8 + 1) / (12 * 13))
    assert offers.judge.value == pytest.approx(8 / 13)
    assert offers.agreement.value == pytest.approx(1 - 1 / (12 * 13))
    assert silences.agreement.value == 1
    assert silences.parted == ()


def test_labels_that_fit_no_answer_are_counted_and_said():
    labels = [*everything()]
    lost = [
        labels[0].model_copy(update={"trace_id": "elsewhere"}),
        labels[0].model_copy(update={"turn": 400}),
        labels[0].model_copy(update={"turn": -1}),
        labels[0].model_copy(update={"candidate": 1}),
        labels[0].model_copy(update={"candidate": -1}),  # the run offered here
        labels[0].model_copy(update={"round": 1}),
    ]
    assert "no answer of this run: 6" in people([*labels, *lost]).warnings[0]
    assert people([*labels, *lost]).metrics == people(labels).metrics
    assert "none of the 6 labels is on an answer of this run" in people(lost).refused


def test_not_yet_is_a_rejection_that_is_shown_apart():
    labels = [*everything(annotator="ann")]
    early = [each.model_copy(update={"premature": each.candidate == 0 and not each.accepted}) for each in labels]
    found = people(early)
    assert found.metrics == people(labels).metrics
    assert found.strata[0].premature == 12 * 5
    assert found.strata[1].premature == 0


@pytest.mark.parametrize(
    "wrong",
    [{"accepted": True, "premature": True}, {"candidate": -1, "premature": True}, {"probability": 0},
     {"probability": 1.2}, {"annotator": "a b"}],
)  # fmt: skip
def test_a_label_that_contradicts_itself_is_none(wrong):
    with pytest.raises(ValidationError):
        HumanLabel(**({"trace_id": "t", "turn": 0, "candidate": 0, "accepted": False} | wrong))


def test_too_few_labels_still_say_where_people_and_judge_part():
    found = people([*everything()][:12])
    assert "fewer than 30" in found.refused
    assert sum(side.labelled for side in found.strata) == 12


def printed(one):
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_report(one, console)
    return console.file.getvalue()


def test_peoples_figures_stand_first_with_the_judges_beside_them():
    one = report(everything(0.7, annotator="ann"))
    text = printed(one)
    assert text.index("what people said of this run's answers") < text.index("nobody labelled where help was needed")
    line = next(line for line in text.splitlines() if line.startswith("f1 "))
    found = one.judges[0]
    assert line.split()[1] == f"{found.people.metrics['f1'].value:.3f}"
    assert f"{found.overall.metrics['f1'].value:.3f}" in line
    assert "offers they part on: t0/" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "corrected by prediction powered" not in text
    assert "what people said" not in printed(report())


def test_a_page_of_reports_has_peoples_figures_first_and_compare_says_them():
    one, other = report(everything(0.7, annotator="ann")), report()
    first, *others = boards([Named("one", one), Named("other", other)])
    assert first.title == "What people said of the answers"
    assert [line.name for line in first.lines] == ["one, judge fair"]
    f1 = next(place for place, head in enumerate(first.heads) if head.title == "F1, people")
    assert first.lines[0].cells[f1].text == f"{one.judges[0].people.metrics['f1'].value:.3f}"
    assert all(len(line.cells) == len(first.heads) for line in first.lines)
    assert others == boards([Named("one", report()), Named("other", other)])
    said = compare([one, other], "f1", names=["one", "other"]).warnings
    assert any(line.startswith("one: f1 is ") and "by people" in line for line in said)


def test_votes_that_came_with_the_data_are_not_corrected_by_new_ones():
    needs = {name: [letter in "Ar" for letter in row] for name, row in ROWS.items()}
    found = people(everything(0.5, annotator="ann"), judge=LABELS, needs=needs)
    assert [side.stored for side in found.strata] == [False, True]
    said = " ".join(printed(report(everything(0.5), judge=LABELS, needs=needs)).split())
    assert "silences are decided by votes that came with the data" in said


def test_a_report_with_labels_is_read_as_it_was_written():
    one = report(everything(0.7, annotator="ann", probability=0.5))
    assert Report.model_validate_json(one.model_dump_json()) == one
