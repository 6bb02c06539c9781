"""Files that a user names: read whole, gunzipped where they are gzip, refused in one line that says what they are."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from proactivebench.errors import WrongFile
from proactivebench.naming import did_you_mean
from proactivebench.recognition import GZIP, recognised

MOST_BYTES = 2**31  # read or unpacked: a gzip file can claim anything, a pipe need not end
_CHUNK = 2**20
_KEPT_YAML = 2**16  # characters: a card, not a table


def read_bytes(path: Path, wanted: str, *, most: int | None = None) -> bytes:
    """The content of a file; of a gzip file, whatever its name, what is in it.

    Args:
        path: What the user named.
        wanted: What belongs there, to go on with after "give": "a JSONL file of traces".
        most: How many bytes it may hold, packed and unpacked; 2 GiB, where nothing is said.

    Raises:
        WrongFile: There is nothing, it is a folder, it holds more, or it cannot be read.
    """
    most = MOST_BYTES if most is None else most
    try:
        if path.is_char_device() or path.is_block_device():  # it may have no end
            raise WrongFile(f"{path} is a device: give {wanted}")
        with path.open("rb") as stream:
            content = _bounded(stream, path, most)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongFile(f"{path}: no such file: give {wanted}") from None
    except ValueError:  # a null character
        raise WrongFile(f"{path!s:.80}: no name that a file can have: give {wanted}") from None
    except OSError as error:
        if path.is_dir():
            raise WrongFile(f"{path} is a folder: give {wanted}") from None
        raise WrongFile(f"{path}: cannot be read ({error.strerror}): give {wanted}") from None
    return _unpacked(content, path, most) if content.startswith(GZIP) else content


def read_text(path: Path, wanted: str) -> str:
    """A file's text, a byte order mark left out. Raises `WrongFile` like `read_bytes`, and where it is no text."""
    content = read_bytes(path, wanted)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(path, content, wanted, f"not UTF-8 at byte {error.start}") from None


def read_yaml(path: Path, wanted: str) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty one. Raises `WrongFile` for everything else."""
    import yaml

    text = read_text(path, wanted)
    try:
        node = _composed(text) if len(text) < _KEPT_YAML else yaml.compose(text, yaml.SafeLoader)
        found = None if node is None else yaml.constructor.SafeConstructor().construct_document(node)
        twice = _doubled(node)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or type(error).__name__
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _wrong(path, text.encode(), wanted, f"no YAML ({what}{place})") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else "a single value"
        raise _wrong(path, text.encode(), wanted, f"{kind}, not a mapping of names to values")
    if twice is not None:
        raise WrongFile(f"{path} sets '{twice}' twice, and it takes one value: leave one")
    return found


def foreign(source: Path | str, content: bytes, wanted: str, own: str = "") -> WrongFile | None:
    """The error for a file that is something else than `wanted`, where it can be told what. `own` is what `recognised`
    calls the kind that belongs there: a file of that kind has another fault."""
    kind = recognised(content, Path(source).name)
    if kind is None or kind.name == own:
        return None
    way_out = kind.as_lines if kind.as_lines and wanted.startswith("JSON Lines") else kind.way_out
    return WrongFile(f"{source} is {kind.name}: {way_out} {wanted}")


def unfit(path: Path, wanted: str) -> WrongFile:
    """The error for a file that stands where something else belongs. Raises `WrongFile` where it cannot be read."""
    return foreign(path, read_bytes(path, wanted), wanted) or WrongFile(f"{path} is something else: give {wanted}")


def folder(path: Path, wanted: str) -> Path:
    """The folder a user named. Raises `WrongFile` where there is none, or a file in its place."""
    if path.is_dir():
        return path
    if path.is_file():
        raise unfit(path, wanted)
    raise WrongFile(f"{path}: no such folder: give {wanted}")


def no_run(path: Path) -> WrongFile:
    """The error for a path that is given as a run and is none: what it is, and where a run may be."""
    wanted = "a run's folder"
    if path.is_file():
        own = path.parent if (path.parent / "manifest.json").is_file() else None
        if own and path.suffix in (".json", ".jsonl"):
            return WrongFile(f"{path} is a file of a run: give its folder, {own}")
        return unfit(path, wanted)
    near = path if path.is_dir() else path.parent
    try:
        runs = sorted(str(found.parent) for found in near.glob("*/manifest.json"))
    except (OSError, ValueError):
        runs = []
    if not path.is_dir():
        return WrongFile(f"{path} is not a run, nothing is there: {did_you_mean(str(path), runs)}give {wanted}")
    if runs:
        more = f" and {len(runs) - 3} more" if len(runs) > 3 else ""
        return WrongFile(f"{path} is not a run but holds some: give one of {', '.join(runs[:3])}{more}")
    kind = "an entry of a board" if (path / "entry.json").is_file() else "not a run: it has no manifest.json"
    return WrongFile(f"{path} is {kind}; give {wanted}")


def _wrong(path: Path, content: bytes, wanted: str, otherwise: str) -> WrongFile:
    return foreign(path, content, wanted, own="a YAML file") or WrongFile(f"{path}: {otherwise}: give {wanted}")


@lru_cache(maxsize=64)
def _composed(text: str) -> Any:
    """The nodes of a YAML text. Finding them is what costs, and a report reads the same few cards again and again."""
    import yaml

    return yaml.compose(text, yaml.SafeLoader)


def _doubled(root: Any) -> str | None:
    """The first key that a mapping, at any depth, has twice: reading it would lose one of the values unseen."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(getattr(node, "value", None), list):
            continue
        seen.add(id(node))  # an alias stands for a node that was looked at
        pairs = [one for one in node.value if isinstance(one, tuple)]
        keys = Counter(str(key.value) for key, _ in pairs)
        if twice := next((key for key, times in keys.items() if times > 1), None):
            return twice
        waiting += [value for _, value in pairs] or node.value
    return None


def _unpacked(content: bytes, path: Path, most: int) -> bytes:
    try:
        with gzip.open(BytesIO(content)) as stream:
            return _bounded(stream, path, most)
    except (OSError, EOFError, zlib.error):
        raise WrongFile(f"{path} is a gzip file that is cut off or damaged: make or fetch it again") from None


def _bounded(stream: IO[bytes] | gzip.GzipFile, path: Path, most: int) -> bytes:
    found = bytearray()
    while chunk := stream.read(_CHUNK):
        found += chunk
        if len(found) > most:
            size = f"{most // 2**30} GiB" if most >= 2**30 else f"{most // 2**20} MiB"
            raise WrongFile(f"{path} holds more than {size}: split it")
    return bytes(found)
