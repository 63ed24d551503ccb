"""The run that is killed: it strikes a victim again and again, with every injector whose faults a journal undoes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from time import sleep
from typing import Any

from chaos_process import limit, pause
from chaos_sqlsaga import corrupt_row
from chaoscore import Injector, Scenario, window

VICTIM = "CHAOSCORE_BENCHMARK_VICTIM"
"""Names the victim: its pid, when it started, and the file of its rows."""

LIMIT = 16

INJECTORS: Mapping[str, Callable[..., Injector]] = {
    "process.limit": lambda rows, **which: limit(open_files=LIMIT, **which),
    "process.pause": lambda rows, **which: pause(**which),
    "saga.corrupt_row": lambda rows, **_: corrupt_row(rows),
}
"""One for each kind; a new kind whose faults a journal undoes needs its line here, and one in `victim`."""


def built() -> Scenario:
    """Return the scenario against the victim."""
    pid, started, rows = os.environ[VICTIM].split(":", 2)
    chaos = Scenario("struck").target(object()).step("wait", lambda _: sleep(0.001)).run_for("60s").limit(drain="50ms")
    which: dict[str, Any] = {"pid": int(pid), "started": float(started), "rows": rows}
    for number, (kind, injector) in enumerate(INJECTORS.items()):
        often = window(f"{number * 5}ms", every=f"{20 + number * 3}ms", for_="15ms")
        chaos = chaos.inject(kind, injector(**which), window=often)
    return chaos


if VICTIM in os.environ:
    scenario = built()
