"""The history of an engine while it grows."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from chaos_sqlsaga.engine import Engine, Threads, saga
from chaos_sqlsaga.tail import PATIENCE_S, Tail
from chaoscore.testing import FakeClock
from tests.services.databases import Database

ORDER = saga("order").step("pay", lambda call: None, on_failure=lambda call: None).build()


def test_it_reads_what_is_new(database: Database) -> None:
    """Each reading returns what was added since the last one, and all of them together are the history."""
    with Engine(database.dsn, [ORDER]) as engine:
        tail = Tail(engine)
        assert tail.read() == []
        seen: list[Any] = []
        with Threads(engine, 2):
            for _ in range(3):
                engine.wait(engine.start("order"), "30s")
                new = tail.read()
                assert new != []
                seen += new
        assert [*seen, *tail.read()] == list(engine.history())
        assert tail.read() == []


def test_a_row_that_becomes_visible_late_is_not_missed(postgres_database: Database) -> None:
    """What was numbered earlier and is committed later is read when it is there, and after that no more."""
    with Engine(postgres_database.dsn, [ORDER]) as engine, closing(postgres_database.connect()) as late:
        tail = Tail(engine)
        late.execute(insert("early number"))
        postgres_database.run(insert("late number"))
        assert [each.saga for each in tail.read()] == ["late number"]
        late.commit()
        assert [each.saga for each in tail.read()] == ["early number"]
        assert tail.read() == []


def test_a_number_that_never_comes_is_forgotten(postgres_database: Database) -> None:
    """A number that belongs to a transaction which was rolled back is looked for no longer than a transaction lasts."""
    clock = FakeClock()
    with Engine(postgres_database.dsn, [ORDER]) as engine, closing(postgres_database.connect()) as lost:
        tail = Tail(engine, clock.monotonic)
        lost.execute(insert("rolled back"))
        lost.rollback()
        postgres_database.run(insert("there"))
        assert [each.saga for each in tail.read()] == ["there"]
        assert len(tail._missing) == 1
        clock.advance(PATIENCE_S)
        assert tail.read() == []
        assert tail._missing == {}


def insert(name: str) -> str:
    return (
        "INSERT INTO saga_event (saga, what, attempt, definition, at_s, worker, detail) "
        f"VALUES ('{name}', 'began', 0, 'order', 1, '', '{{}}')"
    )


@pytest.mark.parametrize("count", [1, 5000])
def test_it_reads_page_by_page(sqlite_database: Database, count: int) -> None:
    """More events than a page has are read at once, each once and in order."""
    with Engine(sqlite_database.dsn, [ORDER]) as engine:
        sqlite_database.run(*[insert(f"{number}") for number in range(count)])
        assert [each.saga for each in Tail(engine).read()] == [f"{number}" for number in range(count)]
