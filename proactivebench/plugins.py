"""The registry: what every word of `--model`, `--judge_model`, `--judge`, `--protocol` and `--metric` can stand for.

Four ways in, one for everybody. Ours are `PLUGS` in a module of the contract's folder (`HOMES`): a new one is a new
file, or a line in one. Others come as entry points (`proactivebench.agents`, `.models`, `.judges`, `.protocols`,
`.metrics`, `.suites`) of an installed package, as `FILE.py:NAME`, or as objects from Python.

    plugins.get(Contract.AGENT, "never").load()        # a built-in word, an entry point's, or FILE.py:NAME
    plugins.of(Contract.AGENT, my_function).code       # an object: where its code is from, and the code's sha256

Nothing is imported before it is asked for, and nothing from outside because a stored file names it: what reads files
of others asks `built_in`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from proactivebench.errors import BadArgument, UnknownName, UsageError
from proactivebench.naming import did_you_mean
from proactivebench.records import Code


class Contract(StrEnum):
    """What can be plugged in; the value is the last part of its entry-point group."""

    SUITE = "suites"
    AGENT = "agents"
    MODEL = "models"
    JUDGE = "judges"
    PROTOCOL = "protocols"
    METRIC = "metrics"

    @property
    def group(self) -> str:
        """The entry-point group."""
        return f"proactivebench.{self.value}"


# Where ours are declared: every module of these packages may have PLUGS.
HOMES: dict[Contract, str] = {
    Contract.SUITE: "proactivebench.traces.kinds",
    Contract.AGENT: "proactivebench.agents.kinds",
    Contract.MODEL: "proactivebench.models.kinds",
    Contract.JUDGE: "proactivebench.judging.kinds",
    Contract.PROTOCOL: "proactivebench.protocols.kinds",
}
OURS = "proactivebench-eval"
_FILE = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Plug:
    """A word and what it stands for: `target` is the object, or the "module:attribute" that is loaded when it is
    needed. `about` and `args` are for people: what it is, and which arguments it takes. `package` and `version` name
    the distribution it comes from, `module` where its code stands if not where the target's type does. `trivial` is set
    for agents that compute their answers and put every score in its place: only for ours."""

    contract: Contract
    word: str
    target: Any
    about: str = ""
    args: str = ""
    package: str = OURS
    version: str | None = None
    trivial: bool = False
    module: str | None = None

    @property
    def ours(self) -> bool:
        """Whether it comes with this package."""
        return self.package == OURS

    def load(self) -> Any:
        """What the word stands for. Raises `UsageError` in one line where it cannot be loaded."""
        if not isinstance(self.target, str):
            return self.target
        try:
            return imported(self.target)
        except (Exception, SystemExit) as error:  # foreign code may do anything
            remedy = f"mend or remove the package {self.package}"
            raise BadArgument(
                f"{self.contract.value} '{self.word}' ({self.target}) cannot be loaded: {brief(error)}: {remedy}"
            ) from error

    @property
    def code(self) -> Code:
        """Where its code is from, with the code's hash. Loads it."""
        target = self.load()
        module = self.target.partition(":")[0] if isinstance(self.target, str) else self.module
        if self.ours:  # the version says the rest
            home = str(module or getattr(target, "__module__", ""))
            own = _source_of(sys.modules.get(home))
            digest = hashlib.sha256(own.read_bytes()).hexdigest() if own else None
        else:
            digest = _hash_of_module(sys.modules.get(module)) if module else code_of(target).sha256
        version = _version(OURS) if self.ours else self.version
        return Code(package=self.package, version=version, sha256=digest)


@cache
def ours(contract: Contract) -> tuple[Plug, ...]:
    """What comes with this package."""
    home = HOMES.get(contract)
    if home is None:
        return ()
    folder = importlib.import_module(home)
    found: list[Plug] = []
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda module: module.name):
        found += getattr(importlib.import_module(f"{home}.{module.name}"), "PLUGS", ())
    return tuple(plug for plug in found if plug.contract is contract)


def plugs(contract: Contract) -> list[Plug]:
    """Everything that has a word: ours first, then what installed packages add."""
    return [*ours(contract), *_entry_points(contract)]


def built_in(contract: Contract, word: str) -> Plug | None:
    """Ours of that word. Loads nothing from outside, whatever the word: for words that stored files name."""
    return next((plug for plug in ours(contract) if plug.word == word), None)


def named(contract: Contract, word: str) -> Plug | None:
    """Ours of that word, or an installed package's. None where nobody has it. Raises `UsageError` where two have."""
    known = built_in(contract, word)
    if known is not None:
        return known
    found = [plug for plug in _entry_points(contract) if plug.word == word]
    if len(found) > 1:
        packages = " and ".join(sorted(plug.package for plug in found))
        raise UsageError(f"{contract.value}: both {packages} have a '{word}': remove one of the packages")
    return found[0] if found else None


def find(contract: Contract, word: str, beside: Path | None = None) -> Plug | None:
    """What `word` names: ours, an installed package's, or FILE.py:NAME (looked up in the folder `beside`). None where
    nobody knows it.

    Raises `UsageError` where two packages have the word, or the file does not hold the name.
    """
    known = named(contract, word)
    if known is not None:
        return known
    folder = beside or Path()
    if word.endswith(".py") and (folder / Path(word).expanduser()).is_file():
        names = ", ".join(_public(_module_at(folder / Path(word).expanduser())))
        raise BadArgument(f"{word}: say which name in it is meant: {word}:NAME; it has {names or 'none'}")
    match = _FILE.fullmatch(word)
    if match is None and ".py:" in word:
        raise BadArgument(f"{word}: write FILE.py:NAME, where NAME is one name that the file defines")
    return _from_file(contract, folder / Path(match["file"]).expanduser(), match["name"]) if match else None


