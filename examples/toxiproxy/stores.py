"""Two databases to put a proxy in front of: SQLite behind a small HTTP service, and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

ROWS = 300
QUERY = "SELECT id, name, price FROM items ORDER BY id"
ITEMS = [(number, f"item {number}", number * 1.5) for number in range(ROWS)]
TIMEOUT_S = 5.0

Ask = Callable[[], int]
"""Asks for all items and returns how many came."""


class Store(Protocol):
    """A database that may be reached by another address than its own."""

    @property
    def address(self) -> str:
        """Return ``host:port`` of it."""
        ...

    def connect(self, host: str, port: int) -> tuple[Ask, Callable[[], None]]:
        """Return what asks it at that address, and what closes the connection."""
        ...

    def close(self) -> None: ...


class HttpStore:
    """An SQLite database behind an HTTP service of this process."""

    def __init__(self) -> None:
        with_items = _filled(sqlite3.connect(":memory:", check_same_thread=False))
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                with lock:
                    body = json.dumps(with_items.execute(QUERY).fetchall()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the table does."""

        self._database = with_items
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def connect(self, host: str, port: int) -> tuple[Ask, Callable[[], None]]:
        connection = HTTPConnection(host, port, timeout=TIMEOUT_S)

        def ask() -> int:
            connection.request("GET", "/items")
            return len(json.loads(connection.getresponse().read()))

        return ask, connection.close

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._database.close()


class PostgresStore:
    """A PostgreSQL database; the items are in a table of each connection's own, so nothing stays."""

    def __init__(self, dsn: str) -> None:
        from psycopg.conninfo import conninfo_to_dict

        self._given = conninfo_to_dict(dsn)
        self.address = f"{self._given.get('host') or '127.0.0.1'}:{self._given.get('port') or 5432}"

    def connect(self, host: str, port: int) -> tuple[Ask, Callable[[], None]]:
        import psycopg

        where: dict[str, Any] = self._given | {"host": host, "port": port, "connect_timeout": int(TIMEOUT_S)}
        connection = psycopg.connect(autocommit=True, **where)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE items (id int, name text, price float)")
            cursor.executemany("INSERT INTO items VALUES (%s, %s, %s)", ITEMS)
        return lambda: len(connection.execute(QUERY).fetchall()), connection.close

    def close(self) -> None:
        """Leave it alone."""


def _filled(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute("CREATE TABLE items (id INTEGER, name TEXT, price REAL)")
    database.executemany("INSERT INTO items VALUES (?, ?, ?)", ITEMS)
    return database
