"""PostgreSQL through psycopg 3: the only module that imports it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

KILLER = "chaoscore sql.kill"
"""The application name of the injector's own connection, which is never its victim."""

_VICTIMS = """
    SELECT pid FROM pg_stat_activity
    WHERE application_name = %s AND datname = current_database()
      AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    ORDER BY backend_start, pid
"""

Lost = psycopg.Error
"""What the functions here raise when the server does not answer or refuses."""


def reader(dsn: str, timeout_s: float) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a connection that can only read, and no statement of which takes longer than *timeout_s*, seconds."""
    connection = psycopg.connect(dsn, connect_timeout=int(timeout_s), application_name="chaoscore sql.consistent")
    try:
        connection.read_only = True
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [str(int(timeout_s * 1000))])
    except BaseException:
        connection.close()
        raise
    return connection


def killer(dsn: str, timeout_s: float) -> psycopg.Connection[tuple[Any, ...]]:
    """Return the connection of `sql.kill` itself."""
    return psycopg.connect(dsn, connect_timeout=int(timeout_s), application_name=KILLER, autocommit=True)


def server(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[str, int] | None:
    """Return the address and the port that *connection* leads to; None for a socket of this machine."""
    address = connection.info.hostaddr
    return (address, connection.info.port) if address else None


def application_name(dsn: str) -> str:
    """Return the application name in *dsn*, or an empty text."""
    return str(conninfo_to_dict(dsn).get("application_name") or "")


def victims(connection: psycopg.Connection[tuple[Any, ...]], application: str) -> list[int]:
    """Return the process numbers of the backends that serve *application* in this database, oldest first."""
    return [pid for (pid,) in connection.execute(_VICTIMS, [application]).fetchall()]


def terminate(connection: psycopg.Connection[tuple[Any, ...]], pid: int, application: str) -> bool:
    """End the backend *pid* if it still serves *application*; tell whether the server did."""
    ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND application_name = %s"
    row = connection.execute(ask, [pid, application]).fetchone()
    return row is not None and bool(row[0])
