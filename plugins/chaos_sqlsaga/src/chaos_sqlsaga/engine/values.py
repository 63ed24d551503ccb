"""What is stored: JSON, and not too much of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chaos_sqlsaga.engine.errors import TooLargeError, UnstorableError
from chaos_sqlsaga.engine.rows import StepRow
from chaos_sqlsaga.engine.states import StepState


def encode(value: Any, what: str, limit: int) -> str:
    """
    Return *value* as JSON.

    Args:
        value: What a handler returned, or a saga was started with.
        what: What it is, for errors.
        limit: Most bytes that it may take.

    Raises:
        UnstorableError: It is not JSON, or would come back as something else.
        TooLargeError: It takes more than *limit* bytes.
    """
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnstorableError(what, error) from error
    if len(text) > limit:  # it is ASCII
        raise TooLargeError(what, len(text), limit)
    return text


def readable(text: str, most: int = 2000) -> str:
    """Return the first *most* characters of *text* as something that every database can store."""
    return text[:most].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


class Results(Mapping[str, Any]):
    """Maps steps to what they returned, decoded when it is looked at."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return repr(dict(self))


def results(steps: Iterable[StepRow]) -> Results:
    """Map those of *steps* that are completed to what they returned."""
    done = (each for each in steps if each.state is StepState.COMPLETED)
    return Results({each.name: each.result for each in done if each.result is not None})
