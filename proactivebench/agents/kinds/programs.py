"""Agents that are programs of any language."""

from proactivebench.plugins import Contract, Plug

PLUGS = (
    Plug(
        Contract.AGENT,
        "process",
        "proactivebench.agents.process:ProcessAgent",
        "a program: a line of JSON a moment on its standard input, a line back (docs/agents.md)",
        'command="PROGRAM ARGUMENT …"',
    ),
    Plug(
        Contract.AGENT,
        "http",
        "proactivebench.agents.http_agent:HttpAgent",
        "a server: one POST a moment (docs/agents.md)",
        "url=http://…",
    ),
)
