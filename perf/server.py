"""A chat server in a process of its own that takes, over each turn, exactly the time the latency table says.

python -m perf.server SEED SCALE [CONSTANT_S]    prints its port
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from perf.latency import latency_s

_TURN = re.compile(rb"\[trace (\d+) turn (\d+)\]")
ANSWER = json.dumps({"Proactive Task": "Offer to tidy up the paragraph that was just edited.", "Response": "Shall I?"})


@contextmanager
def slow_server(seed: int = 0, scale: float = 1.0, constant_s: float = 0.0, answer: str = ANSWER) -> Iterator[str]:
    """The base URL of a server whose latencies are those of the table times `scale`, or `constant_s` if that is set."""
    command = [sys.executable, "-m", "perf.server", str(seed), str(scale), str(constant_s), answer]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


def main(seed: int, scale: float, constant_s: float, answer: str) -> None:
    """Serve until told to stop."""
    from aiohttp import web

    completion = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 30, "total_tokens": 530},
    }
    body = json.dumps(completion).encode()

    async def complete(request: web.Request) -> web.Response:
        turns = _TURN.findall(await request.read())
        if turns:
            trace, turn = turns[-1]
            await asyncio.sleep(constant_s or scale * latency_s(int(trace), int(turn), seed))
        return web.Response(body=body, content_type="application/json")

    async def serve() -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
