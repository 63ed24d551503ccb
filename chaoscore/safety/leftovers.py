"""What runs have left: whose journals are there, which of those runs are dead, and what is not worth keeping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chaoscore.safety.identity import ProcessId, boot_id
from chaoscore.safety.records import Contents, read
from chaoscore.safety.state import journals


def every_journal(but: Path | None = None) -> Iterator[Contents]:
    """
    Yield what the journals in the state directory say, all *but* one, oldest first.

    Raises:
        StateError: One cannot be read, so nobody knows what is in effect.
    """
    folder = journals()
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        if path == but:
            continue
        with suppress(FileNotFoundError):  # removed just now, with the last of its faults
            yield read(path)


def left_behind() -> tuple[Contents, ...]:
    """Return the journals with open faults that no run will undo any more, oldest first."""
    return tuple(each for each in every_journal() if each.open and not is_alive(each))


def is_alive(contents: Contents) -> bool:
    """Tell whether the run of a journal is going on; it may be over although its process is not."""
    over = contents.closed or contents.revoked is not None
    return not over and contents.header.boot == boot_id() and contents.header.owner.alive()


def disturbing(target: str, own: Path) -> str | None:
    """Return another run than that of the journal *own* that has a fault on *target* by its journal, dead or alive."""
    for contents in every_journal(own):
        if any(intent.target == target for intent in contents.open):
            return contents.header.run_id
    return None


def sweep() -> int:
    """Remove the journals of dead runs that have nothing open, also half-made ones; return how many there were."""
    empty = [each.path for each in every_journal() if not each.open and not is_alive(each)]
    drafts = [path for path in journals().glob(".*.new") if not _maker(path).alive()]
    for path in (*empty, *drafts):
        path.unlink(missing_ok=True)
    return len(empty) + len(drafts)


def _maker(draft: Path) -> ProcessId:
    """Return the process that was making a journal, by the name that it gave it."""
    pid, _, started = draft.suffixes[-2].lstrip(".").partition("-")
    return ProcessId(int(pid), int(started)) if pid.isdecimal() and started.isdecimal() else ProcessId(0, 0)
