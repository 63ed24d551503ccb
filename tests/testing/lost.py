"""Things that broken parts leave behind, and that go away when a test is over."""

import os
import tempfile
import threading

VARIABLE = "CHAOSCORE_TEST_SWITCH"

_stop = threading.Event()
_open: list[int] = []


def thread() -> None:
    """Leave a thread."""
    threading.Thread(target=_stop.wait, args=[10], name="lost").start()


def file() -> None:
    """Leave a temporary file."""
    os.close(tempfile.mkstemp()[0])


def open_file() -> None:
    """Leave a file open."""
    _open.append(os.open(os.devnull, os.O_RDONLY))


def variable() -> None:
    """Leave an environment variable."""
    os.environ[VARIABLE] = "on"


def clear() -> None:
    """Take all of it away."""
    _stop.set()
    for each in threading.enumerate():
        if each.name == "lost":
            each.join()
    _stop.clear()
    while _open:
        os.close(_open.pop())
    os.environ.pop(VARIABLE, None)
