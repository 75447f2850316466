"""What keeps a task from being made or found; the messages are for people."""


class EngineFullError(Exception):
    """There is no room for another task; the message says what to do."""


class TooLargeError(EngineFullError):
    """There can never be room for a task like this one; the message says what to do."""


class GoneError(LookupError):
    """The run is not there any more, or it is somebody else's."""


def for_the_caller(error: BaseException) -> Exception:
    """What goes to whoever waits for a reply: an error that ends threads must not end theirs."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
