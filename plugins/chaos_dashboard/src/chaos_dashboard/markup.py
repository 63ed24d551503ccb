"""HTML and SVG in which text is always text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from chaoscore.reporters import visible, visible_lines

BLOCK_CHARS = 3_000
_VOID = frozenset({"br", "meta"})

Child = str | Iterable[str | None] | None
"""What stands in an element: markup, text, several of either, or nothing."""


class Markup(str):
    """Text that is HTML; only `tag`, `styled` and `join` make it, so nothing else ever is."""

    __slots__ = ()


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """
    Return an element.

    Args:
        name: Of the element; chosen by us, never by a run.
        children: Markup, or text, which is escaped; None: nothing.
        attributes: Their values are escaped; an underscore stands for a hyphen, and one at the end for nothing, as in
            ``class_``. None: it is left out.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Return *children*, one after the other; text among them is escaped."""
    return Markup("".join(map(_child, children)))


def styled(source: str) -> Markup:
    """Return a style sheet of this package as an element."""
    return Markup(f"<style>{source}</style>")


def command(text: str) -> Markup:
    """Return a command as it is to be typed, however long."""
    return tag("code", _shown(visible(text, 10_000)))


def block(text: str, lines: int) -> Markup:
    """Return the last *lines* of a stack or traceback, or of those as much as can be read."""
    shown = "\n".join(visible_lines(text, lines))
    return tag("pre", _shown(shown if len(shown) <= BLOCK_CHARS else f"... {shown[-BLOCK_CHARS:]}"))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return escape(visible(child)) if isinstance(child, str) else join(child)


def _shown(text: str) -> Markup:
    """Return text that has been made visible, escaped."""
    return Markup(escape(text))
