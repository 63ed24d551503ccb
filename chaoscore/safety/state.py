"""Where the framework keeps what must outlive a process: journals, locks and the stop lever."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from chaoscore.errors import StateError

VARIABLE = "CHAOSCORE_STATE_DIR"


def state_dir() -> Path:
    """Return the private folder: ``$CHAOSCORE_STATE_DIR``, else ``chaoscore`` in the XDG state directory."""
    own = os.environ.get(VARIABLE)
    if own:
        return Path(own).absolute()  # a run, or what it tests, may change its folder
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home).absolute() / "chaoscore"


def private(folder: Path) -> Path:
    """
    Return *folder*, made if it is missing; it and the state directory around it are readable by their owner alone.

    Raises:
        StateError: One cannot be made, is not a folder, or belongs to somebody else or to everybody.
    """
    for each in dict.fromkeys((state_dir(), folder)):
        _make_private(each)
    return folder


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid():
            raise StateError(folder, f"it belongs to user {status.st_uid}, not to {os.geteuid()}")
        if status.st_mode & stat.S_ISVTX:
            raise StateError(folder, "it is for everybody, as /tmp is, and would be closed to them")
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StateError(folder, error.strerror or str(error)) from error


def journals() -> Path:
    """Return the folder of the journals; it may not exist yet."""
    return state_dir() / "journals"


def lever() -> Path:
    """Return the stop lever: while this file exists, nothing is injected and what is open is undone."""
    return state_dir() / "stop"


def pull_lever() -> Path:
    """
    Pull the stop lever, as `chaoscore stop` does: runs undo their faults and end, and none injects until its release.

    Returns:
        The lever: the file that is there while it is pulled.

    Raises:
        StateError: The state directory cannot be made or is not private.
        OSError: The file cannot be made.
    """
    private(state_dir())
    pulled = lever()
    pulled.touch(mode=0o600)
    return pulled
