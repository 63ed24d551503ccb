"""CPU time and memory of an action that does nothing, in chaostoolkit-lib."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.probes.timing import each, tell

LOGGER = logging.getLogger("chaostoolkit")
NOOP = {"type": "python", "module": "benchmarks.probes.noop"}
ACTION = {"type": "action", "name": "noop", "provider": {**NOOP, "func": "action"}}


def probe(actions: int, controls: int, log: str) -> dict[str, float]:
    """Measure actions without a word, with *controls* controls, and with the log that its command line sets up."""
    LOGGER.addHandler(logging.NullHandler())
    LOGGER.propagate = False
    LOGGER.setLevel(logging.CRITICAL + 1)
    silent = each(runner(), actions, 10)
    controlled = each(runner(controls), actions // 10, 10)
    import_module("chaoslib.log").configure_logger(log_file=log)
    return {
        "silent": silent,
        "control": (controlled - silent) / controls,
        "as shipped": each(runner(), actions // 5, 10),
    }


def runner(controls: int = 0) -> Callable[[int], Any]:
    """Return what runs an experiment of so many actions, returns its journal, and makes sure that they happened."""
    run, strategy = import_module("chaoslib.run"), import_module("chaoslib.types").Strategy.DEFAULT

    def play(actions: int) -> Any:
        experiment = {
            "title": "no-op",
            "description": "no-op",
            "method": [ACTION] * actions,
            "rollbacks": [],
            "controls": [{"name": f"control {number}", "provider": NOOP} for number in range(controls)],
        }
        journal = run.Runner(strategy).run(experiment, settings={})
        assert len(journal["run"]) == actions, journal["status"]
        assert journal["run"][-1]["status"] == "succeeded"
        return journal

    return play


if __name__ == "__main__":
    tell(probe)
