"""Work that some items kill the process of. A worker imports this module alone, and nothing heavy."""

import os
import signal


def squared(number: int) -> int:
    """The square; every seventh number kills by a signal, eleven ends without a word."""
    if number % 7 == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 11:
        os._exit(1)
    return number * number
