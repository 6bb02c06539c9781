"""`proactivebench annotate`: people say what was right. Each verb below is a module of `cli/annotating`, imported when
it is called, as a command of the module's own name."""

from __future__ import annotations

from importlib import import_module

import click

VERBS = {
    "prepare": "From runs or traces to a job: what people are asked",
    "serve": "A local page for each annotator",
    "page": "The same as one file to mail",
    "collect": "Take in votes files of mailed pages",
    "status": "Who did what, and when it will be done",
    "agreement": "How far people agree, as figures and as a page",
    "merge": "Votes become labels, of traces or of a run's answers",
    "publish": "A data set for the Hub, with nothing in it of who voted",
    "withdraw": "Delete one annotator's votes",
    "import": "Votes from Label Studio, Argilla, tables, the release",
    "export": "A job as Label Studio, Argilla, tables, the release",
}


class Annotating(click.Group):
    """All verbs of `annotate`, as the table has them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The verbs' names, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command, from its module; None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        # The word `import` names no function: its module is `import_`, and so is its command.
        name = f"{name}_" if name == "import" else name
        found = getattr(import_module(f"{__package__}.annotating.{name}"), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"{__package__}.annotating.{name}.{name} is no command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is called and its arguments. Raises `click.UsageError` with the nearest one, if it is none."""
        from proactivebench.naming import did_you_mean

        if args[0] not in VERBS and not ctx.resilient_parsing:
            hint = did_you_mean(args[0], VERBS) or f"there are {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb '{args[0]}' here: {hint.strip()}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table, without loading any of the verbs."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Annotating)
def annotate() -> None:
    """People say what was right: prepare a job, serve it, see how far they
    agree, and let their votes count.

    Example: proactivebench annotate prepare runs/always --output_path job
    """
