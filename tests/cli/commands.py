"""Every command there is, as click has it."""

import click

from proactivebench.cli.root import root


def every_command():
    """The commands that do something, verbs below verbs included, as (the words that call it, the command)."""
    top = root()
    pending = [((), top)]
    while pending:
        path, command = pending.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            names = command.list_commands(context)
            pending += [((*path, name), command.get_command(context, name)) for name in names]
        else:
            yield path, command
