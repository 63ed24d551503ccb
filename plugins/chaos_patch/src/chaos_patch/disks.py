"""Children whose disk is full: a small file system in the place of a folder, or a limit on the size of files."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import attrs

from chaos_patch.children import LAUNCHER, ChildFault, Children, Command, Start, launched, probe
from chaos_patch.errors import UnsupportedError
from chaoscore import show_bytes, size_bytes

_FILL = """
import errno, os, sys
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
written = 0
try:
    while written < 1 << 20:
        written += os.write(file, bytes(4096))
except OSError as error:
    print(written, errno.errorcode[error.errno])
"""


def folder(value: str | os.PathLike[str]) -> str:
    """
    Return *value* as an absolute path.

    Raises:
        TypeError: It is no path.
        ValueError: It is empty, or the root of all files.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"a folder is a path, not {value!r}")
    text = str(Path(value).resolve()) if os.fspath(value) else ""
    if text in ("", os.sep):
        raise ValueError(f"folder is the place that a child writes to, not {value!r}")
    return text


def not_empty(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    """Refuse 0 bytes, as an attrs validator: a file system of that size would have no limit at all."""
    if value < 1:
        raise ValueError(f"{attribute.alias} is 1 byte or more, not {value!r}")


@attrs.frozen
class DiskFull(ChildFault):
    """
    Let children that a step starts find an empty file system of a few bytes in the place of a folder: ENOSPC.

    They see it instead of what is there, and what they write there is gone when they have ended. It needs user
    namespaces (Linux), and no privilege. Lifting it leaves it to the children that have begun.

    Attributes:
        folder: The folder; it must exist.
        size_bytes: How much fits in.
    """

    kind: ClassVar[str] = "patch.disk_full"

    folder: str = attrs.field(converter=folder)
    size_bytes: int = attrs.field(default=1 << 20, converter=size_bytes, validator=not_empty, alias="size")

    def command(self, start: Start, opened: Children) -> Command:
        """Return the command that mounts the file system first."""
        return launched(start, {"small_disk": [self.folder, self.size_bytes]})

    def detail(self) -> str:
        """Return what the child finds."""
        return f"{show_bytes(self.size_bytes)} on {self.folder}"

    def look(self) -> str:
        """Fill a small file system in a child."""
        if not Path(self.folder).is_dir():
            raise UnsupportedError(self.kind, f"{self.folder} is no folder", "make it, or name another")
        return small_file_system()


@attrs.frozen
class FileSize(ChildFault):
    """
    Limit what the files of children that a step starts may grow to: a short write, then EFBIG (Linux).

    Lifting it gives those that live on their old limit back.

    Attributes:
        limit_bytes: The size.
    """

    kind: ClassVar[str] = "patch.file_size"

    limit_bytes: int = attrs.field(converter=size_bytes, alias="limit")

    def command(self, start: Start, opened: Children) -> Command:
        """Return the command that sets the limit first."""
        return launched(start, {"file_size": [self.limit_bytes]})

    def detail(self) -> str:
        """Return the limit."""
        return f"files of at most {show_bytes(self.limit_bytes)}"

    def look(self) -> str:
        """Write past the limit in a child."""
        return limited_files()

    def lift(self, popen: subprocess.Popen[Any]) -> None:
        """Give a child this process's own limit, as it would have had it."""
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(popen.pid, resource.RLIMIT_FSIZE)
            soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.prlimit(popen.pid, resource.RLIMIT_FSIZE, (soft, hard))


def small_file_system() -> str:
    """Fill a file system of 64 KiB in a child, and say when it was full."""
    with tempfile.TemporaryDirectory(prefix="chaos-patch-") as place:
        said = _filled({"small_disk": [place, 64 << 10]}, place)
        if any(Path(place).iterdir()):
            raise UnsupportedError("a small file system", "the child wrote to the real folder", "see its mounts")
    return _proved("a small file system", said, errno.ENOSPC)


def limited_files() -> str:
    """Write past a limit of 64 KiB in a child, and say when that failed."""
    if not hasattr(resource, "prlimit"):
        raise UnsupportedError("limiting files", "it needs Linux", "fill a disk instead")
    with tempfile.TemporaryDirectory(prefix="chaos-patch-") as place:
        return _proved("limiting files", _filled({"file_size": [64 << 10]}, place), errno.EFBIG)


def _filled(what: dict[str, list[Any]], place: str) -> str:
    command = [sys.executable, "-I", "-S", "-c", _FILL, str(Path(place) / "file")]
    remedy = "use patch.syscall('write', error='ENOSPC'), or let the program write to /dev/full"
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(what), sys.executable, *command]
    return probe(next(iter(what)), remedy, launch)


def _proved(what: str, said: str, expected: int) -> str:
    written, _, error = said.partition(" ")
    if error != errno.errorcode[expected]:
        raise UnsupportedError(what, f"a child that wrote too much saw {said or 'nothing'}", "nothing can be done here")
    return f"a child could write {show_bytes(int(written))}, then {error}"
