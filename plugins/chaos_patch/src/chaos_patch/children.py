"""Child processes that a step starts, and that begin under a fault: `subprocess` and everything above it."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary, ref

import attrs

from chaos_patch.errors import UnsupportedError
from chaos_patch.parameters import optional_pattern
from chaos_patch.points import patched, tally
from chaos_patch.targets import PREFIX, Spot, spots
from chaoscore import Ask, Evidence, Fault, Site, Strike, SystemClock, Undo, probability

POPEN = "subprocess:Popen.__init__"
LAUNCHER = Path(__file__).with_name("launcher.py")
PROBE_S = 10.0
BIRTH_S = 5.0
"""How long a child may take from the call that starts it to its own program."""

_SIGNATURE = inspect.signature(subprocess.Popen.__init__)
_CLOCK = SystemClock()

Command = list[Any]
"""A program and its arguments, each text, bytes or a path."""


class Start:
    """
    A child that is about to be started.

    Attributes:
        popen: The `subprocess.Popen` that it will be.
        program: What is executed.
        command: The program's arguments, from its name on.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._bound = _SIGNATURE.bind(*call.args, **call.kwargs)
        given = self._bound.arguments
        self.popen: subprocess.Popen[Any] = given["self"]
        args = given["args"]
        command = [args] if isinstance(args, (str, bytes, os.PathLike)) else list(args)
        if given.get("shell"):
            command = ["/bin/sh", "-c", *command]  # as `subprocess` does
        self.command: Command = command
        self.program: Any = given.get("executable") or command[0]

    def line(self) -> str:
        """Return the command line as text."""
        return " ".join(os.fsdecode(each) for each in self.command)

    def exists(self) -> bool:
        """Tell whether there is such a program; where not, the caller must get the error of `subprocess`."""
        given = self._bound.arguments
        program, env = os.fsdecode(self.program), given.get("env")
        if os.sep in program:
            program = str(Path(os.fsdecode(given.get("cwd") or ".")) / program)
        return shutil.which(program, path=os.pathsep.join(os.get_exec_path(env))) is not None

    def replace(self, command: Command) -> None:
        """Let *command* be started instead."""
        self._bound.arguments |= {"args": command, "executable": None, "shell": False}
        self._call.args, self._call.kwargs = self._bound.args, self._bound.kwargs


@attrs.frozen
class Begin(Fault):
    """Let a child begin under a fault of the given *kind*, by another command."""

    kind: str = attrs.field()
    detail: str
    start: Start = attrs.field(repr=False, eq=False)
    command: Command = attrs.field(repr=False)
    begins: Callable[[Start], bool] = attrs.field(repr=False, eq=False)

    def apply(self, strike: Strike) -> None:
        """Change the command of a child that may still begin under the fault."""
        if self.begins(self.start):
            self.start.replace(self.command)

    def describe(self) -> str:
        """Return what the child is under."""
        return self.detail


@attrs.frozen(kw_only=True)
class ChildFault:
    """
    Let children that a step starts begin under a fault, whatever starts them by `subprocess.Popen`, asyncio's included.

    Attributes:
        match: Regular expression that is searched for in their command lines; None: any child.
        probability: Chance that a child is struck, 0 to 1.
    """

    kind: ClassVar[str]
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"call"})
    at: ClassVar[str] = f"{PREFIX}{POPEN}"

    match: str | None = attrs.field(default=None, converter=optional_pattern)
    probability: float = attrs.field(default=1.0, converter=probability)

    def answer(self, ask: Ask) -> Fault | None:
        """Return nothing: only an open fault knows its children."""
        return None

    def command(self, start: Start, opened: Children) -> Command:
        """Return the command that starts the child under the fault."""
        raise NotImplementedError

    def detail(self) -> str:
        """Return what the child is under, for the event log."""
        raise NotImplementedError

    def look(self) -> str:
        """Try whether this works here, and say what was seen; raises `UnsupportedError`."""
        raise NotImplementedError

    def lift(self, popen: subprocess.Popen[Any]) -> None:
        """Take the fault from a child that lives on, where that is possible."""

    def examine(self) -> str:
        """Try whether this works here."""
        return self.look()

    @contextmanager
    def open(self, site: Site) -> Iterator[Children]:
        """Strike at children that begin from now on, and let go of them on exit."""
        self.look()
        found = spots(POPEN, most=1)
        with patched(found) as armed:
            children = self.children(found, armed)
            try:
                yield children
            finally:
                children.end()

    def children(self, found: tuple[Spot, ...], armed: Any) -> Children:
        """Return what keeps the children of one opening."""
        return Children(self, lambda asked: tally(found, armed, asked))


