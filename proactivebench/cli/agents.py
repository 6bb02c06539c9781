"""`proactivebench agents`: what `--model` can name."""

from __future__ import annotations

import click

from proactivebench.cli import options
from proactivebench.cli.terminal import print_json


@click.command()
@options.as_json
def agents(as_json: bool) -> None:
    """What --model can name, with the arguments each takes.

    Example: proactivebench agents
    """
    from proactivebench import plugins
    from proactivebench.models import LM_EVAL
    from proactivebench.plugins import Contract

    acting, models = plugins.plugs(Contract.AGENT), plugins.plugs(Contract.MODEL)
    groups = {
        "Baselines": [plug for plug in acting if plug.trivial],
        "Agents": [plug for plug in acting if not plug.trivial],
        "Models": [*models, LM_EVAL],
    }
    if as_json:
        found = [
            {
                "group": group,
                "model": plug.word,
                "about": plug.about,
                "model_args": plug.args,
                "package": plug.package,
            }
            for group, plugs in groups.items()
            for plug in plugs
        ]
        print_json(found)
        return
    for group, plugs in groups.items():
        print(group)
        for plug in plugs:
            print(f"  {plug.word:<16}{plug.about or f'of the package {plug.package}'}")
            if plug.args:
                print(f"  {'':<16}--model_args {plug.args}")
    print("\nYour own: FILE.py:NAME, or a package with the entry point proactivebench.agents (docs/plugins.md).")
