"""Options that more than one verb has, said once.

Every verb with a model behind it takes `transport`, and every verb with a judge's model behind it `judge_model` too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from proactivebench.cli.parameters import PATH, Call, Number, Whole, option, switch

if TYPE_CHECKING:
    from proactivebench.judging import Judge
    from proactivebench.judging.cache import VerdictCache
    from proactivebench.preparation import Serving

judge_repeats = option("--judge_repeats", type=Whole(min=1), default=1, help="Verdicts per item.")
judge_cache = switch(
    "--judge_cache/--no_judge_cache", default=True, help="Ask a judge's model a question once, across runs."
)
measure_judge = switch("--measure_judge", help="Measure the judge on people's labels first, unless done before.")
correct = switch("--correct", help="Correct for the judge's measured errors, or say why not.")
report_as_json = switch("--json", "as_json", help="Only the report, as JSON, on standard output.")
as_json = switch("--json", "as_json", help="As JSON, alone on standard output.")
moved_tasks = option("--tasks", help="Where its data is now, should it have moved.")
which_judge = option("--judge", help="A judge's id or name [the one they share].")
which_split = option("--split", help="Traces of this split only [all].")
prices = option("--prices", type=PATH, help="YAML of prices per million tokens: `MODEL: {prompt: 1, completion: 3}`.")
price = option("--price", metavar="prompt=…,completion=…", help="USD per million tokens; cached=… too.")

_TRANSPORT = (
    option("--concurrency", type=Whole(min=1), default=16, help="Requests in flight."),
    option("--timeout", type=Number(min=0.001), default=120.0, help="Seconds a request may take."),
    option("--max_retries", type=Whole(min=0), default=5, help="Further attempts after a passing failure."),
    option("--batch_size", default="1", help="For in-process models, as lm-eval has it."),
    option("--device", help="For in-process models: cpu, cuda, cuda:0, …"),
)


def transport(call: Call) -> Call:
    """Give a verb the options that say how models are asked; it takes them as `serving`."""

    @wraps(call)
    def with_serving(
        *given: Any,
        concurrency: int,
        timeout: float,
        max_retries: int,
        batch_size: str,
        device: str | None,
        **others: Any,
    ) -> Any:
        from proactivebench.preparation import Serving

        serving = Serving(
            concurrency=concurrency, timeout_s=timeout, max_retries=max_retries, batch_size=batch_size, device=device
        )
        return call(*given, serving=serving, **others)

    verb: Call = _with(with_serving, _TRANSPORT)
    return verb


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """The model behind a judge, as the command line names it."""

    name: str | None
    args: dict[str, str]
    gen_kwargs: dict[str, Any]  # said over the decoding of the judge's card
    words: str  # the options as they would be typed again, each with a space before it

    @classmethod
    def read(cls, name: str | None, args: str, gen_kwargs: str) -> JudgeModel:
        """The model from the words of its options. Raises `UsageError`."""
        from proactivebench.cli.arguments import texts, values

        words = f" --judge_model {name} --judge_model_args {args}" if name else ""
        words += f" --judge_gen_kwargs {gen_kwargs}" if gen_kwargs else ""
        return cls(name, texts(args, "--judge_model_args"), values(gen_kwargs, "--judge_gen_kwargs"), words)

    def judge(self, spec: str, serving: Serving, cache: VerdictCache | None = None) -> Judge:
        """The judge that `spec` names, with this model behind it, asked as `serving` says. Raises `UsageError`."""
        from proactivebench.judging import create_judge
        from proactivebench.preparation import judge_decoding

        return create_judge(
            spec,
            model=self.name,
            model_args=self.args,
            decode=judge_decoding(self.gen_kwargs),
            gen_kwargs=self.gen_kwargs,
            make_engine=serving.model,
            cache=cache,
        )


def judge_model(call: Call) -> Call:
    """Give a verb the options for the model behind a judge; it takes them as `judge_model`."""
    return _judge_model(call, required=False)


def required_judge_model(call: Call) -> Call:
    """As `judge_model`, for a verb that does nothing without such a model."""
    return _judge_model(call, required=True)


def _judge_model(call: Call, *, required: bool) -> Call:
    @wraps(call)
    def with_model(
        *given: Any, judge_model: str | None, judge_model_args: str, judge_gen_kwargs: str, **others: Any
    ) -> Any:
        return call(*given, judge_model=JudgeModel.read(judge_model, judge_model_args, judge_gen_kwargs), **others)

    described = (
        option("--judge_model", required=required, help="The model behind the judge, in the words of --model."),
        option("--judge_model_args", default="", help="Its arguments: name=value, with commas; never a key."),
        option("--judge_gen_kwargs", default="", help="Over its card's decoding: max_gen_toks=…; another judge by it."),
    )
    verb: Call = _with(with_model, described)
    return verb


def _with(call: Any, options: tuple[Callable[[Any], Any], ...]) -> Any:
    """The call with these options, which the help then lists in this order."""
    for described in reversed(options):
        call = described(call)
    return call
