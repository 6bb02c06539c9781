"""Options that more than one verb has, said once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proactivebench.preparation import Serving

JudgeModel = Annotated[str | None, typer.Option(help="The model behind the judge, in the words of --model.")]
JudgeModelArgs = Annotated[str, typer.Option(help="Its arguments.")]
JudgeGenKwargs = Annotated[str, typer.Option(help="Over its card's decoding: max_gen_toks=…; another judge by it.")]
JudgeRepeats = Annotated[int, typer.Option(min=1, help="Verdicts per item.")]
JudgeCache = Annotated[bool, typer.Option(help="Ask a judge's model a question once, across runs.")]
MeasureJudge = Annotated[
    bool, typer.Option("--measure_judge", help="Measure the judge on people's labels first, unless done before.")
]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests in flight.")]
Timeout = Annotated[float, typer.Option(min=0.001, help="Seconds a request may take.")]
MaxRetries = Annotated[int, typer.Option(min=0, help="Further attempts after a passing failure.")]
BatchSize = Annotated[str, typer.Option(help="For in-process models, as lm-eval has it.")]
Device = Annotated[str | None, typer.Option(help="For in-process models: cpu, cuda, cuda:0, …")]
Correct = Annotated[bool, typer.Option("--correct", help="Correct for the judge's measured errors, or say why not.")]
AsJson = Annotated[bool, typer.Option("--json", help="Only the report, as JSON, on standard output.")]


def serving(concurrency: int, timeout: float, max_retries: int, batch_size: str, device: str | None) -> Serving:
    """How models are asked, from the words of the command line."""
    from proactivebench.preparation import Serving

    return Serving(
        concurrency=concurrency,
        timeout_s=timeout,
        max_retries=max_retries,
        batch_size=batch_size,
        device=device,
    )
