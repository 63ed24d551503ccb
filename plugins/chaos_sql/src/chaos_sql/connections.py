"""
Connections whose statements and commits are points.

Points are named after the component that the connection belongs to, ``sql`` by default:

- ``sql.execute`` before a statement is executed, ``sql.executed`` after it was;
- ``sql.commit`` before a transaction is committed, ``sql.committed`` after it was.

Each says which ``statement`` it is and on which ``connection`` (the driver's own). What is raised at ``sql.commit`` is
a commit that failed: the transaction is rolled back, as a database does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar, cast

from chaos_sql.transactions import commits, in_transaction, roll_back
from chaoscore import in_run, point

_C = TypeVar("_C")
_COMMIT = "COMMIT"

__chaos_hidden__ = True  # a fault in a statement is shown where the statement is, not here


def wrap(connection: _C, component: str = "sql") -> _C:
    """
    Return *connection* with points in it; outside a run it only costs a look at whether there is one.

    Args:
        connection: Any synchronous DB-API 2 connection, for example of sqlite3 or psycopg 3.
        component: What the system under test calls this database; injectors of the scope with this name strike there.

    Raises:
        TypeError: It is no such connection.
        ValueError: The component has a dot or nothing in it.
    """
    raw: Any = connection
    if isinstance(raw, Connection):
        raw = raw.__wrapped__
    if not all(callable(getattr(raw, name, None)) for name in ("cursor", "commit", "rollback", "close")):
        raise TypeError(
            f"{connection!r} is no DB-API 2 connection; pass what sqlite3.connect() or psycopg.connect() returns"
        )
    if inspect.iscoroutinefunction(raw.commit):
        raise TypeError(f"{type(raw).__name__} is asynchronous; wrap takes synchronous connections only")
    if not component or "." in component:
        raise ValueError(f"component must be a name without dots, such as 'sql', not {component!r}")
    return cast("_C", Connection(raw, component))


class _Proxy:
    """Has its own slots, and every other attribute from what it stands for."""

    __slots__ = ("__wrapped__",)
    __wrapped__: Any

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__wrapped__, name)

    def __dir__(self) -> list[str]:
        return dir(self.__wrapped__)

    def __repr__(self) -> str:
        return f"<{type(self).__module__} of {self.__wrapped__!r}>"

    @property  # type: ignore[misc]  # read only, so that `isinstance(it, sqlite3.Connection)` still holds
    def __class__(self) -> type:
        return type(self.__wrapped__)


class Connection(_Proxy):
    """A connection with points."""

    __slots__ = ("_commit", "_committed", "_execute", "_executed")
    _execute: str
    _executed: str
    _commit: str
    _committed: str

    def __init__(self, raw: Any, component: str) -> None:
        keep = partial(object.__setattr__, self)
        keep("__wrapped__", raw)
        for name in ("execute", "executed", "commit", "committed"):
            keep(f"_{name}", f"{component}.{name}")

    def cursor(self, *args: Any, **options: Any) -> Any:
        """Return a cursor with points."""
        return Cursor(self.__wrapped__.cursor(*args, **options), self)

    def commit(self) -> None:
        """Commit; without a transaction there is nothing to strike at."""
        raw = self.__wrapped__
        if not in_run() or not in_transaction(raw):
            raw.commit()
            return
        self._before_commit(_COMMIT)
        raw.commit()
        point(self._committed, statement=_COMMIT, connection=raw)

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *error: Any) -> Any:
        raw = self.__wrapped__
        if not in_run() or error[0] is not None or not in_transaction(raw):
            return raw.__exit__(*error)
        try:
            point(self._commit, statement=_COMMIT, connection=raw)
        except BaseException as injected:
            raw.__exit__(type(injected), injected, injected.__traceback__)
            raise
        result = raw.__exit__(None, None, None)
        point(self._committed, statement=_COMMIT, connection=raw)
        return result

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)
        if name in _STATEMENTS:
            return partial(self._run, found)
        return partial(self._transaction, found) if name == "transaction" else found

    def around(self, execute: Callable[..., Any], statement: object, *args: Any, **options: Any) -> Any:
        """Execute *statement* between its points."""
        if not in_run():
            return execute(statement, *args, **options)
        text = _text(statement, self.__wrapped__)
        commit = commits(self.__wrapped__, text)
        self._before(text, commit)
        result = execute(statement, *args, **options)
        self._after(text, commit)
        return result

    @contextmanager
    def around_block(self, statement: object, block: AbstractContextManager[Any]) -> Iterator[Any]:
        """Execute *statement*, which takes the length of a block, between its points."""
        text = _text(statement, self.__wrapped__)
        commit = commits(self.__wrapped__, text)
        self._before(text, commit)
        with block as entered:
            yield entered
        self._after(text, commit)

    def _run(self, execute: Callable[..., Any], statement: object, *args: Any, **options: Any) -> Any:
        """Execute through the connection itself, as sqlite3 and psycopg can."""
        return Cursor(self.around(execute, statement, *args, **options), self)

    @contextmanager
    def _transaction(
        self, begin: Callable[..., AbstractContextManager[Any]], *args: Any, **options: Any
    ) -> Iterator[Any]:
        """Run a block as psycopg's `transaction` does: what is raised in it, at its end too, rolls it back."""
        raw = self.__wrapped__
        outermost, committed = not in_transaction(raw), False
        with begin(*args, **options) as entered:
            yield entered
            if outermost:
                point(self._commit, statement=_COMMIT, connection=raw)
                committed = True
        if committed:
            point(self._committed, statement=_COMMIT, connection=raw)

    def _before(self, text: str, commit: bool) -> None:
        point(self._execute, statement=text, connection=self.__wrapped__)
        if commit:
            self._before_commit(text)

    def _after(self, text: str, commit: bool) -> None:
        point(self._executed, statement=text, connection=self.__wrapped__)
        if commit:
            point(self._committed, statement=text, connection=self.__wrapped__)

    def _before_commit(self, text: str) -> None:
        try:
            point(self._commit, statement=text, connection=self.__wrapped__)
        except BaseException:
            roll_back(self.__wrapped__)
            raise


