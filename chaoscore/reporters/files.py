"""The files that reporters write: whole or not at all."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from chaoscore.errors import UnwritableError

FilePath = Annotated[str | os.PathLike[str], "file"]
"""Where to write; its directory must exist. ``-`` is the standard output."""

STDOUT = Path("-")


def file_path(path: FilePath) -> Path:
    """
    Return *path* if a file can be there. It is looked at when the reporter is made, not after an hour's run.

    Raises:
        ValueError: It is a directory, or its directory does not exist.
    """
    file = Path(path)
    if file.is_dir():
        raise ValueError(f"{file} is a directory; name a file in it")
    if not file.parent.is_dir():
        raise ValueError(f"{file}: its directory {file.parent} does not exist; create it, or name another")
    return file


def optional_file_path(path: FilePath | None) -> Path | None:
    """Return *path* if a file can be there, or None where it is None."""
    return None if path is None else file_path(path)


def write_whole(path: Path, content: bytes) -> None:
    """
    Put *content* into the file at *path*: a reader sees the old file or the new one, never half of it.

    Pipes and devices are written to as they are.

    Raises:
        UnwritableError: It cannot be written: disk full, no permission, directory gone.
    """
    try:
        if path == STDOUT:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
        elif _is_special(path):
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except OSError as error:
        raise UnwritableError(path, error.strerror or str(error)) from error


def append(path: Path, content: bytes) -> None:
    """
    Append *content* to the file at *path*.

    Raises:
        UnwritableError: It cannot be written.
    """
    try:
        with path.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise UnwritableError(path, error.strerror or str(error)) from error


def _is_special(path: Path) -> bool:
    """Tell whether a file is one that must not be replaced, such as ``/dev/stdout``, whatever is behind it."""
    return path.exists() and (not path.is_file() or path.absolute().parts[1:2] in (("dev",), ("proc",)))


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
