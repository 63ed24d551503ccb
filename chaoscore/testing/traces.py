"""What a process holds, and what something has left in it."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaoscore.clock import SystemClock

PATIENCE_S = 2.0
"""How long what is just ending may take to be gone."""

_OURS = "chaoscore-"
_HELPER = b"multiprocessing.resource_tracker"  # lives as long as the process, by the standard library's design


def traces() -> set[str]:
    """Return a line for each thing that this process holds: threads, open files, children, and its surroundings."""
    return {*_threads(), *_descriptors(), *_children(), *_surroundings()}


def left_since(before: set[str]) -> list[str]:
    """Return what this process holds that it did not hold *before*, once what is just ending has ended."""
    clock = SystemClock()
    end_s = clock.monotonic() + PATIENCE_S
    while (found := _changes(before)) and clock.monotonic() < end_s:
        clock.sleep(0.005)
    return found


def _changes(before: set[str]) -> list[str]:
    now = traces()
    gone = {line for line in before - now if line.startswith("environment variable")}
    return sorted({*(now - before), *(f"{line}: gone or changed" for line in gone)})


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if not thread.name.startswith(_OURS):
            yield f"thread {thread.name!r} ({thread.ident})"


def _descriptors() -> Iterator[str]:
    folder = Path("/proc/self/fd")
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            yield f"open file {path.name}: {path.readlink()}"
        except OSError:  # that of the listing itself
            continue


def _children() -> Iterator[str]:
    for path in Path("/proc/self/task").glob("*/children"):
        for pid in _read(path).split():
            command = _read(Path("/proc") / pid.decode() / "cmdline")
            if command and _HELPER not in command:
                yield f"child process {pid.decode()}: {command.replace(bytes(1), b' ').decode(errors='replace')[:100]}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def _surroundings() -> Iterator[str]:
    yield f"working directory {Path.cwd()}"
    for name, value in os.environ.items():
        if name != "PYTEST_CURRENT_TEST":
            yield f"environment variable {name} ({hash(value):x})"  # a value may be a secret
    for folder in _ours:
        for inside, folders, files in os.walk(folder):  # unlike `rglob` it does not mind what vanishes meanwhile
            yield from (temporary(Path(inside) / name) for name in (*folders, *files))


def temporary(path: Path) -> str:
    """Return the line for a temporary file."""
    return f"temporary file {path.name}"


_ours: set[Path] = set()


@contextmanager
def own_temporary_files() -> Iterator[Path]:
    """
    Let temporary files of this process go to a folder of their own, which is looked at and then removed.

    Only there can it be told who made a file: other processes write to the usual place, and to the working directory.
    """
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        _ours.add(Path(folder))
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
            _ours.discard(Path(folder))
