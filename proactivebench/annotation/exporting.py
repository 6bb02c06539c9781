"""A job in the form of other tools, as a folder of files."""

from __future__ import annotations

from pathlib import Path

from proactivebench.annotation.formats.contract import Format
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import BadArgument
from proactivebench.store import cannot_write, refuse_full, whole_folder, write_whole


def export_job(form: Format, folder: JobFolder, output_path: Path) -> list[Path]:
    """Write a job's files in a format, all of them or none. Those of a sealed job are their owner's alone to read.

    Args:
        form: The format.
        folder: The job.
        output_path: A new or empty folder.

    Returns:
        The files, in the order of their names.

    Raises:
        BadArgument: The format is not written.
        WrongFile: The folder holds something.
        DataError: The job cannot be read.
        CannotWrite: It cannot be written.
    """
    if form.write is None:
        raise BadArgument(f"{form.name} is read only: there is nothing to write")
    refuse_full(output_path)
    texts = form.write(folder)
    written = []
    with whole_folder(output_path):
        for name, text in sorted(texts.items()):
            file = output_path / name
            with cannot_write(file):
                file.parent.mkdir(parents=True, exist_ok=True)
            written.append(write_whole(file, text, private=folder.job.sealed))
    return written
