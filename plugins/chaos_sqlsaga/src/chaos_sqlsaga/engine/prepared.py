"""Statements that a connection executes again and again: the server plans them once."""

from __future__ import annotations

from typing import Final

MOST: Final = 100
"""So many are prepared; further ones are planned each time."""


class Prepared:
    """The statements that one connection has prepared, and how they are executed in the simple protocol."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def executing(self, statement: str, parameters: int) -> str:
        """
        Return what executes *statement*, with ``%s`` for each of its parameters.

        Args:
            statement: SQL with ``?`` for each parameter.
            parameters: How many there are.
        """
        if not parameters:
            return statement
        name = self._names.get(statement)
        if name is None:
            if len(self._names) >= MOST:
                return statement.replace("?", "%s")
            name = self._names[statement] = f"saga_{len(self._names)}"
            return f"PREPARE {name} AS {_numbered(statement)}; {_execute(name, parameters)}"
        return _execute(name, parameters)

    def forget(self) -> str:
        """Return what makes the server forget all: after an error nobody knows which it knows."""
        self._names.clear()
        return "DEALLOCATE ALL"


def _execute(name: str, parameters: int) -> str:
    return f"EXECUTE {name}({', '.join(['%s'] * parameters)})"


def _numbered(statement: str) -> str:
    first, *others = statement.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
