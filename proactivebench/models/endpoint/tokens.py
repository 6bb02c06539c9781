"""How many tokens a conversation takes at a server whose tokenizer is not at hand."""

from __future__ import annotations

from collections.abc import Sequence

from proactivebench.models.base import Message
from proactivebench.models.context import Count

_PER_MESSAGE = 8  # role and turn markers of the chat template
BYTES_PER_TOKEN = 3
ESTIMATE = f"estimate: bytes/{BYTES_PER_TOKEN}"


def counter(model: str, *, estimated: bool = False) -> tuple[str, Count]:
    """How tokens are counted for `model`, and the counter: the vendor's tokenizer where tiktoken knows the model, else
    (or if `estimated`) on the high side, one token per 3 bytes of UTF-8 (English runs at 4 or more, Chinese at 3 to 6).
    """
    if estimated:
        return ESTIMATE, estimate
    try:
        import tiktoken

        encoding = tiktoken.encoding_for_model(model)
    except Exception:  # unknown model, or its vocabulary cannot be fetched from here: an estimate serves as well
        return ESTIMATE, estimate

    def count(messages: Sequence[Message]) -> int:
        return sum(len(encoding.encode_ordinary(message.content)) + _PER_MESSAGE for message in messages)

    return f"tiktoken: {encoding.name}", count


def estimate(messages: Sequence[Message]) -> int:
    """Tokens of a conversation from the length of its text alone."""
    sizes = (len(message.content.encode("utf-8", "surrogatepass")) for message in messages)
    return sum(-(-size // BYTES_PER_TOKEN) + _PER_MESSAGE for size in sizes)