def in_file(word: str) -> bool:
    """Whether a word is FILE.py:NAME."""
    return _FILE.fullmatch(word) is not None


def get(contract: Contract, word: str) -> Plug:
    """As `find`. Raises `UsageError` with the nearest known words where nobody knows the word."""
    found = find(contract, word)
    if found is None:
        known = [plug.word for plug in plugs(contract)]
        raise UnknownName(
            f"no {contract.value.removesuffix('s')} '{word}': {did_you_mean(word, known)}"
            f"there are {', '.join(known) or 'none'}, and FILE.py:NAME"
        )
    return found


def of(contract: Contract, target: object) -> Plug:
    """An object as a plug: its word is MODULE:NAME (never one of ours), its code that of the module it is from."""
    where = code_of(target)
    owner = target if inspect.isclass(target) or inspect.isroutine(target) else type(target)
    word = f"{owner.__module__}:{getattr(owner, '__name__', type(owner).__name__)}"
    return Plug(contract, word, target, _first_line(target), package=where.package, version=where.version)


def code_of(target: object) -> Code:
    """Where an object's code is from: the distribution (or the module) with its version, and the sha256 of the source.

    The source is the module's own file; of a module in a package every `.py` file of the folder it lies in, with the
    folders below. None where there is no source to read (code typed at a prompt).
    """
    target = getattr(target, "made_by", target)  # what wraps a function is where the function is
    owner = target if inspect.isclass(target) or inspect.isroutine(target) else type(target)
    owner = inspect.unwrap(owner) if inspect.isroutine(owner) else owner
    name = getattr(owner, "__module__", None) or "builtins"
    module = sys.modules.get(name)
    file = _source_of(module)
    package = name.partition(".")[0]
    distributions = _distributions().get(package, ()) if name != "__main__" else ()
    if file is not None and len(distributions) != 1:
        return Code(package=name if getattr(module, "__package__", "") else file.name, sha256=_hash_of_module(module))
    if distributions:
        return Code(package=distributions[0], version=_version(distributions[0]), sha256=_hash_of_module(module))
    return Code(package=name, sha256=_hash_of_text(owner))


def imported(place: str) -> Any:
    """What "module:attribute" leads to."""
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split(".") if path else ():
        found = getattr(found, name)
    return found


def _entry_points(contract: Contract) -> Iterator[Plug]:
    seen = set()
    for point in metadata.entry_points(group=contract.group):
        package, version = (point.dist.name, point.dist.version) if point.dist else (point.module, None)
        if (package, point.name) not in seen:  # a folder may stand on the path twice
            seen.add((package, point.name))
            yield Plug(contract, point.name, point.value.partition("[")[0].strip(), package=package, version=version)


def _from_file(contract: Contract, file: Path, name: str) -> Plug:
    if not file.is_file():
        raise UnknownName(f"{file}:{name}: there is no file {file}: give FILE.py:NAME")
    module = _module_at(file)
    if not hasattr(module, name):
        known = _public(module)
        raise UnknownName(
            f"{file} has no '{name}': {did_you_mean(name, known)}it has {', '.join(known) or 'no public name'}"
        )
    target = getattr(module, name)
    word = f"{file.name}:{name}"
    return Plug(contract, word, target, _first_line(target), package=file.name, module=module.__name__)


def _module_at(file: Path) -> ModuleType:
    """The module in a file, run once; its folder is on the path, behind all else, for what it imports from beside."""
    place = file.resolve()
    name = f"{file.stem}_{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise BadArgument(f"{file} cannot be loaded: give a Python file")
    if str(place.parent) not in sys.path:
        sys.path.append(str(place.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # foreign code may do anything
        del sys.modules[name]
        raise BadArgument(f"{file} cannot be loaded: {brief(error)}: correct the file") from error
    return module


def _public(module: ModuleType) -> list[str]:
    """Names that a module defines itself and that could be meant."""
    return [name for name, value in vars(module).items() if not name.startswith("_") and _meant(value, module)]


def _meant(value: object, module: ModuleType) -> bool:
    """A function or class of the module's own, or an object of one of our classes that it made."""
    if callable(value) and getattr(value, "__module__", None) == module.__name__:
        return True
    return type(value).__module__.partition(".")[0] == __package__


def _source_of(module: ModuleType | None) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file and file.endswith(".py") and Path(file).is_file() else None


def _hash_of_module(module: ModuleType | None) -> str | None:
    file = _source_of(module)
    if file is None:
        return None
    whole = hashlib.sha256()
    if not getattr(module, "__package__", ""):
        whole.update(file.read_bytes())
        return whole.hexdigest()
    for source in sorted(file.parent.rglob("*.py")):
        whole.update(f"{source.relative_to(file.parent).as_posix()}\0".encode())
        whole.update(hashlib.sha256(source.read_bytes()).digest())
    return whole.hexdigest()


def _hash_of_text(owner: object) -> str | None:
    try:
        return hashlib.sha256(inspect.getsource(owner).encode()).hexdigest()  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None


@cache
def _distributions() -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(set(found))) for name, found in metadata.packages_distributions().items()}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _first_line(target: object) -> str:
    text = inspect.getdoc(target) if inspect.isclass(target) or inspect.isroutine(target) else None
    return (text or "").partition("\n")[0].strip()


def brief(error: BaseException) -> str:
    """What code from outside raised, on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
