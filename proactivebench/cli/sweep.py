"""`proactivebench sweep`: stored offers turned into silences by how sure the agent was. Nobody is asked again."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Number, Words, option
from proactivebench.errors import BadArgument, CannotWrite, NotInstalled
from proactivebench.records import NeedRule, SpeakingRule

if TYPE_CHECKING:
    from proactivebench.records import Sweeps


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH, help="Run directories.")
@option("--false_alarm", type=float, default=1.0, help="Cost of a false alarm, λ.")
@option("--miss", type=float, default=0.5, help="Cost of a missed need, μ.")
@option("--rule", type=Words(SpeakingRule), default=SpeakingRule.THRESHOLD.value, help="Which offers are kept.")
@option("--threshold", type=Number(min=0, max=1), help="Keep offers from it on [chosen on the other traces].")
@option("--need", type=Words(NeedRule), help="When help was needed [the rule in use].")
@options.which_judge
@options.moved_tasks
@option("--output_path", type=PATH, help="Write the swept run here, a run of its own.")
@option("--plot", "picture", type=PATH, help="Draw cost by λ: an .svg or .png file.")
@options.as_json
def sweep(
    runs: tuple[Path, ...],
    false_alarm: float,
    miss: float,
    rule: SpeakingRule,
    threshold: float | None,
    need: NeedRule | None,
    judge: str | None,
    tasks: str | None,
    output_path: Path | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """What keeping unsure offers back would have cost: no model is asked again.

    Offers whose stated p_accept is below a threshold become silences: wrong at a
    moment of need, right elsewhere. Each trace is scored with the threshold that
    costs least on the others. Several runs: are their cost curves different?

    Example: proactivebench sweep runs/mine --false_alarm 2 --output_path runs/quiet
    """
    for name, cost in (("--false_alarm", false_alarm), ("--miss", miss)):
        if not 0 <= cost < math.inf:
            raise BadArgument(f"{name} {cost:g} is no cost: give 0 or more, e.g. 0.5")
    if false_alarm == miss == 0:
        raise BadArgument("--false_alarm 0 --miss 0: nothing costs anything, so every threshold is as good; give one")
    if rule is SpeakingRule.PRISM and threshold is not None:
        raise BadArgument("--threshold goes with --rule threshold: PRISM's rule has its own, by the costs")
    if output_path is not None and len(runs) > 1:
        raise BadArgument(f"--output_path takes one swept run, and {len(runs)} runs are given: sweep them one by one")
    if picture is not None:
        _check_picture(picture)
    from proactivebench.reporting import task_of
    from proactivebench.store import RunStore
    from proactivebench.sweeping import Asked, Sweeping
    from proactivebench.sweeping import sweep as swept

    asked = Asked(false_alarm, miss, rule, threshold, judge, need)
    read = [Sweeping(store, task_of(store, tasks), asked) for store in map(RunStore, runs)]
    found = swept(read)
    written = read[0].write(output_path) if output_path else []
    if picture is not None:
        _draw(found, picture)
    for note in written:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    from rich.console import Console

    from proactivebench.cli.sweeps_text import print_sweeps

    print_sweeps(found, Console())
    for place in filter(None, (output_path, picture)):
        print(place)


def _check_picture(picture: Path) -> None:
    from importlib.util import find_spec

    if picture.suffix not in (".svg", ".png"):
        raise BadArgument(f"--plot {picture}: name a picture, .svg or .png")
    if find_spec("matplotlib") is None:
        from proactivebench.installing import how_to_get

        raise NotInstalled(f"--plot needs matplotlib, which is not installed here: {how_to_get('matplotlib')}")


def _draw(found: Sweeps, picture: Path) -> None:
    from proactivebench.cli.cost_drawing import draw_costs
    from proactivebench.cli.drawings import save

    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        save(draw_costs(found), picture)
    except OSError as error:
        raise CannotWrite(f"cannot write {picture}: {error.strerror}; give another --plot") from error
