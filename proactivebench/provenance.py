"""What a run was made with, for its manifest: package, version and hash of the code behind each word, and versions."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata

from proactivebench import plugins
from proactivebench.plugins import Contract
from proactivebench.records import AgentIdentity, Code, JudgeIdentity, ProtocolIdentity


def versions() -> dict[str, str]:
    """Versions of what shapes the numbers."""
    found = {"python": platform.python_version()}
    for name in ("proactivebench-eval", "lm-eval", "aiohttp", "torch", "transformers", "vllm"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def words_of(agent: AgentIdentity, protocol: ProtocolIdentity, judges: Iterable[JudgeIdentity]) -> dict[str, Code]:
    """The code behind a run's agent, protocol and kinds of judges, and the metrics that installed packages add.

    Returns:
        By contract and word (`agents:never`); a backend of lm-eval is lm-eval's.
    """
    found = {f"{Contract.AGENT}:{agent.model}": agent.code or _agent(agent.model)}
    found[f"{Contract.PROTOCOL}:{protocol.name}"] = protocol.code or _ours(Contract.PROTOCOL, protocol.name)
    for judge in judges:
        for member in judge.members:
            found[f"{Contract.JUDGE}:{member.kind}"] = member.code or _ours(Contract.JUDGE, member.kind)
    for plug in plugins.plugs(Contract.METRIC):
        if not plug.ours:
            found[f"{Contract.METRIC}:{plug.word}"] = Code(package=plug.package, version=plug.version)
    return {word: code for word, code in found.items() if code is not None}


def _agent(word: str) -> Code | None:
    ours = _ours(Contract.AGENT, word) or _ours(Contract.MODEL, word)
    if ours is not None:
        return ours
    try:
        return Code(package="lm-eval", version=metadata.version("lm-eval"))
    except metadata.PackageNotFoundError:
        return None


def _ours(contract: Contract, word: str) -> Code | None:
    plug = plugins.built_in(contract, word)
    return plug.code if plug else None
