"""The command above all verbs. A verb's module is imported when the verb is called, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from proactivebench.cli.verbs import PROGRAM, VERBS, overview


class Verbs(click.Group):
    """All verbs, as the table has them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The verbs' names, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command, from its module; None where there is no such verb."""
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        found = getattr(import_module(f"{__package__}.{verb.module}"), verb.module)
        if not isinstance(found, click.Command):
            raise TypeError(f"{__package__}.{verb.module}.{verb.module} is no command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is called and its arguments. Raises `click.UsageError` with the nearest one, if it is none."""
        from difflib import get_close_matches

        if args[0] not in VERBS and not ctx.resilient_parsing:  # a shell that completes is told nothing
            close = get_close_matches(args[0], VERBS, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"see `{PROGRAM} --help`"
            raise click.UsageError(f"there is no verb '{args[0]}': {hint}")
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002
        """The overview."""
        return overview()

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Verbs that begin so, by the table alone."""
        return [CompletionItem(name, help=verb.about) for name, verb in VERBS.items() if name.startswith(incomplete)]


def underscored(name: str) -> str:
    """An option's name with underscores, lm-eval's way: `--model-args` is `--model_args`."""
    return name.replace("-", "_")


def root() -> click.Group:
    """The command line as one click command: options take dashes and underscores, and every default is shown."""
    spelled = {
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": underscored,
        "show_default": True,
    }
    return Verbs(PROGRAM, context_settings=spelled)


def invoke(args: Sequence[str]) -> int:
    """Call a verb; returns its exit code. Raises what the verb raises, and `click.UsageError`."""
    command = root()
    try:
        with command.make_context(PROGRAM, list(args)) as context:
            command.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return 0
