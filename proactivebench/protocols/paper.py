"""The paper protocol: the released script's prompts and its rewriting of the history, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proactivebench.models.base import Message, Reasoned
from proactivebench.protocols.base import Parsed, Terms
from proactivebench.protocols.cards import History, PaperCard, ProtocolKind
from proactivebench.protocols.contract import TASK_KEY, render_reply
from proactivebench.protocols.own_texts import OwnTexts
from proactivebench.protocols.parser import Extraction, parse_reply, released_block
from proactivebench.protocols.released import Prompts, read_prompts
from proactivebench.records import Event, Moment, Reply
from proactivebench.text import load_json, split_reasoning
from proactivebench.traces import release

_SLOT = "[placeholder]"


class PaperProtocol(Terms):
    """The released conversation. The event's JSON replaces the slot textually, unescaped inside the instruction's
    string; once answered, that message becomes the bare event, and the answer its re-serialised object."""

    def __init__(self, card: PaperCard, prompts: Prompts) -> None:
        self.card = card
        self._prompts = prompts
        self._own = OwnTexts((prompts.system, prompts.step), (), card.placeholder)
        super().__init__(
            card.identity({release.AGENT_PROMPTS: prompts.sha256}),
            own_history=card.history is History.OWN,
            max_attempts=card.max_attempts,
            default_max_gen_toks=card.max_gen_toks,
        )

    def conversation(
        self,
        moment: Moment,
        history: Sequence[Sequence[Reply]],
        rounds: Sequence[Reply] = (),
        advice: str | None = None,
    ) -> tuple[Message, ...]:
        """The messages for the answer at `moment`. With history `own`, raises `ValueError` unless `history` has every
        turn; with `observations` (not the script's) the bare earlier events stand before the instruction, one a line.
        """
        if rounds or advice is not None:
            raise ValueError("the paper protocol has no feedback rounds")
        messages = [Message("system", self._prompts.system)]
        *earlier, current = moment.events
        instruction = self._prompts.step.replace(_SLOT, dumped_event(current))
        if not self.own_history:
            return (*messages, Message("user", "\n".join([*map(dumped_event, earlier), instruction])))
        for event, replies in zip(earlier, history, strict=True):
            messages += [Message("user", dumped_event(event)), self._remembered(replies)]
        return (*messages, Message("user", instruction))

    def parse(self, text: str, heard: Sequence[str] = ()) -> Parsed:
        """Read a reply's text as the script does, then classify it by the one parser's rules. Never raises."""
        return parse_reply(text, extraction=Extraction.RELEASED, own=self._own, heard=heard)

    def render(self, proposals: Sequence[str]) -> str:
        """The text of a well-formed answer. Raises `ValueError` for more than one proposal."""
        return render_reply(proposals, candidates=1)

    def schema(self) -> None:
        """None: the released script asks for no response format."""
        return

    def _remembered(self, replies: Sequence[Reply]) -> Message:
        last = replies[-1] if replies else None
        text = dumped_reply(last.text) if last and last.status.clean and last.text else self.card.placeholder
        return Reasoned("assistant", text, last.reasoning if last else None)


def dumped_event(event: Event) -> str:
    """An event as the script sends it: capitalised keys, non-ASCII escaped."""
    return json.dumps({"Time": event.time, "Event": event.event})


def dumped_reply(text: str) -> str:
    """A reply that parses, as the script keeps it: all its keys, non-ASCII escaped, exact "null" made null, a missing
    task key added last. Raises `ValueError` for a text that holds no object."""
    reply = load_json(released_block(split_reasoning(text)[1]))
    if not isinstance(reply, dict):
        raise ValueError("not a JSON object")
    if reply.get(TASK_KEY) in (None, "null"):
        reply[TASK_KEY] = None
    if reply.get("Response") == "null":
        reply["Response"] = None
    return json.dumps(reply)


KIND = ProtocolKind(PaperCard, lambda card, making: PaperProtocol(card, read_prompts(making.pins)), "paper")
