"""How well a text judge predicts people's votes on offers, what the same person said before, and the two together.

PROACTIVEBENCH_MIRROR=… python -m perf.personal --output_path perf/results/personal.md

The release's votes. A person is a place among the votes of a trace; those with at least 60 votes take part, ordered by
turn, then file. Tested on votes 41 and later, pooled over people; the judge is lexical, whose weights never saw the
trace. A personal judge moves its score by d, fitted on the person's first m votes; `all earlier` on every vote before
the tested one. Beside it the share the person accepted of the same votes (Krichevsky–Trofimov: half a vote each way).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from proactivebench.judging.base import Item
from proactivebench.judging.cards import declared
from proactivebench.judging.identity import member_identity
from proactivebench.judging.lexical.judge import LexicalCard, LexicalJudge
from proactivebench.judging.lexical.weights import read_weights
from proactivebench.judging.personal import Cast, by_person, fitted_shift, logit
from proactivebench.records import Moment, ReplyKey, Trace
from proactivebench.validation.figures import rank_auc
from proactivebench.validation.people import released_labels

LEAST, FROM = 60, 40  # votes a person gave; votes before the first that is tested
STEPS: tuple[int | None, ...] = (0, 5, 20, None)  # None: all earlier votes
# What METRICS.md section 6 says; the shares alone without votes say nothing.
SPECIFIED: Mapping[int | None, tuple[float, float | None]] = {
    0: (0.63, None),
    5: (0.72, 0.69),
    20: (0.74, 0.71),
    None: (0.77, 0.73),
}
Votes = Sequence[tuple[float, bool]]  # of one person, in order: the judge's score of the offer, and the vote


def voters() -> list[Votes]:
    """The release's people with at least 60 votes. Raises `DataError` where the release cannot be had."""
    found = declared("lexical")
    assert isinstance(found.card, LexicalCard)
    judge = LexicalJudge(
        read_weights(found.folder / found.card.weights), member_identity(found.card, "lexical", "lexical")
    )

    def score(trace: Trace, vote: Cast) -> float:
        said = judge.opinion(Item(Moment(trace, vote.turn), vote.text, ReplyKey(trace.trace_id, vote.turn), 0))
        assert said.probability is not None
        return logit(said.probability)

    people = [
        [(score(trace, vote), vote.accepted) for vote in votes]
        for trace, ballots in released_labels().ballots.items()
        for votes in by_person(ballots).values()
    ]
    return [votes for votes in people if len(votes) >= LEAST]


def ladder(people: Sequence[Votes]) -> dict[int | None, tuple[float, float]]:
    """By m the pooled AUC of the personal judge, and of the person's share of acceptance alone."""
    return {step: _rung(people, step) for step in STEPS}


def _rung(people: Sequence[Votes], step: int | None) -> tuple[float, float]:
    personal, alone, right = [], [], []
    for votes in people:
        scores, said = [score for score, _ in votes], [vote for _, vote in votes]
        shift = fitted_shift(scores[:step], said[:step]) if step else 0.0
        for tested in range(FROM, len(votes)):
            known = tested if step is None else step
            if step is None:
                shift = fitted_shift(scores[:known], said[:known])
            personal.append(scores[tested] + shift)
            alone.append((sum(said[:known]) + 0.5) / (known + 1))
            right.append(said[tested])
    found = [rank_auc(np.array(one), np.array(right)) for one in (personal, alone)]
    assert found[0] is not None and found[1] is not None
    return found[0], found[1]


def report(people: Sequence[Votes]) -> Iterator[str]:
    """The table."""
    tested = sum(len(votes) - FROM for votes in people)
    yield "# What a person said before, and what a text judge says\n"
    yield (
        f"{len(people)} people of the release with at least {LEAST} votes on offers, tested on votes {FROM + 1} and "
        f"later: {tested:,}.\nPooled AUC; in brackets METRICS.md section 6.\n"
    )
    yield "| votes of the person known | lexical, moved by them | their share alone |\n|---|---:|---:|"
    for step, (personal, alone) in ladder(people).items():
        wanted, shares = SPECIFIED[step]
        name = "all earlier" if step is None else f"the first {step}" if step else "none"
        by_share = f"{alone:.3f} ({shares:.2f})" if shares is not None else "–"
        yield f"| {name} | {personal:.3f} ({wanted:.2f}) | {by_share} |"


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m perf.personal", description=__doc__)
    parser.add_argument("--output_path", type=Path, help="also write the table here")
    options = parser.parse_args()
    text = "\n".join((*report(voters()), "\n`PROACTIVEBENCH_MIRROR=… python -m perf.personal`\n"))
    print(text)
    if options.output_path:
        options.output_path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
