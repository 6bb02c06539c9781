"""Servers of models."""

from proactivebench.plugins import Contract, Plug

_ENDPOINT = "proactivebench.models.endpoint.model:EndpointModel"

PLUGS = (
    Plug(Contract.MODEL, "endpoint", _ENDPOINT, "any OpenAI-compatible server", "base_url=…,model=…"),
    Plug(Contract.MODEL, "openai", _ENDPOINT, "the vendor's own endpoint", "model=…"),
)
