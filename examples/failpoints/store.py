"""A key-value store in two files: a snapshot, and a log of what was put since then. It knows nothing of chaos."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Store:
    """When `put` returns, the value survives a crash; when `put` raises, it was not put."""

    def __init__(self, folder: Path, compact_after: int = 5) -> None:
        self.compact_after = compact_after
        self.snapshot, self.log = folder / "snapshot.json", folder / "log.jsonl"
        self.log.touch()
        self.values: dict[str, Any] = json.loads(self.snapshot.read_text()) if self.snapshot.exists() else {}
        lines = self.log.read_text().splitlines()
        self.values.update(map(json.loads, lines))
        self.logged = len(lines)

    def put(self, key: str, value: Any) -> None:
        with self.log.open("a") as log:
            # failpoint: store.put
            log.write(f"{json.dumps([key, value])}\n")
        # failpoint: store.logged
        self.values[key] = value
        self.logged += 1
        if self.logged >= self.compact_after:
            self.compact()

    def compact(self) -> None:
        """Put everything into the snapshot, and nothing into the log."""
        raise NotImplementedError


class HastyStore(Store):
    """Empties the log, then writes the snapshot."""

    def compact(self) -> None:
        self.log.write_text("")
        # failpoint: hasty.log-emptied
        self.snapshot.write_text(json.dumps(self.values))
        # failpoint: hasty.compacted
        self.logged = 0


class CarefulStore(Store):
    """Replaces the snapshot as a whole, and only then empties the log; takes back what it could not finish."""

    def put(self, key: str, value: Any) -> None:
        size = self.log.stat().st_size
        try:
            super().put(key, value)
        except OSError:
            os.truncate(self.log, size)
            raise

    def compact(self) -> None:
        beside = self.snapshot.with_suffix(".new")
        beside.write_text(json.dumps(self.values))
        # failpoint: careful.written
        beside.replace(self.snapshot)
        # failpoint: careful.in-place
        self.log.write_text("")
        # failpoint: careful.compacted
        self.logged = 0
