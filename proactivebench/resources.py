"""Where the declarations (`tasks/`, `judges/`, `leaderboard/`) lie: in a checkout and in an installed package alike."""

from pathlib import Path

from proactivebench.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """Path of a shipped declaration, e.g. `shipped("judges", "lexical.yaml")`. The path may not exist."""
    installed = _PACKAGE / "_shipped"
    root = installed if installed.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)


def cache_folder() -> Path:
    """The user's cache for released data: `PROACTIVEBENCH_CACHE`, else the system's place for it
    (`$XDG_CACHE_HOME/proactivebench` or `~/.cache/proactivebench` on Linux)."""
    import os

    from platformdirs import user_cache_path

    named = os.environ.get("PROACTIVEBENCH_CACHE")
    try:
        found = Path(named).expanduser() if named else user_cache_path("proactivebench", appauthor=False)
    except RuntimeError:
        found = Path("~")
    if found.parts[:1] == ("~",):  # a user id that no system file knows, as containers give
        raise UsageError("this user has no home folder: name a cache folder in PROACTIVEBENCH_CACHE")
    return found