class Children:
    """The children that began under a fault while it was open."""

    def __init__(self, fault: ChildFault, detail: Callable[[dict[str, int]], Mapping[str, Any]]) -> None:
        self.answers, self.at = fault.answers, fault.at
        self._fault, self._detail = fault, detail
        self._begun: WeakValueDictionary[int, subprocess.Popen[Any]] = WeakValueDictionary()
        self._asked = 0
        self._ended = False

    def answer(self, ask: Ask) -> Fault | None:
        """Return the fault for a child that matches."""
        self._asked += 1
        fault = self._fault
        start = Start(ask.tags["call"])
        if fault.match is not None and not re.search(fault.match, start.line()):
            return None
        if not ask.chance(fault.probability) or not start.exists():
            return None
        return Begin(fault.kind, fault.detail(), start, fault.command(start, self), self._begins)

    def evidence(self) -> Evidence:
        """Return how many children began under the fault."""
        return Evidence(fired=None, detail=self._detail({self.at: self._asked}))

    def end(self) -> None:
        """Let no more children begin under the fault, and take it from those that live on."""
        self._ended = True
        for child in self._begun.valuerefs():
            wait_until(partial(is_under_way, child), BIRTH_S)
            popen = child()
            if popen is not None and popen.returncode is None and getattr(popen, "pid", None):
                self._fault.lift(popen)

    def _begins(self, start: Start) -> bool:
        """Remember a child before it is started; tell whether it may still begin under the fault."""
        self._begun[id(start.popen)] = start.popen
        return not self._ended  # in this order: either the end sees the child, or the child sees the end


def wait_until(true: Callable[[], bool], patience_s: float) -> bool:
    """Wait until something is *true*; tell whether it came to that."""
    end_s = _CLOCK.monotonic() + patience_s
    while not true():
        if _CLOCK.monotonic() > end_s:
            return False
        _CLOCK.sleep(0.002)
    return True


def is_under_way(child: ref[subprocess.Popen[Any]]) -> bool:
    """Tell whether a child runs its own program, or has ended, or never came to be."""
    popen = child()
    if popen is None or getattr(popen, "returncode", None) is not None:
        return True
    pid = getattr(popen, "pid", None)
    if pid is None:
        return False
    command = command_line(pid)  # from its fork on that of this process; none while the kernel replaces its program
    if not command:
        return has_ended(pid)
    return os.fsencode(LAUNCHER) not in command and command != command_line(os.getpid())


def command_line(pid: int) -> list[bytes]:
    """Return the command line of a process; empty where it has ended, and for a moment where it becomes another."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def launched(start: Start, what: Mapping[str, list[Any]]) -> Command:
    """Return the command that starts a child by the launcher, which does *what* first."""
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(what), start.program, *start.command]


def probe(what: str, remedy: str, command: Command) -> str:
    """
    Run *command* to its end and return what it printed.

    Raises:
        UnsupportedError: It failed; says why, and the *remedy*.
    """
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROBE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnsupportedError(what, str(error), remedy) from error
    if done.returncode:
        problem = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise UnsupportedError(what, problem[0].removeprefix("chaos_patch: "), remedy)
    return done.stdout.strip()
