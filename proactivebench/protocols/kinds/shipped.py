"""Kinds that have a module of their own in `protocols`."""

from proactivebench.plugins import Contract, Plug

PLUGS = (
    Plug(Contract.PROTOCOL, "standard", "proactivebench.protocols.standard:KIND", "a card's own texts"),
    Plug(Contract.PROTOCOL, "paper", "proactivebench.protocols.paper:KIND", "the released prompts, byte for byte"),
    Plug(Contract.PROTOCOL, "released", "proactivebench.protocols.recorded:KIND", "answers from elsewhere, only read"),
)
