"""How much memory the cgroup of this process still allows: in a container the machine's free memory says little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def rooms_bytes(root: Path = ROOT, own: Path = OWN) -> Iterator[int]:
    """
    Yield what this process's memory cgroup and those above it (version 2) still allow, bytes; nothing where none does.

    Args:
        root: Where the cgroups are mounted.
        own: The file that says which one is this process's.
    """
    try:
        path = own.read_text(encoding="utf-8").rpartition("::")[2].strip().lstrip("/")
    except OSError:
        return
    group = root / path
    for each in (group, *group.parents):
        if each.is_relative_to(root):
            with suppress(OSError):  # the root has no limit, and a container may see no files at all
                limit = (each / "memory.max").read_text(encoding="ascii").strip()
                if limit != "max":
                    yield max(0, int(limit) - _working_set(each))


def _working_set(group: Path) -> int:
    """Return what a cgroup uses without the file pages that it would give up first, bytes."""
    used = int((group / "memory.current").read_text(encoding="ascii"))
    stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    return used - int(stat.get("inactive_file", 0))
