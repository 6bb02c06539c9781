"""What our tasks under lm-eval share: the data, the judges as filters, the columns, and lm-eval's own options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import lm_eval.api.task as lm_evals

from proactivebench.errors import BadArgument
from proactivebench.lm_eval_plugin.columns import CARRIER, UNSCORED, columns, higher_is_better
from proactivebench.lm_eval_plugin.judge_filter import judge_column
from proactivebench.lm_eval_plugin.models import register_models
from proactivebench.lm_eval_plugin.options import read_options
from proactivebench.lm_eval_plugin.request_type import install
from proactivebench.lm_eval_plugin.scoreboard import Scoreboard
from proactivebench.lm_eval_plugin.session import Session
from proactivebench.lm_eval_plugin.transcript import Row
from proactivebench.models.secrets import refuse_secrets

install()
register_models()

REDESIGNED = hasattr(lm_evals, "GenerateTask")  # lm-eval 0.5
BASE: Any = lm_evals.GenerateTask if REDESIGNED else lm_evals.ConfigurableTask


class ProactiveTask(BASE):  # type: ignore[misc]
    """A task of ours; `rollout_task` and `static_task` say what a document is and how its answer becomes a row."""

    history: str | None = None

    def __init__(self, config: Mapping[str, Any]) -> None:
        config = {key: value for key, value in config.items() if key != "class"}
        options = read_options(config.get("metadata") or {}, os.environ)
        self._session = Session.of(options, history=self.history)
        self._splits = tuple(dict.fromkeys(trace.split for trace in self._session.task.traces))
        self._rules = self._session.task.need_rules
        self._scoreboard = Scoreboard(self._session, self._splits)
        self._judged = True
        super().__init__(config=config | self.texts())
        self._set_filters()

    # --- what a form decides ------------------------------------------------------------------------------------------

    def texts(self) -> dict[str, Any]:
        """What the form adds to the task's config."""
        return {}

    def documents(self) -> list[dict[str, Any]]:
        """The documents, in order."""
        raise NotImplementedError

    def rows(self, judge_id: str, answers: Sequence[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[str]:
        """What a judge makes of the answers: one row a document."""
        raise NotImplementedError

    # --- lm-eval asks for documents and requests ----------------------------------------------------------------------

    def download(self, *_: Any, **__: Any) -> None:
        """The documents as a data set; nothing is downloaded here."""
        from datasets import Dataset

        self.dataset = {"test": Dataset.from_list(self.documents())}

    def doc_iterator(self, **given: Any) -> Iterator[tuple[int, Any]]:
        """lm-eval's documents of a rank. With `--samples` 0.5 numbers them by data set here and by list elsewhere."""
        samples = given.get("samples")
        for number, doc in super().doc_iterator(**given):
            yield (samples.index(number) if REDESIGNED and samples else number), doc

    def build_all_requests(self, **given: Any) -> Any:
        """Refuse what cannot work here, take lm-eval's options in, and build the requests."""
        if given.get("cache_requests"):
            raise BadArgument(
                "--cache_requests is refused: lm-eval would return one trace's rollout for another, because its key "
                "knows neither model nor data; replies are kept in the run directory anyway"
            )
        refuse_secrets(self._session.options.model_args)
        samples = given.get("samples")
        self._session.ask(
            gen_kwargs=dict(self.config.generation_kwargs or {}),
            instruction=given.get("system_instruction"),
            limit=given.get("limit") if samples is None else None,
            repeats=self.config.repeats or 1,
            judged=self._judged,
        )
        built = super().build_all_requests(**given)
        for request in self.instances:
            request.proactivebench = self._session
        return built

    # --- judging and scoring ------------------------------------------------------------------------------------------

    def override_metric(self, metric_name: str) -> None:
        """`--predict_only`: no judge is called, the answers stand as they are."""
        super().override_metric(metric_name)
        self._judged = False
        if not REDESIGNED:
            from lm_eval.filters import build_filter_ensemble

            self._filters = [build_filter_ensemble("none", [("take_first", None)])]

    def process_results(self, doc: dict[str, Any], results: Any) -> dict[str, Any]:  # noqa: ARG002
        """Per column the judge's id; the first column carries the row itself. Tuples: 0.5 takes lists as repeats."""
        if not self._judged:
            return {"bypass": 999}
        row = results
        while not isinstance(row, str):
            row = row[0]
        judge_id = Row.loads(row).judge
        values: dict[str, Any] = {CARRIER: (row,), UNSCORED: (judge_id,)}
        for column, _, _ in columns(self._splits, self._rules):
            values[column] = (judge_id,)
            if not REDESIGNED:
                values[f"{column}_stderr"] = (judge_id,)  # replaces the one lm-eval cannot compute
        return values

    def aggregation(self) -> dict[str, Callable[[Sequence[Any]], Any]]:
        """By column, what makes the gathered values one number: the project's scorer."""
        if not self._judged:
            return dict(super().aggregation())
        names = [CARRIER, UNSCORED]
        for column, _, _ in columns(self._splits, self._rules):
            names += [column, f"{column}_stderr"]
        return {name: partial(self._number, name) for name in names}

    def _number(self, column: str, values: Sequence[tuple[str, ...]]) -> Any:
        judge_id = values[0][0]
        if column == CARRIER:
            judge_id = self._scoreboard.add([row for (row,) in values]).judge.id
        if column.endswith("_stderr"):
            return self._scoreboard.stderr(judge_id, column.removesuffix("_stderr"))
        return self._scoreboard.value(judge_id, column)

    def aggregate(self, bootstrap_iters: int | None = 100_000) -> tuple[dict[str, Any], int]:
        """All columns of all judges, for 0.5, which would bootstrap each of them."""
        if not self._judged:
            found: tuple[dict[str, Any], int] = super().aggregate(bootstrap_iters)
            return found
        numbers: dict[str, Any] = {}
        count = 0
        for scorer in self._scorers:
            gathered = [document[CARRIER] for document in scorer.reduced_docs.values()]
            count = max(count, len(gathered))
            judge_id = self._scoreboard.add([row for (row,) in gathered]).judge.id
            for name in (CARRIER, UNSCORED):
                numbers[f"{name},{judge_id}"] = self._scoreboard.value(judge_id, name)
            for column, _, _ in columns(self._splits, self._rules):
                numbers[f"{column},{judge_id}"] = self._scoreboard.value(judge_id, column)
                numbers[f"{column}_stderr,{judge_id}"] = self._scoreboard.stderr(judge_id, column)
        return numbers, count

    def higher_is_better(self) -> dict[str, bool]:
        """By column, where one end is better."""
        return higher_is_better(self._splits, self._rules) if self._judged else dict(super().higher_is_better())

    def _set_filters(self) -> None:
        named = {judge_id: judge_column(judge_id, partial(self.rows, judge_id)) for judge_id in self._session.judges}
        if REDESIGNED:
            from lm_eval.scorers import GenScorer

            self._scorers = [GenScorer(name=name, filter=found, metrics=[]) for name, found in named.items()]
        else:
            self._filters = list(named.values())

    # --- texts lm-eval insists on -------------------------------------------------------------------------------------

    def doc_to_text(self, doc: dict[str, Any], *_: Any, **__: Any) -> str:
        """The document in words."""
        return str(doc["text"])

    def doc_to_target(self, doc: dict[str, Any], *_: Any, **__: Any) -> str:  # noqa: ARG002 - lm-eval's signature
        """There is no right answer to copy."""
        return ""
