"""A bad network between the shop and its PostgreSQL server: slow, thin, and silent now and then."""

from importlib import import_module
from typing import Any

from chaoscore import window


def described() -> str:
    return "the network takes 100 +- 20 ms, carries 500 kB/s, and is silent for 2 s now and then"


def behind_proxy(scenario: Any, dsn: str, server: str) -> Any:
    """
    The scenario with a proxy in front of the server.

    Args:
        scenario: Its target's `setup` takes ``proxies``.
        dsn: Where PostgreSQL is.
        server: ``"embedded"``, ``"toxiproxy-server"``, or the URL of one that runs.
    """
    toxiproxy: Any = import_module("chaos_toxiproxy")
    return (
        scenario.provide("proxies", toxiproxy.proxies({"db": address(dsn)}, server))
        .inject("latency", toxiproxy.latency("100ms", jitter="20ms"))
        .inject("bandwidth", toxiproxy.bandwidth("500kB"))
        .inject("silence", toxiproxy.timeout("2s", toxicity=0.2), window=window("5s", every="15s", for_="2s"))
    )


def address(dsn: str) -> str:
    """Host and port that *dsn* leads to."""
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(dsn)
    return f"{given.get('hostaddr') or given.get('host') or '127.0.0.1'}:{given.get('port') or 5432}"


def redirected(dsn: str, proxy: Any) -> str:
    """*dsn*, with *proxy* in the place of the server."""
    from psycopg.conninfo import make_conninfo

    return make_conninfo(dsn, host=proxy.host, hostaddr=None, port=proxy.port)
