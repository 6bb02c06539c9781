"""Serving an app on this machine alone: a port on 127.0.0.1, every failure as one line, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import FrameType

from aiohttp import web

from proactivebench.errors import BadArgument, ProactiveBenchError, UsageError
from proactivebench.web.guard import MOST_BYTES, add_headers, refuse_strangers

HOST = "127.0.0.1"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bind(port: int) -> socket.socket:
    """A socket that listens on this port of 127.0.0.1 (0: on any that is free). Raises `UsageError` where it is taken
    or not ours to take."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Elsewhere it lets a server start again at once; on Windows it would let two listen on one port.
        option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        found.setsockopt(socket.SOL_SOCKET, option, 1)
        found.bind((HOST, port))
        found.listen(128)
    except OSError as error:
        found.close()
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise UsageError(f"port {port} {why}: give another --port, or --port 0 for any that is free") from None
    return found


def application(
    routes: Iterable[web.AbstractRouteDef],
    *,
    statuses: Mapping[type[ProactiveBenchError], int],
    say: Callable[[str], None],
) -> web.Application:
    """An app that answers its own links and nobody else.

    Args:
        routes: What it serves.
        statuses: With which status each expected failure is answered, its line as `{"error": …}`; the nearest class
            counts, and `BadArgument` is a 400.
        say: Told in one line, for the terminal, of a fault that nobody expected.
    """
    known: dict[type[ProactiveBenchError], int] = {BadArgument: 400, **statuses}

    @web.middleware
    async def guarded(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            refuse_strangers(request)
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:  # it leads elsewhere
                raise
            return _said(request, error.status, error.text or error.reason, error.headers.get("Allow"))
        except ProactiveBenchError as error:
            status = next((known[kind] for kind in type(error).__mro__ if kind in known), None)
            if status is not None:
                return _said(request, status, str(error))
            say(_fault(error))
            return _said(request, 500, str(error))
        except (ConnectionError, web.RequestPayloadError):
            return _said(request, 400, "the request was cut off")  # whoever sent it is gone
        except Exception as error:
            say(_fault(error))
            return _said(request, 500, "a fault of the server; its terminal says which")

    app = web.Application(middlewares=[guarded], client_max_size=MOST_BYTES)
    app.on_response_prepare.append(add_headers)
    app.add_routes(routes)
    return app


@asynccontextmanager
async def listening(app: web.Application, at: socket.socket) -> AsyncIterator[int]:
    """Serve `app` at a socket from `bind`; gives the port. At the end, requests in flight have two seconds."""
    # No access log, since the tokens are in the addresses; and no log of what is no HTTP, which is answered with a 400.
    silent = logging.getLogger(__name__)
    silent.disabled = True
    runner = web.AppRunner(app, access_log=None, logger=silent, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.SockSite(runner, at).start()
        yield int(at.getsockname()[1])
    finally:
        await runner.cleanup()


def serve(app: web.Application, at: socket.socket, ready: Callable[[], None]) -> None:
    """Serve `app` until Ctrl-C or a polite kill; `ready` is called once it answers. A second Ctrl-C does not wait."""

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        names = (signal.SIGINT, signal.SIGTERM)
        before = {name: signal.getsignal(name) for name in names}

        def signalled(_number: int, _frame: FrameType | None) -> None:
            for name, handler in before.items():
                signal.signal(name, handler)
            loop.call_soon_threadsafe(stop.set)

        for name in names:  # not loop.add_signal_handler, which Windows does not have
            signal.signal(name, signalled)
        async with listening(app, at):
            ready()
            await stop.wait()

    asyncio.run(until_stopped())


def _fault(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _said(request: web.Request, status: int, line: str, allow: str | None = None) -> web.Response:
    """One line: as JSON to a script, as plain text to whoever opens the address."""
    line = " ".join(line.split())
    headers = {} if allow is None else {"Allow": allow}
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return web.Response(status=status, text=f"{line}\n", headers=headers)
    return web.json_response({"error": line}, status=status, headers=headers)
