"""Keys come from the environment only: model arguments are written into the manifest, so none of them may carry one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from proactivebench.errors import BadArgument
from proactivebench.models.server_words import scrub

_NAME = re.compile(
    r"(^|[_-])(api_?key|x_api_key|subscription_key|secret|secret_key|password|passwd|credentials?|authorization|bearer"
    r"|(auth|access|hf|api|bearer|session)_?token)$|^(token|key|headers?)$"
)
_VALUE = re.compile(r"^(Bearer\s|sk-[\w-]{8,}|hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|AIza[\w-]{20,})")
_LEAST = 8  # characters of a value that is a secret: shorter ones stand in texts by chance
_SWITCH = {"true", "false", "none", ""}


def refuse_secrets(model_args: Mapping[str, Any]) -> None:
    """Raise `UsageError` naming the first argument (never its value) that looks like a key, token or password."""
    for name, value in model_args.items():
        text = str(value)
        named = _NAME.search(name.lower().replace("-", "_")) and text.lower() not in _SWITCH
        if named or _VALUE.match(text) or _address_with_secret(text):
            raise BadArgument(
                f"model argument '{name}' looks like a secret, and model arguments are written to disk: "
                "set the key in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, HF_TOKEN, …) and leave it out here"
            )


def _address_with_secret(text: str) -> bool:
    if "://" not in text:
        return False
    try:
        address = urlsplit(text)
        return bool(address.password) or any(_NAME.search(key.lower()) for key, _ in parse_qsl(address.query))
    except ValueError:
        return False


def without_secrets(text: str) -> str:
    """`text` without the values of environment variables whose names say that they hold keys, tokens or passwords, and
    without whatever else looks like a key: what a program writes about itself may quote them."""
    for name, value in os.environ.items():
        if len(value) >= _LEAST and _NAME.search(name.lower()):
            text = scrub(text, value)
    return scrub(text, "")
