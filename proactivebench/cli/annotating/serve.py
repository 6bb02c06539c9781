"""`proactivebench annotate serve`: the pages of a job's annotators, on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli.parameters import PATH, Whole, option
from proactivebench.cli.terminal import safe

if TYPE_CHECKING:
    import socket

    from proactivebench.annotation.annotators import Admitted
    from proactivebench.annotation.job import JobFolder

JOB = "A job's folder, as `annotate prepare` writes it."


@click.command()
@click.argument("job", type=PATH, help=JOB)
@option("--port", type=Whole(0, 65_535), help="[default: the last one's, or 8765]")
@option("--annotator", multiple=True, metavar="NAME", help="Who gets a place and a link; may be repeated.")
@option("--relink", multiple=True, metavar="NAME", help="Who gets a new link; the old one ends.")
def serve(job: Path, port: int | None, annotator: tuple[str, ...], relink: tuple[str, ...]) -> None:
    """Serve a job's pages on this machine, one link a person.

    A link is printed once and works until its person withdraws. Every answer
    is on disk before the next item shows; Ctrl-C stops, and the same command
    goes on. With nobody named and nobody there, those planned get links.

    Example: proactivebench annotate serve job --annotator ann
    """
    from proactivebench.annotation.annotators import admit, held
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.order import planned
    from proactivebench.annotation.serving import AnnotationServer
    from proactivebench.annotation.showing import Material
    from proactivebench.annotation.voting import check
    from proactivebench.web.serving import serve as run

    folder = JobFolder(job)
    with held(folder, "use its links, or stop it first"):
        material = Material(folder)
        with _listen(folder, port) as listening:
            for name in {*folder.annotators(), *annotator} & {*folder.voters()}:
                check(material, name)
            there = admit(folder, annotator, relink=relink)
            if not there.annotators:
                there = admit(folder, planned(folder.job))
            server = AnnotationServer(material, there.annotators.values(), complain)
            run(server.app, listening, lambda: _tell_links(folder, there, listening.getsockname()[1]))
    print("stopped; every answer is saved: the same command goes on, with the same links")


def _listen(folder: JobFolder, port: int | None) -> socket.socket:
    """The port that was asked for; else the one that the links given so far have, or any that is free."""
    from proactivebench.annotation.serving import keep_port, last_port
    from proactivebench.errors import UsageError
    from proactivebench.web.serving import bind

    if port is not None:
        found = bind(port)
    else:
        wanted, known = last_port(folder)
        try:
            found = bind(wanted)
        except UsageError:
            found = bind(0)
            now = found.getsockname()[1]
            links = f"; in links given before, write {now} for {wanted}" if known and folder.annotators() else ""
            complain(f"port {wanted} is taken: serving at {now}{links}")
    keep_port(folder, found.getsockname()[1])
    return found


def _tell_links(folder: JobFolder, there: Admitted, port: int) -> None:
    from proactivebench.web.serving import HOST

    people = len(there.annotators)
    print(safe(f"{folder.path}: {len(folder.items):,} items, {people} annotator{'s' if people != 1 else ''}"))
    width = max(map(len, there.annotators))
    for name in there.annotators:
        token = there.tokens.get(name)
        link = f"http://{HOST}:{port}/a/{token}/" if token else f"has a link (--relink {name} makes a new one)"
        print(f"  {name:<{width}}  {link}")
    if there.tokens:
        print("Links are shown this once: give each person theirs.")
    print("Ctrl-C stops.", flush=True)


def complain(line: str) -> None:
    """One line on standard error, at once."""
    print(safe(" ".join(line.split())), file=sys.stderr, flush=True)
