"""An agent of your own, in Python. Run it:

proactivebench run --model examples/your_agent.py:Attentive --tasks proactivebench_sample --output_path runs/mine
"""

import re

TROUBLE = re.compile(r"error|fail|exception|traceback|conflict|cannot|stuck|again", re.IGNORECASE)


class Attentive:
    """Offers help where something goes wrong, and not a second time where it was told no."""

    def __init__(self, limit="5"):
        self.left = int(limit)

    def act(self, moment):
        """A text is an offer, None is silence."""
        if moment.rejected or not self.left or not TROUBLE.search(moment.observation.event):
            return None
        self.left -= 1
        return f"Find out what is wrong here: {moment.observation.event}"

    def remember(self, moment, action):
        """A run goes on: this was said before it was interrupted."""
        self.left -= len(action.offers)


def simple(moment):
    """A function will do where nothing is remembered."""
    return "Look into the error." if "error" in moment.observation.event.lower() else None
