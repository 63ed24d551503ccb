"""The promises that parts make, and the error for one that is broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs


class PlannedError(Exception):
    """What the kit raises to see what becomes of it."""


def fail(target: Any) -> None:
    """Raise, as a step."""
    raise PlannedError("this step always fails")


class ConformanceError(AssertionError):
    """
    A part breaks a promise on which every run relies.

    Attributes:
        part: Which part.
        promise: What it is expected to do.
        tried: How that was tried.
        found: What happened instead.
        remedy: What to do about it.
    """

    def __init__(self, part: str, promise: str, tried: str, found: str, remedy: str) -> None:
        self.part, self.promise, self.tried, self.found, self.remedy = part, promise, tried, found, remedy
        super().__init__(
            f"{part} breaks a promise: {promise}\n  tried: {tried}\n  found: {found}\n  to do: {remedy}",
        )


@attrs.frozen
class Promise:
    """
    Something that every part of a sort does.

    Attributes:
        text: What, as a sentence about "it".
        remedy: What the author of a part does who finds it broken.
    """

    text: str
    remedy: str

    def broken(self, part: object, tried: str, found: str) -> ConformanceError:
        """Return the error for *part*, which was *tried* like this and did what was *found*."""
        return ConformanceError(named(part), self.text, tried, found, self.remedy)

    @contextmanager
    def kept(self, part: object, tried: str) -> Iterator[None]:
        """Take whatever is raised in the block for a broken promise of *part*."""
        try:
            yield
        except ConformanceError:
            raise
        except Exception as error:
            raise self.broken(part, tried, shown(error)) from error


def named(part: object) -> str:
    """Return what errors call *part*: its class, and its kind where it has one."""
    kind = getattr(part, "kind", None)
    name = type(part).__qualname__
    return f"{name} ({kind!r})" if isinstance(kind, str) else name


def shown(error: BaseException) -> str:
    """Return *error* as one line."""
    return f"it raised {type(error).__name__}: {error}".rstrip(": ")
