"""Every expected failure: one line that says what, why and what to do, with the exit code it ends the command with.

ProactiveBenchError
├── UsageError                 2  the request cannot be carried out as asked
│   ├── BadArgument               a value that cannot be, or that does not go with another
│   ├── UnknownName               nobody knows the name: of an agent, judge, task, metric, setting …
│   ├── NotInstalled              a package or program that is needed is not there
│   ├── OtherRun                  what is stored was asked, or judged, in another way
│   ├── NotComparable             runs that cannot be held against each other as asked
│   ├── Unreachable               no server there, or no usable answer from it
│   ├── ServerRefusal             a server that takes no request of this run
│   │   ├── AuthenticationFailed  no key, or none that may use the model; a proxy that asks who we are
│   │   ├── NotFound              no such model, or no such API at the address
│   │   └── PaymentRequired       the account is empty
│   └── WrongFile                 the file or folder named is not there or is something else (a DataError too)
├── DataError                  2  data that is missing, malformed or not what its hash says
├── CheckFailed                1  a gate, audit, validation or verification said no
├── InvalidRun                 3  a run that is incomplete, or invalid for its unscored share
└── CannotWrite                4  the disk is full, or the place cannot be written
    └── OutOfFiles                no more files or connections can be opened

The numbers are exit codes of the command line; a library user catches as finely as is of use.
"""

import errno
import os


class ProactiveBenchError(Exception):
    """An expected failure. The message is one line; `exit_code` is what the command line returns."""

    exit_code = 2


class UsageError(ProactiveBenchError):
    """The request cannot be carried out as asked: bad argument, unreadable input, refused key, unknown name."""


class BadArgument(UsageError):
    """A value that cannot be, that is missing, or that does not go with another one given."""


class UnknownName(UsageError):
    """Nobody knows the name (of an agent, model, judge, protocol, task, trace, split, metric, setting …)."""


class NotInstalled(UsageError):
    """A package or program that the request needs is not installed here."""


class OtherRun(UsageError):
    """What a folder stores was asked or judged in another way, and what is asked now cannot be put beside it."""


class NotComparable(UsageError):
    """Runs that cannot be held against each other as asked: other data, other judges, nothing in common."""


class Unreachable(UsageError):
    """The server of a model is not there, or gives no usable answer."""


class ServerRefusal(UsageError):
    """The server of a model takes no request of this run, whatever the moment."""


class AuthenticationFailed(ServerRefusal):
    """There is no key, or none that may use the model (401, 403), or a proxy asks who we are (407)."""


class NotFound(ServerRefusal):
    """The server has no such model, or no such API at the address (404, 405, 410 …), or has moved (3xx)."""


class PaymentRequired(ServerRefusal):
    """The account behind the key is empty (402, or another status in such words)."""


class DataError(ProactiveBenchError):
    """Data that is missing, malformed or not what its hash says."""


class WrongFile(UsageError, DataError):
    """A file or folder that the user named is not there, or is something else than what belongs in its place."""


class CheckFailed(ProactiveBenchError):
    """A gate, audit, validation or verification ran and said no."""

    exit_code = 1


class InvalidRun(ProactiveBenchError):
    """A run that is incomplete or whose unscored share makes it invalid."""

    exit_code = 3


class CannotWrite(ProactiveBenchError):
    """The disk is full or the folder cannot be written; what is saved is intact."""

    exit_code = 4


class OutOfFiles(CannotWrite):
    """No file or connection can be opened any more; what is saved is intact."""

    def __init__(self) -> None:
        super().__init__(
            "no more files or connections can be opened: lower --concurrency or raise the limit (ulimit -n), "
            "then run the same command; what was answered is saved"
        )

    @staticmethod
    def behind(error: BaseException) -> bool:
        """Whether `error`, or what led to it, is that no file could be opened."""
        seen: list[BaseException] = []
        following: BaseException | None = error
        while following is not None and following not in seen:
            if isinstance(following, OSError) and following.errno in (errno.EMFILE, errno.ENFILE):
                return True
            if isinstance(following, ImportError) and os.strerror(errno.EMFILE) in str(following):
                return True  # a compiled module that could not be opened
            seen.append(following)
            following = following.__cause__ or following.__context__
        return False
