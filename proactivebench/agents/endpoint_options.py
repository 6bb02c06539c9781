"""The `--model_args` of an endpoint: where it is, which model, and how hard it may be asked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from proactivebench.agents.secrets import refuse_secrets
from proactivebench.errors import UsageError

VENDOR = "https://api.openai.com/v1"
KEYS = ("PROACTIVEBENCH_API_KEY", "OPENAI_API_KEY")
_NO_KEY = "EMPTY"  # local servers take any; the client insists on one
_KNOWN = ("base_url", "model", "max_length", "num_concurrent", "timeout", "max_retries", "schema", "key_env")
_SILENT = {"tokenized_requests": ("false",), "tokenizer_backend": ("none", "")}  # lm-eval's words for what we always do


@dataclass(frozen=True, slots=True)
class Options:
    """An endpoint as asked for. `max_length` is the model's context in tokens (None: the server's own limit decides);
    `schema` whether answers are asked for by JSON schema; `key_env` the variable that holds the key, if named."""

    base_url: str
    model: str
    query: tuple[tuple[str, str], ...] = ()
    max_length: int | None = None
    num_concurrent: int | None = None
    timeout_s: float | None = None
    max_retries: int | None = None
    schema: bool = True
    key_env: str | None = None

    @property
    def recorded(self) -> dict[str, str]:
        """The arguments that say who answers. How fast it is asked is not among them."""
        recorded = {"base_url": self.base_url, "model": self.model}
        if self.max_length is not None:
            recorded["max_length"] = str(self.max_length)
        return recorded if self.schema else recorded | {"schema": "off"}

    @property
    def key(self) -> str:
        """The key from the environment: `key_env`, else PROACTIVEBENCH_API_KEY, else OPENAI_API_KEY, else a filler
        (local servers ask for none). Raises `UsageError` where the vendor would want one, or `key_env` is not set."""
        names = (self.key_env,) if self.key_env else KEYS
        found = next((value for name in names if (value := os.environ.get(name, "").strip())), None)
        if found is None and (self.key_env or self.base_url == VENDOR):
            raise UsageError(f"no key for {self.base_url}: set {' or '.join(reversed(names))} in the environment")
        if found is not None and not (found.isascii() and found.isprintable()):
            raise UsageError(f"the key for {self.base_url} holds characters no key has: set it again, without quotes")
        return found or _NO_KEY


def parse_options(word: str, model_args: Mapping[str, str]) -> Options:
    """The options of `--model endpoint` or `--model openai` (whose address is OPENAI_BASE_URL or the vendor's own).

    Raises `UsageError` for secrets, unknown names, missing or malformed values.
    """
    refuse_secrets(model_args)
    args = {name: str(value).strip() for name, value in model_args.items()}
    args = {name: value for name, value in args.items() if value.lower() not in _SILENT.get(name, ())}
    if "pretrained" in args:
        args.setdefault("model", args.pop("pretrained"))
    unknown = sorted(set(args) - set(_KNOWN))
    if unknown:
        raise UsageError(
            f"--model {word} does not know {', '.join(unknown)} in --model_args: it takes {', '.join(_KNOWN)}"
        )
    base_url = args.get("base_url") or (os.environ.get("OPENAI_BASE_URL") or VENDOR if word == "openai" else "")
    if not base_url:
        raise UsageError("--model endpoint needs --model_args base_url=http://HOST:PORT/v1,model=NAME")
    if not args.get("model"):
        raise UsageError(f"--model {word} needs the model's name: --model_args model=NAME,…")
    address, query = _address(base_url)
    return Options(
        base_url=address,
        model=args["model"],
        query=query,
        max_length=_whole(args, "max_length", least=1),
        num_concurrent=_whole(args, "num_concurrent", least=1),
        timeout_s=_seconds(args),
        max_retries=_whole(args, "max_retries", least=0),
        schema=_switch(args),
        key_env=_variable(args),
    )


def _address(base_url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        url = urlsplit(base_url)
        host = url.hostname
        _ = url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise UsageError("base_url is not an address: write it like http://127.0.0.1:8000/v1")
    if url.username or url.password:
        raise UsageError("base_url carries credentials, and it is written to disk: set OPENAI_API_KEY instead")
    path = url.path.rstrip("/")
    if path.endswith("/chat/completions"):  # lm-eval's habit
        path = path.removesuffix("/chat/completions")
    elif path.endswith("/completions"):
        raise UsageError("base_url names a text completion API: conversations need the chat API, so give …/v1")
    return urlunsplit((url.scheme, url.netloc, path, "", "")), tuple(parse_qsl(url.query))


def _whole(args: Mapping[str, str], name: str, *, least: int) -> int | None:
    if name not in args:
        return None
    if not re.fullmatch(r"\d{1,9}", args[name]) or int(args[name]) < least:
        raise UsageError(f"{name}={args[name]} in --model_args: give a whole number, at least {least}")
    return int(args[name])


def _seconds(args: Mapping[str, str]) -> float | None:
    if "timeout" not in args:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", args["timeout"]) or float(args["timeout"]) == 0:
        raise UsageError(f"timeout={args['timeout']} in --model_args: give seconds, such as timeout=120")
    return float(args["timeout"])


def _switch(args: Mapping[str, str]) -> bool:
    value = args.get("schema", "auto").lower()
    if value not in ("auto", "on", "off", "true", "false"):
        raise UsageError(f"schema={value} in --model_args: it is auto (where the server takes one) or off")
    return value not in ("off", "false")


def _variable(args: Mapping[str, str]) -> str | None:
    name = args.get("key_env")
    if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise UsageError("key_env in --model_args is the NAME of an environment variable that holds the key")
    return name
