"""The verbs of the command line: where each is, and the overview that names them. Nothing is loaded for it."""

from __future__ import annotations

from typing import NamedTuple

PROGRAM = "proactivebench"


class Verb(NamedTuple):
    """One verb: the module that holds it, as a command of the module's own name, and its line in the overview."""

    module: str
    about: str


VERBS = {
    "run": Verb("run", "Evaluate a model: roll it out, judge its offers, score"),
    "judge": Verb("judge", "Judge stored replies again, with another judge"),
    "score": Verb("score", "Score stored verdicts again"),
    "show": Verb("show", "Show a run's report, or one trace as a timeline"),
    "compare": Verb("compare", "Can these runs be told apart?"),
    "gate": Verb("gate", "One verdict for CI: did the candidate get worse?"),
    "power": Verb("power", "How many traces are needed to see a difference?"),
    "plot": Verb("plot", "Draw runs: intervals, trade-offs, utility, timeline"),
    "sweep": Verb("sweep", "What keeping unsure offers back would have cost"),
    "demo": Verb("demo", "The whole road on the built-in sample, no network"),
    "data": Verb("data", "List, fetch, verify and show benchmark data"),
    "agents": Verb("agents", "What --model can name"),
    "judges": Verb("judges", "List, validate, audit and train judges"),
    "annotate": Verb("annotate", "People say what was right: prepare, serve, agree, merge"),
    "audit-published": Verb("audit_published", "What confusion matrices printed scores can mean"),
    "leaderboard": Verb("leaderboard", "Prepare, validate, verify, submit and build entries"),
    "view": Verb("view", "A run's traces as one self-contained page"),
    "export": Verb("export", "A run in lm-eval's, Every Eval Ever's or the Hub's form"),
    "lm-eval": Verb("lm_eval", "lm-eval with these tasks and models known"),
    "lm-eval-path": Verb("lm_eval_path", "The folder for lm-eval's --include_path"),
}


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
