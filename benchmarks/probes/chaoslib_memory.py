"""How much memory an experiment of chaostoolkit-lib takes more with many actions than with a thousand."""

from __future__ import annotations

import logging

from benchmarks.probes.chaoslib_actions import runner
from benchmarks.probes.timing import rss_bytes, tell

FIRST = 1_000


def probe(actions: int) -> dict[str, float]:
    """Run a thousand actions, then so many."""
    logging.getLogger("chaostoolkit").setLevel(logging.CRITICAL + 1)
    play = runner()
    play(FIRST)
    first = rss_bytes()
    journal = play(actions)
    growth = rss_bytes() - first
    assert journal
    return {"growth": growth, "per action": growth / (actions - FIRST)}


if __name__ == "__main__":
    tell(probe)
