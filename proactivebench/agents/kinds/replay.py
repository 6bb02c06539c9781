"""Answers given earlier."""

from proactivebench.plugins import Contract, Plug

PLUGS = (
    Plug(
        Contract.AGENT,
        "replay",
        "proactivebench.agents.replay.agent:ReplayAgent",
        "stored answers: a run, released answers, or a released model",
        "path=… | released=MODEL",
    ),
)
