"""Kinds that have a module of their own in `judging`."""

from proactivebench.plugins import Contract, Plug

_ABOUT = {
    "labels": "people's stored labels decide",
    "lexical": "two small trained heads over words: a baseline",
    "llm": "any model, asked with the card's own prompt",
    "reward-model": "the paper's reward model, asked with its exact prompt",
    "classifier": "a sequence classifier whose score reaches a threshold",
    "panel": "several judges vote",
    "personal": "another judge's score, moved by each person's first votes",
}
_HOMES = {"classifier": "classifier.judge", "lexical": "lexical.judge", "reward-model": "reward_model"}

PLUGS = tuple(
    Plug(Contract.JUDGE, word, f"proactivebench.judging.{_HOMES.get(word, word)}:KIND", about)
    for word, about in _ABOUT.items()
)
