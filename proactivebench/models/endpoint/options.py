"""The `--model_args` of an endpoint: where it is, which model, and how hard it may be asked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from proactivebench.errors import AuthenticationFailed, BadArgument, UnknownName
from proactivebench.models.secrets import refuse_secrets

VENDOR = "https://api.openai.com/v1"
KEYS = ("PROACTIVEBENCH_API_KEY", "OPENAI_API_KEY")
_NO_KEY = "EMPTY"  # local servers take any; the client insists on one
_KNOWN = (
    "base_url",
    "model",
    "max_length",
    "num_concurrent",
    "timeout",
    "max_retries",
    "schema",
    "stream",
    "reasoning",
    "key_env",
    "key_header",
)
_TAKEN = {
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
}
_SILENT = {"tokenized_requests": ("false",), "tokenizer_backend": ("none", "")}  # lm-eval's words for what we always do


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """An endpoint as asked for. `max_length` is the model's context in tokens (None: the server's own limit decides);
    `schema` whether answers are asked for by JSON schema; `stream` whether as a stream and `reasoning` whether a
    model's earlier thoughts go back to it (None: as the probe finds); `key_env` the variable that holds the key, if
    named, and `key_header` the header it travels in (None: `Authorization`, as a bearer)."""

    base_url: str
    model: str
    query: tuple[tuple[str, str], ...] = ()
    max_length: int | None = None
    num_concurrent: int | None = None
    timeout_s: float | None = None
    max_retries: int | None = None
    schema: bool = True
    stream: bool | None = None
    reasoning: bool | None = None
    key_env: str | None = None
    key_header: str | None = None

    @property
    def recorded(self) -> dict[str, str]:
        """The arguments that say who answers. How fast it is asked is not among them."""
        recorded = {"base_url": self.base_url, "model": self.model}
        if self.max_length is not None:
            recorded["max_length"] = str(self.max_length)
        if not self.schema:
            recorded["schema"] = "off"
        if self.reasoning is not None:
            recorded["reasoning"] = "return" if self.reasoning else "drop"
        return recorded

    @property
    def address(self) -> str:
        """Where conversations go, the query of the base URL with them."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{self.base_url}/chat/completions{query}"

    @property
    def keys(self) -> str:
        """The variables a key is read from, in the words of a message."""
        return self.key_env or " or ".join(reversed(KEYS))

    @property
    def key(self) -> str:
        """The key from the environment: `key_env`, else PROACTIVEBENCH_API_KEY, else OPENAI_API_KEY, else a filler
        (local servers ask for none). Raises `UsageError` where the vendor would want one, where `key_env` is not set,
        or where `key_header` has nothing to carry."""
        names = (self.key_env,) if self.key_env else KEYS
        found = next((value for name in names if (value := os.environ.get(name, "").strip())), None)
        if found is None and (self.key_env or self.key_header or self.base_url == VENDOR):
            raise AuthenticationFailed(f"no key for {self.base_url}: set {self.keys} in the environment")
        if found is not None and not (found.isascii() and found.isprintable()):
            raise AuthenticationFailed(
                f"the key for {self.base_url} holds characters no key has: set it again, without quotes"
            )
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
        raise UnknownName(
            f"--model {word} does not know {', '.join(unknown)} in --model_args: it takes {', '.join(_KNOWN)}"
        )
    base_url = args.get("base_url") or (os.environ.get("OPENAI_BASE_URL") or VENDOR if word == "openai" else "")
    if not base_url:
        raise BadArgument("--model endpoint needs --model_args base_url=http://HOST:PORT/v1,model=NAME")
    if not args.get("model"):
        raise BadArgument(f"--model {word} needs the model's name: --model_args model=NAME,…")
    address, query = _address(base_url)
    return Options(
        base_url=address,
        model=args["model"],
        query=query,
        max_length=_whole(args, "max_length", least=1),
        num_concurrent=_whole(args, "num_concurrent", least=1),
        timeout_s=_seconds(args),
        max_retries=_whole(args, "max_retries", least=0),
        schema=_choice(args, "schema", {"auto": True, "on": True, "true": True, "off": False, "false": False}),
        stream=_choice(args, "stream", {"auto": None, "on": True, "true": True, "off": False, "false": False}),
        reasoning=_choice(args, "reasoning", {"auto": None, "return": True, "drop": False}),
        key_env=key_variable(args),
        key_header=key_header(args),
    )


def _address(base_url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        url = urlsplit(base_url)
        host = url.hostname
        _ = url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise BadArgument("base_url is not an address: write it like http://127.0.0.1:8000/v1")
    if url.username or url.password:
        raise BadArgument("base_url carries credentials, and it is written to disk: set OPENAI_API_KEY instead")
    path = url.path.rstrip("/")
    if path.endswith("/chat/completions"):  # lm-eval's habit
        path = path.removesuffix("/chat/completions")
    elif path.endswith("/completions"):
        raise BadArgument("base_url names a text completion API: conversations need the chat API, so give …/v1")
    return urlunsplit((url.scheme, url.netloc, path, "", "")), tuple(parse_qsl(url.query))


def _whole(args: Mapping[str, str], name: str, *, least: int) -> int | None:
    if name not in args:
        return None
    if not re.fullmatch(r"\d{1,9}", args[name]) or int(args[name]) < least:
        raise BadArgument(f"{name}={args[name]} in --model_args: give a whole number, at least {least}")
    return int(args[name])


def _seconds(args: Mapping[str, str]) -> float | None:
    if "timeout" not in args:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", args["timeout"]) or float(args["timeout"]) == 0:
        raise BadArgument(f"timeout={args['timeout']} in --model_args: give seconds, such as timeout=120")
    return float(args["timeout"])


def _choice(args: Mapping[str, str], name: str, choices: Mapping[str, T]) -> T:
    value = args.get(name, "auto").lower()
    if value not in choices:
        words = [word for word in choices if word not in ("true", "false")]
        raise BadArgument(f"{name}={args[name]} in --model_args: it is {', '.join(words[:-1])} or {words[-1]}")
    return choices[value]


def key_variable(args: Mapping[str, str]) -> str | None:
    """The environment variable that `key_env` names. Raises `UsageError` for what can be the name of none."""
    name = args.get("key_env")
    if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise BadArgument("key_env in --model_args is the NAME of an environment variable that holds the key")
    return name


def key_header(args: Mapping[str, str]) -> str | None:
    """The header that `key_header` names, None for the usual one. Raises `UsageError` for what can be none."""
    name = args.get("key_header")
    if name is None or name.lower() == "authorization":
        return None
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,49}", name) or name.lower() in _TAKEN:
        raise BadArgument(
            "key_header in --model_args is the NAME of the header that carries the key, such as key_header=api-key"
        )
    return name
