"""A model: a conversation in, a completion out. It may stand behind an agent and behind a judge."""

import json

from proactivebench import Answer, Model, Request


class Echo(Model):
    """Offers what it was told last, and accepts whatever it is asked to judge."""

    def __init__(self, loudness: str = "1") -> None:
        self.loudness = int(loudness)

    async def complete(self, request: Request) -> Answer:
        """One JSON object that reads as an offer and as a verdict."""
        said = request.messages[-1].content[-40:] * self.loudness
        return Answer(json.dumps({"Proactive Task": said, "verdict": "accepted"}))
