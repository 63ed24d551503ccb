"""Running out of file descriptors."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import attrs

from chaos_patch.errors import UnsupportedError
from chaos_patch.parameters import is_whole
from chaoscore import Site, Undo

_one_at_a_time = threading.Lock()


@attrs.frozen
class Descriptors:
    """
    Let this process open only a few more files, sockets and pipes: beyond that, EMFILE.

    It lowers the process's own soft limit, so it is not confined to the run: what is left is a reserve for its logs and
    reports as well. For other processes there is `process.limit`.

    Attributes:
        left: How many more may be opened.
    """

    kind: ClassVar[str] = "patch.descriptors"
    undo: ClassVar[Undo] = Undo.KERNEL

    left: int = attrs.field(default=4, validator=is_whole)

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Lower the limit, see that it is in force, and bring the old one back on exit."""
        if not _one_at_a_time.acquire(blocking=False):
            raise UnsupportedError(self.kind, "another one is open in this process", "open one at a time")
        try:
            with _limited(self.left) as limit:
                opened = exhausted(self.left)
                site.landed(self.kind, "this process", f"EMFILE after {opened} more, with a limit of {limit}")
                yield
        finally:
            _one_at_a_time.release()


@contextmanager
def _limited(left: int) -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = limit_for(left, _in_use(), soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield limit
    finally:
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit:  # else somebody has set another one since
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def limit_for(left: int, used: set[int], soft: int) -> int:
    """
    Return the limit under which *left* more descriptors can be opened.

    The limit is on the number of a descriptor, not on how many there are, so free numbers below it count.

    Args:
        left: How many more.
        used: The numbers of those that are open.
        soft: The limit that there is; it is never raised.
    """
    limit = free = 0
    while free < left or limit in used:
        free += limit not in used
        limit += 1
    return limit if soft == resource.RLIM_INFINITY else min(limit, soft)


def exhausted(left: int) -> int:
    """
    Open files until there are no descriptors left, close them, and return how many that were.

    Raises:
        UnsupportedError: More than *left* could be opened.
    """
    held: list[int] = []
    try:
        while len(held) <= left:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        return len(held)
    finally:
        for descriptor in held:
            os.close(descriptor)
    raise UnsupportedError(Descriptors.kind, f"more than {left} files could be opened", "the limit has no effect here")


def _in_use() -> set[int]:
    for place in ("/proc/self/fd", "/dev/fd"):
        if Path(place).is_dir():
            names = {int(path.name) for path in Path(place).iterdir()}
            return {each for each in names if _is_open(each)}  # not that of the listing itself
    raise UnsupportedError(Descriptors.kind, "this system does not list open descriptors", "it needs Linux or macOS")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def running_out() -> str:
    """Leave four descriptors to this process, and say when opening failed."""
    with _limited(4) as limit:
        opened = exhausted(4)
    return f"opening files failed with EMFILE after {opened}, with a limit of {limit}"
