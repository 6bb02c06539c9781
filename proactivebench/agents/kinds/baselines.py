"""Trivial and informed agents: those of the table in `agents.baselines`, and the one a judge has an ear for."""

from proactivebench.agents.baselines import BASELINES
from proactivebench.plugins import Contract, Plug

PLUGS = (
    *(Plug(Contract.AGENT, each.word, each, each.about, each.takes, trivial=True) for each in BASELINES),
    Plug(
        Contract.AGENT,
        "lexical-need",
        "proactivebench.judging.lexical.need:LEXICAL_NEED",
        "makes that offer where the lexical judge, which never saw the trace, hears a need",
        trivial=True,
    ),
)
