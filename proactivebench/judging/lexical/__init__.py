"""The lexical baseline: features, weights, the judge, and (apart, for it needs numpy) its training."""

from proactivebench.judging.lexical.judge import LexicalJudge

__all__ = ["LexicalJudge"]
