"""Two agents make the same offers, good and bad ones, and say how sure they are: one means it, one always sounds it.

proactivebench run --model examples/sure_agent.py:Calibrated --tasks proactivebench_sample --output_path runs/mine
"""

import re
import zlib

import proactivebench as pb

TROUBLE = re.compile(r"error|fail|exception|traceback|conflict|cannot|stuck|again|wrong|missing", re.IGNORECASE)


class Calibrated:
    """Offers at two moments of three. What it offers fits as often as it says."""

    def act(self, moment):
        """What it offers, with how likely it thinks that is wanted."""
        event = moment.observation.event
        luck = zlib.crc32(event.encode())
        if luck % 3 == 0 and not TROUBLE.search(event):
            return None
        sure = 0.9 if TROUBLE.search(event) else (0.1, 0.2, 0.4, 0.7)[luck // 3 % 4]
        fits = luck // 12 % 10 < 10 * sure
        return self.offer(f"Look into this: {event}" if fits else "Tidy up the desktop.", sure)

    def offer(self, text, sure):
        """An offer with a stated confidence."""
        return pb.Action([text], p_need=sure, p_accept=sure)


class Overconfident(Calibrated):
    """The same offers, all of them .9 sure or more."""

    def offer(self, text, sure):
        """An offer with a stated confidence that says nothing."""
        return super().offer(text, 0.9 + zlib.crc32(text[::-1].encode()) % 10 / 100)
