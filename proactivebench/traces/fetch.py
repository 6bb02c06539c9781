"""Pinned files: taken from a mirror, the user's cache or the origin, and believed only when their sha256 is right."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from proactivebench.errors import CannotWrite, DataError
from proactivebench.proxies import through_proxy

MIRROR = "PROACTIVEBENCH_MIRROR"
WAYS_OUT = f"go online once, or set {MIRROR} to a folder or base URL that holds the release's dataset/ and eval/"
MAX_BYTES = 256 * 2**20  # no file of the release comes near; a server that sends more is not the release


class MissingFile(DataError):
    """A pinned file that neither mirror, cache nor origin gives."""


class Unreachable(MissingFile):
    """The origin or mirror does not answer at all: asking it for the next file is no use."""


class WrongHash(DataError):
    """A file whose content is not what was pinned."""


def read_pinned(name: str, sha256: str, *, origin: str, cache: Path) -> bytes:
    """The verified content of `name`. A mirror folder is read in place and never copied; what a URL gives is cached.

    Raises `WrongHash` for content that is not the pinned one, `MissingFile` where nobody has it, `CannotWrite` where
    the cache cannot be written.
    """
    mirror = mirror_folder()
    if mirror is not None and (mirror / name).is_file():
        return _verified(_read(mirror / name), name, sha256, str(mirror))
    cached = cache / name
    if cached.is_file():
        content = _read(cached)
        if hashlib.sha256(content).hexdigest() == sha256:
            return content  # a torn or stale copy is fetched again instead
    if mirror is not None:
        raise MissingFile(f"{name}: not in the mirror {mirror}; add it there, or unset {MIRROR} to fetch the original")
    base = os.environ.get(MIRROR) or origin
    content = _verified(_download(name, base), name, sha256, base)
    _write(cached, content)
    return content


def pinned_path(name: str, sha256: str, *, origin: str, cache: Path) -> Path:
    """Where the verified file lies: in the mirror folder or in the cache. Raises like `read_pinned`."""
    read_pinned(name, sha256, origin=origin, cache=cache)
    mirror = mirror_folder()
    in_mirror = mirror is not None and (mirror / name).is_file()
    return mirror / name if mirror is not None and in_mirror else cache / name


def is_here(name: str, sha256: str, *, cache: Path) -> bool:
    """Whether the file can be read without the network. Raises `WrongHash` if a mirror folder holds another content."""
    mirror = mirror_folder()
    if mirror is not None and (mirror / name).is_file():
        _verified(_read(mirror / name), name, sha256, str(mirror))
        return True
    return (cache / name).is_file() and hashlib.sha256(_read(cache / name)).hexdigest() == sha256


def mirror_folder() -> Path | None:
    """The folder `PROACTIVEBENCH_MIRROR` names; None where it is unset or a URL. Raises if there is no such folder."""
    named = os.environ.get(MIRROR)
    if not named or named.startswith(("http://", "https://")):
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise MissingFile(f"{MIRROR}={named}: no such folder; name a folder or base URL laid out like the release")
    return folder


def _verified(content: bytes, name: str, sha256: str, origin: str) -> bytes:
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise WrongHash(f"{name} from {origin}: expected sha256 {sha256}, got {got}; this is not the pinned file")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _download(name: str, base: str) -> bytes:
    import httpx
    import tenacity

    url = f"{base.rstrip('/')}/{name}"
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_passing),
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_exponential(multiplier=0.3, max=5),
        reraise=True,
    )
    try:
        return retrying(_get, url)
    except httpx.HTTPStatusError as error:
        raise MissingFile(f"{name}: {url} answers {error.response.status_code}; {WAYS_OUT}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        way = through_proxy(url)
        raise Unreachable(f"{name}: {base} cannot be reached{way} ({type(error).__name__}); {WAYS_OUT}") from error
    except (ValueError, ImportError) as error:  # what the client makes of a proxy that it cannot use
        if not (way := through_proxy(url)):
            raise
        raise Unreachable(f"{name}: {base} cannot be asked{way}: set or unset HTTPS_PROXY; {WAYS_OUT}") from error


def _get(url: str) -> bytes:
    import httpx

    with httpx.stream("GET", url, timeout=httpx.Timeout(60, connect=10), follow_redirects=True) as response:
        response.raise_for_status()
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                raise DataError(f"{url}: more than {MAX_BYTES // 2**20} MiB; this is not the release")
        return bytes(content)


def _passing(error: BaseException) -> bool:
    """Whether a failure may be gone on the next attempt."""
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _write(path: Path, content: bytes) -> None:
    """Replace `path` in one step, so that a reader or a second process never meets half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWrite(
            f"{path}: {error.strerror}; make room or name another folder in PROACTIVEBENCH_CACHE"
        ) from error
