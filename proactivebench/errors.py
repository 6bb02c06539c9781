"""Every expected failure: one line that says what, why and what to do, with the exit code it ends the command with."""

import errno
import os


class ProactiveBenchError(Exception):
    """An expected failure. The message is one line; `exit_code` is what the command line returns."""

    exit_code = 2


class UsageError(ProactiveBenchError):
    """The request cannot be carried out as asked: bad argument, unreadable input, refused key, unknown name."""


class Unreachable(UsageError):
    """The server of a model is not there, or gives no usable answer."""


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
