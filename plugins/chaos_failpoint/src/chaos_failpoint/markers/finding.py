"""Finding markers: comments such as ``# failpoint: db.commit``, and nothing that only looks like one."""

from __future__ import annotations

import re
import token
import tokenize
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import attrs

from chaos_failpoint.errors import MarkerError

_MARKER = re.compile(r"#\s*failpoint:\s*([^\s=;,]+)\s*(,\s*shared)?\s*")
_MEANT = re.compile(r"#\s*fail[\s_-]?points?\s*[:=]", re.IGNORECASE)
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_SILENT = (token.NL, token.INDENT, token.DEDENT, token.ENCODING, token.ENDMARKER)


@attrs.frozen(order=True)
class Marker:
    """
    A marker in a comment.

    Attributes:
        path: The file.
        line: The line, from 1.
        column: How far it is indented.
        name: The failpoint.
        shared: Whether other places of the package may have the same name.
        before: Line of the logical line before it; 0 for none.
        after: Line of the logical line after it; 0 for none.
        after_column: How far that one is indented.
        after_word: The first word there.
    """

    path: str
    line: int
    column: int
    name: str
    shared: bool = False
    before: int = 0
    after: int = 0
    after_column: int = 0
    after_word: str = ""


def find(data: bytes, path: str) -> list[Marker]:
    """
    Return the markers in a source, in order.

    Args:
        data: The source, which must compile.
        path: What errors call it.

    Raises:
        MarkerError: A marker has no proper name, or stands where no statement could.
    """
    if b"fail" not in data.lower():
        return []
    markers: list[Marker] = []
    open_markers: list[Marker] = []
    for line in _logical_lines(data, path):
        markers += [attrs.evolve(each, **line.after()) for each in open_markers]
        open_markers = line.markers
    return markers + open_markers


@attrs.define
class _Line:
    """A logical line of code, and the markers that stand between it and the next one."""

    number: int = 0
    last: int = 0
    column: int = 0
    word: str = ""
    markers: list[Marker] = attrs.field(factory=list)

    def after(self) -> dict[str, Any]:
        return {"after": self.number, "after_column": self.column, "after_word": self.word}


def _logical_lines(data: bytes, path: str) -> Iterator[_Line]:
    line, depth = _Line(), 0
    for each in tokenize.tokenize(BytesIO(data).readline):
        if each.type == token.COMMENT:
            begun = line.number and not line.last
            marker = _marker(each, path, alone=not (begun or depth or each.line[: each.start[1]].strip()))
            if marker is not None:
                line.markers.append(attrs.evolve(marker, before=line.last))
        elif each.type == token.NEWLINE:
            line.last = each.start[0]
        elif each.type not in _SILENT:
            depth += _BRACKETS.get(each.string, 0) if each.type == token.OP else 0
            if line.last or not line.number:
                yield line
                line = _Line(each.start[0], 0, each.start[1], each.string)
    yield line


def _marker(comment: tokenize.TokenInfo, path: str, *, alone: bool) -> Marker | None:
    """Return the marker that *comment* is, or None; it must stand *alone* on a line between two statements."""
    line, column = comment.start
    found = _MARKER.fullmatch(comment.string)
    if found is None:
        if _MEANT.match(comment.string) is None:
            return None
        reason = "write `# failpoint: name` or `# failpoint: name, shared`, with no blank, '=', ';' or ',' in the name"
        raise MarkerError(path, line, f"{comment.string!r:.100} is no marker; {reason}")
    if not alone:
        reason = "must stand on a line of its own, between two statements"
        raise MarkerError(path, line, f"{comment.string!r:.100} {reason}")
    return Marker(path, line, column, found[1], found[2] is not None)
