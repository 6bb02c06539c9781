"""A protocol: how a moment becomes a conversation, and how a reply is read."""

from proactivebench import Message, StandardProtocol


class Loud(StandardProtocol):
    """The standard conversation, shouted."""

    def conversation(self, moment, history, rounds=(), advice=None):
        """The same messages in capitals."""
        said = super().conversation(moment, history, rounds, advice)
        return tuple(Message(message.role, message.content.upper()) for message in said)
