"""Agents that are programs of any language."""

from proactivebench.plugins import Contract, Plug

PLUGS = (
    Plug(
        Contract.AGENT,
        "process",
        "proactivebench.agents.programs.process:ProcessAgent",
        "a program: a line of JSON a moment on its standard input, a line back (docs/agents.md)",
        'command="PROGRAM ARGUMENT …"',
    ),
    Plug(
        Contract.AGENT,
        "http",
        "proactivebench.agents.programs.http:HttpAgent",
        "a server: one POST a moment (docs/agents.md)",
        "url=http://…",
    ),
)
