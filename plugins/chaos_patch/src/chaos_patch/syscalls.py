"""Children whose calls into the kernel fail or take long, by strace."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import attrs

from chaos_patch.children import ChildFault, Children, Command, Start, probe
from chaos_patch.errors import UnsupportedError
from chaos_patch.points import tally
from chaos_patch.targets import Spot
from chaos_patch.tracers import let_go
from chaoscore import Evidence, seconds, show_seconds

_CALLS = re.compile(r"%?[a-z][a-z0-9_]*(?:,%?[a-z][a-z0-9_]*)*")
_WHEN = re.compile(r"\d+(?:\.\.\d+)?(?:\+\d*)?")
_MARKS = (b"(INJECTED)", b"(DELAYED)")
_WRITE_TWICE = """
import os
try:
    os.write(1, b"one")
    os.write(1, b"two")
except OSError as error:
    print(error.errno)
"""


def _are_calls(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not _CALLS.fullmatch(value):
        raise ValueError(f"{attribute.alias} names system calls, such as 'write' or 'openat,read', not {value!r}")


def _is_when(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (not isinstance(value, str) or not _WHEN.fullmatch(value)):
        problem = "says which calls fail, as strace does: '3' (the third), '5+' (from the fifth), '5+10' (5, 15, ...)"
        raise ValueError(f"{attribute.alias} {problem}, not {value!r}")


def _is_error(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value not in errno.errorcode.values():
        raise ValueError(f"{attribute.alias} is a name such as 'ENOSPC' or 'EIO', not {value!r}")


@attrs.frozen
class Syscall(ChildFault):
    """
    Let system calls fail or wait in children that a step starts, by `strace -e inject`; it needs strace, no privilege.

    Every traced call costs the child some microseconds. Lifting it lets the children that live on go.

    Attributes:
        calls: Names of system calls, as strace has them: ``"write"``, ``"openat,read"``, ``"%network"``.
        error: The error they return, such as ``"ENOSPC"``; None: none.
        delay_s: How long they wait first, seconds.
        when: Which of them, counted in each thread of the child: ``"3"``, ``"5+"``, ``"5+10"`` (5, 15, 25, ...); None:
            all.
    """

    kind: ClassVar[str] = "patch.syscall"

    calls: str = attrs.field(validator=_are_calls)
    error: str | None = attrs.field(default=None, validator=_is_error)
    delay_s: float = attrs.field(default=0.0, converter=seconds, alias="delay", kw_only=True)
    when: str | None = attrs.field(default=None, validator=_is_when, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.error is None and not self.delay_s:
            raise ValueError("patch.syscall does nothing; give it error= or delay=")

    def command(self, start: Start, opened: Children) -> Command:
        """Return the command that starts the child under strace, as whose parent strace does not appear."""
        assert isinstance(opened, Traced)
        return [*tracing(self, opened.next_file()), *_under(start)]

    def detail(self) -> str:
        """Return what happens to which calls."""
        what = [self.error] if self.error else []
        if self.delay_s:
            what.append(f"after {show_seconds(self.delay_s)}")
        return f"{self.calls}: {' '.join(what)}{f', {self.when}' if self.when else ''}"

    def look(self) -> str:
        """Let a call of a child fail."""
        return failing_calls()

    def children(self, found: tuple[Spot, ...], armed: Any) -> Children:
        """Return what keeps the children of one opening, and what strace says of them."""
        return Traced(self, lambda asked: tally(found, armed, asked))


class Traced(Children):
    """Children under strace, whose records prove what was injected."""

    def __init__(self, fault: ChildFault, detail: Callable[[dict[str, int]], Mapping[str, Any]]) -> None:
        super().__init__(fault, detail)
        self._place = Path(tempfile.mkdtemp(prefix="chaos-patch-"))
        self._files = count(1)

    def next_file(self) -> Path:
        """Return where strace writes for the next child; a fork of this process counts for itself."""
        return self._place / f"{os.getpid()}-{next(self._files)}"

    def evidence(self) -> Evidence:
        """Return how many calls have failed or waited, by strace's own records."""
        counts = [_marked(path) for path in sorted(self._place.iterdir())]
        detail = dict(super().evidence().detail)
        return Evidence(fired=sum(counts), detail=detail | {"children": len(counts)})

    def end(self) -> None:
        """Let the children, and theirs, go on without strace."""
        super().end()
        let_go(self._place)
        shutil.rmtree(self._place)


def tracing(fault: Syscall, file: Path) -> Command:
    """Return the command that starts another under strace; what it injects is written to *file*."""
    parts = [f"inject={fault.calls}"]
    parts += [f"error={fault.error}"] if fault.error else []
    parts += [f"delay_enter={round(fault.delay_s * 1e6)}"] if fault.delay_s else []
    parts += [f"when={fault.when}"] if fault.when else []
    only_failed = [] if fault.delay_s else ["-Z"]
    # -D: strace is nobody's parent; -I2: it lets go when it is told to. Not `--seccomp-bpf`, which is quicker: without
    # strace, its filter would let every such call fail for ever.
    return [
        "strace", "-D", "-f", "-I2", "-qqq", *only_failed, "-e", f"trace={fault.calls}", "-e", ":".join(parts),
        "-e", "signal=none", "-o", str(file), "--",
    ]  # fmt: skip


def failing_calls() -> str:
    """Let the second write of a child fail, and say what it saw."""
    if shutil.which("strace") is None:
        raise UnsupportedError(Syscall.kind, "strace is not installed", "install it, or patch Python functions instead")
    with tempfile.TemporaryDirectory(prefix="chaos-patch-") as place:
        trace = tracing(Syscall("write", "ENOSPC", when="2"), Path(place) / "record")
        command = [*trace, sys.executable, "-I", "-S", "-c", _WRITE_TWICE]
        said = probe(Syscall.kind, "let this user trace its own children (ptrace)", command)
    if said != f"one{errno.ENOSPC}":
        raise UnsupportedError(Syscall.kind, f"a child whose second write should fail said {said!r}", "see `strace -V`")
    return "a child's first write went through, its second failed with ENOSPC"


def _under(start: Start) -> Command:
    return [start.program, *start.command[1:]]


def _marked(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(any(mark in line for mark in _MARKS) for line in lines)
