"""The command line: one small module a verb, loaded when its verb is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import typer


class Verb(NamedTuple):
    """One verb: the module that holds it and the line the overview shows."""

    module: str
    about: str
    passthrough: bool = False  # its arguments are another program's: they are not touched


VERBS = {
    "run": Verb("run", "Evaluate a model: roll it out, judge its offers, score"),
    "judge": Verb("judge", "Judge stored replies again, with another judge"),
    "score": Verb("score", "Score stored verdicts again"),
    "show": Verb("show", "Show a run's report, or one trace as a timeline"),
    "compare": Verb("compare", "Can these runs be told apart?"),
    "gate": Verb("gate", "One verdict for CI: did the candidate get worse?"),
    "power": Verb("power", "How many traces are needed to see a difference?"),
    "plot": Verb("plot", "Draw runs: intervals, trade-offs, utility, timeline"),
    "demo": Verb("demo", "The whole road on the built-in sample, no network"),
    "data": Verb("data", "List, fetch, verify and show benchmark data"),
    "agents": Verb("agents", "What --model can name"),
    "judges": Verb("judges", "List, validate, audit and train judges"),
    "audit-published": Verb("audit_published", "What confusion matrices printed scores can mean"),
    "leaderboard": Verb("leaderboard", "Prepare, validate, verify, submit and build entries"),
    "view": Verb("view", "A run's traces as one self-contained page"),
    "export": Verb("export", "A run in lm-eval's, Every Eval Ever's or the Hub's form"),
    "lm-eval": Verb("lm_eval", "lm-eval with these tasks and models known", passthrough=True),
    "lm-eval-path": Verb("lm_eval_path", "The folder for lm-eval's --include_path"),
}

PROGRAM = "proactivebench"
_COMPLETE = "_PROACTIVEBENCH_COMPLETE"


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done or passed, 1 a check failed, 2 usage, 3 invalid or incomplete run, 4 cannot
    write, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")  # a pipe on Windows, or a locale, without our signs
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    if debug:
        args.remove("--debug")
    sys.exit(_guarded(lambda: _dispatch(args), debug))


def _dispatch(args: list[str]) -> int:
    if _COMPLETE in os.environ or (args and args[0] in ("--install-completion", "--show-completion")):
        return _invoke(_everything(), args, PROGRAM)
    if not args or args[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if args[0] in ("-V", "--version"):
        from proactivebench import __version__

        print(f"{PROGRAM} {__version__}")
        return 0
    verb = VERBS.get(args[0])
    if verb is None:
        return _unknown(args[0])
    rest = args[1:] if verb.passthrough else with_underscores(args[1:])
    return _invoke(_app(args[0]), rest, f"{PROGRAM} {args[0]}")


def overview() -> str:
    """The text of `proactivebench --help`."""
    rows = "\n".join(f"  {name:<17}{verb.about}" for name, verb in VERBS.items())
    return f"""Usage: {PROGRAM} VERB [OPTIONS]

Does an agent offer help at the right moments, and keep quiet otherwise?

{rows}

  {PROGRAM} VERB --help     options of a verb, with an example
  --version, --install-completion, --show-completion, --debug (tracebacks)

Example:
  {PROGRAM} run --model always --tasks proactivebench_sample
"""


def with_underscores(args: Sequence[str]) -> list[str]:
    """Long options with underscores, lm-eval's way: `--model-args` becomes `--model_args`. Values are not touched."""
    spelled: list[str] = []
    for place, arg in enumerate(args):
        if arg == "--":
            return [*spelled, *args[place:]]
        name, equals, value = arg.partition("=")
        spelled.append("--" + name[2:].replace("-", "_") + equals + value if name.startswith("--") else arg)
    return spelled


def _app(name: str) -> typer.Typer:
    import typer

    verb = VERBS[name]
    module = import_module(f"{__name__}.{verb.module}")
    found = getattr(module, "app", None)
    if isinstance(found, typer.Typer):
        return found
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(getattr(module, verb.module))
    return app


def _everything() -> typer.Typer:
    """All verbs in one app: what shell completion walks."""
    import typer

    root = typer.Typer(name=PROGRAM, rich_markup_mode=None)
    for name, verb in VERBS.items():
        try:
            app = _app(name)
        except ModuleNotFoundError:
            continue
        if len(app.registered_commands) == 1 and not app.registered_callback and not app.registered_groups:
            root.command(name, help=verb.about)(app.registered_commands[0].callback or (lambda: None))
        else:
            root.add_typer(app, name=name, help=verb.about)
    return root


def _invoke(app: typer.Typer, args: Sequence[str], program: str) -> int:
    from typer.main import get_command

    from proactivebench.cli.once import refuse_repeats

    command = get_command(app)
    command.context_settings.setdefault("help_option_names", ["-h", "--help"])
    _spell_options(command)
    refuse_repeats(command)
    result = command(args=list(args), prog_name=program, standalone_mode=False)
    if result == 130:  # what typer makes of Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _spell_options(command: Any) -> None:
    """Give every long option its underscores, in the help text too; typer would write dashes."""
    for parameter in command.params:
        parameter.opts = with_underscores(parameter.opts)
        parameter.secondary_opts = with_underscores(parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        _spell_options(below)


def _unknown(word: str) -> int:
    from difflib import get_close_matches

    close = get_close_matches(word, VERBS, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"see `{PROGRAM} --help`"
    _complain(f"there is no verb '{word}': {hint}")
    return 2


def _guarded(command: Callable[[], int], debug: bool) -> int:
    """Run `command`; turn every failure into one line on standard error and its exit code."""
    try:
        return command()
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        code = _exit_code(error)
        if code is None or debug:
            import traceback

            traceback.print_exc()
            return 2 if code is None else code
        return code


def interrupted() -> int:
    """Say that the user ended it early; returns the exit code."""
    _complain("interrupted; what was answered is saved: the same command goes on from there")
    return 130


def _exit_code(error: Exception) -> int | None:
    """The exit code of an expected failure, its line said; None where a traceback is due."""
    from proactivebench.errors import CannotWrite, OutOfFiles, ProactiveBenchError

    if OutOfFiles.behind(error) and not isinstance(error, CannotWrite):
        error = OutOfFiles()
    if isinstance(error, ProactiveBenchError):
        _complain(str(error))
        return error.exit_code
    import typer

    if isinstance(error, typer.Abort):
        return interrupted()
    if type(error).__name__ == "NoArgsIsHelpError":  # a verb with subcommands, called bare: its help, as it is laid out
        print(str(error))
        return 2
    if hasattr(error, "format_message"):  # typer's usage errors, whichever click it carries
        context = getattr(error, "ctx", None)
        where = f" (see `{context.command_path} --help`)" if context else ""
        _complain(error.format_message() + where)
        return 2
    _complain(f"this is a fault of {PROGRAM}: {type(error).__name__}: {error}; --debug shows where")
    return 2


def _complain(line: str) -> None:
    from proactivebench.cli.terminal import safe

    print(f"{PROGRAM}: {safe(' '.join(line.split()))}", file=sys.stderr)