class Cursor(_Proxy):
    """A cursor with points."""

    __slots__ = ("connection",)
    connection: Connection

    def __init__(self, raw: Any, connection: Connection) -> None:
        object.__setattr__(self, "__wrapped__", raw)
        object.__setattr__(self, "connection", connection)

    def execute(self, statement: object, *args: Any, **options: Any) -> Any:
        """Execute *statement* between its points."""
        raw = self.__wrapped__
        if in_run():
            return self._run(raw.execute, statement, *args, **options)
        result = raw.execute(statement, *args, **options)
        return self if result is raw else result

    def executemany(self, statement: object, *args: Any, **options: Any) -> Any:
        """Execute *statement* with many sets of parameters, between the points of one statement."""
        return self._run(self.__wrapped__.executemany, statement, *args, **options)

    def fetchone(self) -> Any:
        """Return the next row; written out, as its cost is that of a call and `__getattr__` costs several."""
        return self.__wrapped__.fetchone()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__wrapped__)

    def __next__(self) -> Any:
        return next(self.__wrapped__)

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *error: Any) -> Any:
        return self.__wrapped__.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)
        if name in _STATEMENTS:
            return partial(self._run, found)
        return partial(getattr(self, f"_{name}"), found) if name in {"copy", "stream"} else found

    def _run(self, execute: Callable[..., Any], statement: object, *args: Any, **options: Any) -> Any:
        result = self.connection.around(execute, statement, *args, **options)
        return self if result is self.__wrapped__ else result

    def _copy(self, copy: Callable[..., Any], statement: object, *args: Any, **options: Any) -> Any:
        return self.connection.around_block(statement, copy(statement, *args, **options))

    def _stream(self, stream: Callable[..., Any], statement: object, *args: Any, **options: Any) -> Iterator[Any]:
        with self.connection.around_block(statement, nullcontext()):
            yield from stream(statement, *args, **options)


_STATEMENTS = {"callproc", "execute", "executemany", "executescript"}


def _text(statement: object, raw: object) -> str:
    """Return *statement* as text: drivers take bytes and objects of their own, too."""
    if isinstance(statement, str):
        return statement
    if isinstance(statement, (bytes, bytearray)):
        return statement.decode(errors="replace")
    as_string = getattr(statement, "as_string", None)
    return str(as_string(raw) if callable(as_string) else statement)
