"""People in the loop: what they are asked about, what they said, how far they agree, and where their votes go."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proactivebench.annotation.preparing import Prepared, prepare

__all__ = ["Prepared", "prepare"]


def __getattr__(name: str) -> Any:
    """What this package exports, loaded when it is used: most of its modules need none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from proactivebench.annotation import preparing

    return getattr(preparing, name)
