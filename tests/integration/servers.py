"""Real OpenAI-compatible servers with a real model behind them, for the length of a test module."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Served:
    """Where a model is served and what a request must call it."""

    base_url: str
    model: str
    log: Path


@contextmanager
def transformers_serve(model: Path, scratch: Path) -> Iterator[Served]:
    """`transformers serve` on a free port of loopback; its name for the model is the model's path."""
    hub = scratch / "hf" / "hub"  # its list of models fails without this folder
    hub.mkdir(parents=True, exist_ok=True)
    port = free_port()
    program = str(Path(sys.executable).with_name("transformers"))
    command = [program, "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {"HF_HOME": str(hub.parent), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with _running([*command, "--dtype", "float32"], environment, scratch / "serve.log", port, "/health") as log:
        yield Served(f"http://127.0.0.1:{port}/v1", str(model), log)


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, port: int, health: str, patience: float = 120
) -> Iterator[Path]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        _wait(process, f"http://127.0.0.1:{port}{health}", log, patience)
        yield log
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(address, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise RuntimeError(f"the server did not come up: {log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
