"""Whether an engine that has run very many sagas is as fast as at the beginning, and takes no more memory."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.probes.sagas import definitions
from benchmarks.probes.timing import rss_bytes, tell
from chaos_sqlsaga.engine import Engine, Metrics, RollbackDepth, Threads
from chaos_sqlsaga.history import Observer

AHEAD = 500
"""So many sagas wait at most; the others are put in as these end."""
WORKERS = 4


def probe(sagas: int) -> dict[str, float]:
    """Run so many, every fourth of which rolls back, and compare the first tenth with the last."""
    ahead, tenth = threading.Semaphore(AHEAD), sagas // 10
    at: dict[int, tuple[float, float, int]] = {}
    ended, lock = 0, threading.Lock()

    def count(event: Any) -> None:
        nonlocal ended
        if event.what == "ended":
            ahead.release()
            with lock:
                ended += 1
                if ended % tenth == 0:
                    at[ended] = perf_counter(), process_time(), rss_bytes()

    observers: list[Observer] = [count, Metrics(), RollbackDepth()]
    with tempfile.TemporaryDirectory(prefix="sagas-") as folder:
        path = str(Path(folder) / "sagas.db")
        with Engine(path, definitions(), synchronous="NORMAL", observers=observers) as engine:
            at[0] = perf_counter(), process_time(), rss_bytes()
            with Threads(engine, WORKERS):
                for number in range(sagas):
                    ahead.acquire()
                    engine.start("sad" if number % 4 == 3 else "happy", {"order": number})
                for _ in range(AHEAD):
                    ahead.acquire()
    (first_s, first_cpu_s, _), (last_s, last_cpu_s, _) = (
        [(end - begin) / tenth for begin, end in zip(at[until - tenth], at[until], strict=True)]
        for until in (tenth, sagas)
    )
    return {
        "first": first_s, "last": last_s, "first cpu": first_cpu_s, "last cpu": last_cpu_s,
        "growth": at[sagas][2] - at[tenth][2],
    }  # fmt: skip


if __name__ == "__main__":
    tell(probe)
