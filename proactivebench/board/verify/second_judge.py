"""A second opinion: another model looks at the verdicts that no local judge can repeat."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from proactivebench.board.verify.records import keep_record, kept_record
from proactivebench.board.verify.rejudging import Disagreement, Rejudged
from proactivebench.errors import InvalidRun
from proactivebench.judging import Item, Judge, Opinion
from proactivebench.judging.route import NO_VOTES
from proactivebench.records import Record, Verdict, VerdictStatus
from proactivebench.scoring.report import MOST_UNSCORED


class SecondOpinion(Record):
    """What a re-judging model said of an entry's verdicts: kept by a board's maintainers in `rejudged/`, outside the
    entry. It counts only for the evidence it was formed on (`digest`)."""

    digest: str
    by: str
    asked: dict[str, int]
    disagreements: dict[str, int]


class SecondJudge:
    """A re-judging model, started at its first question and kept until the block ends. All entries are judged on one
    event loop: a model's connections belong to the loop they were opened on."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._runner: asyncio.Runner | None = None

    @property
    def id(self) -> str:
        """Who gives the opinion."""
        return self._judge.identity.id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner:
            with self._runner as runner:
                runner.run(self._judge.close())

    def look(self, key: str, items: Sequence[Item], verdicts: Sequence[Verdict], places: Sequence[int]) -> Rejudged:
        """What this judge says of the verdicts at `places` of the entry `key`, unscored ones left out.

        Raises `UsageError` where its model cannot be reached at all, `InvalidRun` where it fails on more than 2 % of
        the questions: a server's faults are no disagreement.
        """
        scored = [place for place in places if verdicts[place].status is not VerdictStatus.UNSCORED]
        opinions = dict(zip(scored, self._ask([items[place] for place in scored]), strict=True))
        given = {place: said for place, said in opinions.items() if said is not None and said.cause != NO_VOTES}
        decided = {place: said for place, said in given.items() if said.status is not VerdictStatus.UNSCORED}
        if len(given) - len(decided) > MOST_UNSCORED * len(given):
            causes = Counter(said.cause or "unknown" for place, said in given.items() if place not in decided)
            listed = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
            raise InvalidRun(
                f"{self.id} gave no verdict on {len(given) - len(decided)} of {len(given)} questions about {key} "
                f"({listed}; 2 % are allowed): no opinion is kept; see to its server, then verify again"
            )
        return Rejudged(
            len(decided),
            tuple(place for place in range(len(verdicts)) if place not in decided),
            tuple(
                Disagreement(verdicts[place], said.status)
                for place, said in decided.items()
                if said.status is not verdicts[place].status
            ),
        )

    def _ask(self, items: Sequence[Item]) -> list[Opinion | None]:
        if not items:
            return []
        if self._runner is None:
            self._runner = asyncio.Runner()
            self._runner.run(self._judge.start())
        return self._runner.run(self._judge.judge(items))


def read_opinions(root: Path) -> dict[str, SecondOpinion]:
    """The second opinions kept below `root`/rejudged, by entry key. Unreadable ones are left out."""
    found = {}
    for file in sorted((root / "rejudged").glob("*/*.json")):
        if opinion := kept_record(file, SecondOpinion):
            found[f"{file.parent.name}/{file.stem}"] = opinion
    return found


def write_opinion(root: Path, key: str, opinion: SecondOpinion) -> Path:
    """Keep a second opinion on the entry `key`; returns its file. Raises `CannotWrite`."""
    return keep_record(root / "rejudged" / f"{key}.json", opinion)
