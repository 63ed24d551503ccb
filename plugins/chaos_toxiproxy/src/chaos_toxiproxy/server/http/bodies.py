"""Where the body of a message ends."""

from __future__ import annotations

import math
import re
from typing import Protocol

from chaos_toxiproxy.server.http.heads import Asked, Head

_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_LONGEST_LINE = 8192


Data = bytes | bytearray | memoryview


class Body(Protocol):
    """A body that is being read."""

    @property
    def over(self) -> bool:
        """Tell whether all of it was read."""

    def measure(self, data: Data) -> int:
        """
        Return how much of *data*, which comes next, belongs to the body.

        Raises:
            ValueError: It is no body.
        """


class Counted:
    """A body of so many bytes."""

    def __init__(self, length: float) -> None:
        self._left = length

    @property
    def over(self) -> bool:
        return self._left == 0

    def measure(self, data: Data) -> int:
        size = int(min(self._left, len(data)))
        self._left -= size
        return size


class Chunked:
    """A body in chunks, each behind its size; after the last one there may be trailers."""

    def __init__(self) -> None:
        self.over = False
        self._left = 0  # of a chunk, with the line break behind it
        self._line = b""  # what has come of a line
        self._trailers = False

    def measure(self, data: Data) -> int:
        position = 0
        while position < len(data) and not self.over:
            if self._left:
                size = min(self._left, len(data) - position)
                self._left -= size
                position += size
            else:
                position += self._take_line(bytes(data[position : position + _LONGEST_LINE]))
        return position

    def _take_line(self, data: bytes) -> int:
        """Take what belongs to the line that comes next, and return how much that is."""
        end = data.find(b"\n") + 1 or len(data)
        self._line += data[:end]
        if len(self._line) > _LONGEST_LINE:
            raise ValueError("a line of the body is too long")
        if self._line.endswith(b"\n"):
            self._understand(self._line)
            self._line = b""
        return end

    def _understand(self, line: bytes) -> None:
        if self._trailers:
            self.over = line == b"\r\n"
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise ValueError(f"no size of a chunk: {line!r}")
        self._left = int(size[1], 16) + 2 if int(size[1], 16) else 0
        self._trailers = not self._left


def body_of_request(head: Head) -> Body:
    """Return the body that a request with this *head* has."""
    return _framed(head, 0)


def body_of_response(head: Head, asked: Asked) -> Body:
    """Return the body that a response with this *head* has, to what was *asked*; it may be endless."""
    status = head.status() or 0
    if asked.method == "HEAD" or status < 200 or status in (204, 304):
        return Counted(0)
    return _framed(head, math.inf)


def _framed(head: Head, otherwise: float) -> Body:
    codings = head.values(b"transfer-encoding")
    if codings:
        return Chunked() if codings[-1].lower().endswith(b"chunked") else Counted(math.inf)
    lengths = head.values(b"content-length")
    if not lengths:
        return Counted(otherwise)
    if not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise ValueError(f"no length: {lengths[0]!r}")
    return Counted(int(lengths[0]))
