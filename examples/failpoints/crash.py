"""Crash a writer at every failpoint of the store, start again, and look whether what was safe is still there."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import store

from chaos_failpoint import child_environment, markers

HERE = Path(__file__).parent
WRITES = 12
EXIT = 3


def main() -> int:
    """Return 0 where the hasty store loses something, and the careful one nothing."""
    with markers.install(["store"]) as hook:
        names = [each.name for each in hook.found]
    found = {kind: list(losses(kind, names)) for kind in (store.HastyStore, store.CarefulStore)}
    for kind, lost in found.items():
        print(f"{kind.__name__}: {'; '.join(lost) or 'nothing is lost, wherever it crashes'}")
    return not (found[store.HastyStore] and not found[store.CarefulStore])


def losses(kind: type[store.Store], names: list[str]) -> Iterator[str]:
    """Say what is lost by crashes at the first and at the second hit of each failpoint of *kind*."""
    own = ("store.", f"{kind.__name__.removesuffix('Store').lower()}.")
    for name in names:
        if name.startswith(own):
            for skipped in range(2):
                with tempfile.TemporaryDirectory() as folder:
                    safe = crashed(kind, Path(folder), f"{name}={skipped}+exit({EXIT})")
                    there = kind(Path(folder)).values
                    lost = [number for number in safe if there.get(f"key {number}") != number]
                if lost:
                    yield f"a crash at {name}, time {skipped + 1}, loses {len(lost)} of {len(safe)} safe writes"


def crashed(kind: type[store.Store], folder: Path, terms: str) -> list[int]:
    """Return what a writer has called safe before it crashed."""
    environment = child_environment(terms, environ={**os.environ, "CHAOS_FAILPOINTS_MARKERS": "store"})
    command = [
        sys.executable,
        "-m",
        "chaos_failpoint",
        str(HERE / "writer.py"),
        kind.__name__,
        str(folder),
        str(WRITES),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != EXIT:
        raise RuntimeError(f"{terms}: the writer was to crash, and ended with {done.returncode}: {done.stderr}")
    return [int(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
