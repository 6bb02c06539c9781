"""A judge of your own is a function. Use it on a run, or while one is made:

proactivebench judge runs/mine --judge silence=labels,proposals=examples/your_judge.py:specific
"""

import re

WORD = re.compile(r"\w{5,}")


def specific(moment, offer):
    """Accepts an offer that names something the user has just worked with; of silences it says nothing."""
    if offer is None:
        return None
    at_hand = {word.lower() for word in WORD.findall(moment.events[-1].event)}
    return any(word.lower() in at_hand for word in WORD.findall(offer))
