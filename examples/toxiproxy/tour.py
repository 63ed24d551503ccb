"""What a client of a database feels when its network is slow, thin, silent or cut into pieces."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator

from stores import ROWS, Ask, HttpStore, PostgresStore, Store

from chaos_toxiproxy import ProxySet, bandwidth, latency, proxies, slicer, timeout
from chaoscore import Injector, Report, Scenario, show_seconds

FAULTS: dict[str, Injector | None] = {
    "no fault": None,
    "latency 50 ms, jitter 10 ms": latency("50ms", jitter="10ms"),
    "bandwidth 200 kB/s": bandwidth("200kB"),
    "slicer, pieces of 512 B": slicer(512, variation=64, delay="50us"),
    "timeout, closed after 200 ms": timeout("200ms"),
}
REQUESTS = 10


class Client:
    """The system under test: it knows the database by the address that it is given, and connects again when it must."""

    name = "client"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ask: Ask | None = None
        self._close: Callable[[], None] = lambda: None

    def setup(self, proxies: ProxySet) -> None:
        self._db = proxies["db"]
        self._ask, self._close = self._store.connect(self._db.host, self._db.port)

    def teardown(self) -> None:
        self._close()

    def ask(self) -> None:
        if self._ask is None:
            self._ask, self._close = self._store.connect(self._db.host, self._db.port)
        try:
            assert self._ask() == ROWS
        except BaseException:
            self._close()
            self._ask = None
            raise


def scenario(name: str, injector: Injector | None, store: Store, server: str) -> Scenario:
    """Return a scenario of one fault between a client and the database."""
    built = (
        Scenario(name)
        .target(Client(store))
        .step("ask", Client.ask)
        .provide("proxies", proxies({"db": store.address}, server))
        .repeat(REQUESTS)
        .continue_on_failure()
        .thresholds("relaxed")
    )
    return built if injector is None else built.inject("network", injector)


def row(name: str, report: Report) -> tuple[str, ...]:
    """Return what the client felt, and what the fault says it did."""
    failed = ", ".join(sorted({each.first.type.rpartition(".")[2] for each in report.errors})) or "-"
    struck = [f"{each.fired}, {each.detail.get('bytes', 0):,} B" for each in report.injections]
    middle, most = show_seconds(report.timing.p50_s), show_seconds(report.timing.max_s)
    return name, f"{report.iterations.ok}/{REQUESTS}", middle, most, failed, "".join(struck) or "-"


def table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    rows = [("fault", "answers", "median", "slowest", "errors", "connections struck"), *rows]
    widths = [max(len(each[column]) for each in rows) for column in range(len(rows[0]))]
    for each in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(each, widths, strict=True)).rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    own = "toxiproxy-server" if os.environ.get("USE_TOXIPROXY", "").lower() == "true" else "embedded"
    parser.add_argument("--server", default=own, help="embedded, toxiproxy-server, or the URL of one that runs")
    parser.add_argument("--dsn", help="a PostgreSQL database instead of SQLite behind HTTP")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    store: Store = HttpStore() if options.dsn is None else PostgresStore(options.dsn)
    print(f"{REQUESTS} queries of {ROWS} rows for each fault, through {options.server}\n")
    troubled = False
    rows = []
    try:
        for name, injector in FAULTS.items():
            report = scenario(name, injector, store, options.server).run(seed=options.seed)
            rows.append(row(name, report))
            for trouble in report.troubles:
                troubled = True
                print(f"{trouble.who}: {trouble.hook}: {trouble.error.message}", file=sys.stderr)
    finally:
        store.close()
    print("\n".join(table(rows)))
    return 3 if troubled else 0


if __name__ == "__main__":
    sys.exit(main())
