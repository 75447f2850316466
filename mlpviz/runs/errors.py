"""Errors when a task is created or looked for. The visitor reads their messages."""


class EngineFullError(Exception):
    """There is no room for another task now. The message says what to do."""


class TooLargeError(EngineFullError):
    """There can never be room for such a task. The message says what to do."""


class GoneError(LookupError):
    """The run no longer exists, or it belongs to somebody else."""


class NotNowError(Exception):
    """A saved task exists, but it can't come back now. The message says why, in sentences for the visitor."""


def for_the_caller(error: BaseException) -> Exception:
    """The error for the caller's thread. An error that ends threads, like SystemExit, must not end that one."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
