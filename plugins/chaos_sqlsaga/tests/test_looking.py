"""Reading although something is in the way."""

from __future__ import annotations

import pytest

from chaos_sqlsaga.engine import Engine, Threads, saga
from chaos_sqlsaga.engine.errors import BusyError, DatabaseError, DeadlineError, UnreachableError
from chaos_sqlsaga.looking import look
from chaos_sqlsaga.tail import Tail
from tests.services.databases import Database

ORDER = saga("order").step("pay", lambda call: None, on_failure=lambda call: None).build()


class Troubled:
    """A question that fails in the given ways before it is answered."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_what_passes_is_waited_for() -> None:
    """Lost connections, other transactions and late answers are only tried again."""
    ask = Troubled(BusyError("b"), DeadlineError("x", 1.0, "y"), UnreachableError("u"))
    assert (look(ask), ask.asked) == ("answer", 4)


@pytest.mark.parametrize("error", [BusyError("b"), DeadlineError("x", 1.0, "y"), UnreachableError("u")])
def test_what_does_not_pass_is_told(error: Exception) -> None:
    """When patience is over, the last error is raised."""
    with pytest.raises(type(error)):
        look(Troubled(*[error] * 100), patience_s=0.02)


def test_what_is_refused_is_told_at_once() -> None:
    """What the database says no to is not asked twice."""
    ask = Troubled(DatabaseError("no such table"))
    with pytest.raises(DatabaseError, match="no such table"):
        look(ask)
    assert ask.asked == 1


def test_a_history_is_read_over_connections_that_were_cut(postgres_database: Database) -> None:
    """Who reads a history does not notice that the server has ended all connections of the engine."""
    with Engine(postgres_database.dsn, [ORDER]) as engine:
        with Threads(engine, 2):
            engine.wait(engine.start("order"), "30s")
        tail = Tail(engine)
        postgres_database.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        seen = tail.read()
        assert [each.step for each in seen if each.step] != []
        assert seen == list(engine.history())
