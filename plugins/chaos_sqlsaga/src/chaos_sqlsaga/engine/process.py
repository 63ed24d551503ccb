"""A worker process: ``python -m chaos_sqlsaga.engine.process``, which `Processes` starts."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable

from chaos_sqlsaga.engine.definition import Definition
from chaos_sqlsaga.engine.engine import Engine
from chaos_sqlsaga.engine.threads import Threads


def main() -> int:
    """Work until the standard input ends, the first line of which says what to do."""
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["path"]
    definitions = imported(order["definitions"])
    with Engine(order["dsn"], definitions, **order["options"]) as engine, Threads(engine, order["threads"]):
        sys.stdin.read()
    return 0


def imported(reference: str) -> Iterable[Definition]:
    """Return what ``module:attribute`` stands for: definitions, or what a function returns."""
    module, _, attribute = reference.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    definitions: Iterable[Definition] = found() if callable(found) else found
    return definitions


if __name__ == "__main__":
    sys.exit(main())
