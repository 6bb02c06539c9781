"""Judges: one contract, cards that declare them, and composition by name."""

from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.judging.cache import open_cache
from proactivebench.judging.create import create_judge, needs_model, shipped_judge
from proactivebench.judging.spec import default_spec

__all__ = ["Item", "Judge", "Opinion", "create_judge", "default_spec", "needs_model", "open_cache", "shipped_judge"]
