"""Real databases for the examples, and no trace of their modules for other tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.fixtures import postgres_database, postgres_dsn, postgres_server

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module", autouse=True)
def modules_forgotten() -> Iterator[None]:
    """What an example calls `orders` or `shop` does not stand in the way of other modules of that name."""
    yield
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and EXAMPLES in Path(file).parents and not name.startswith("chaos_"):
            del sys.modules[name]
