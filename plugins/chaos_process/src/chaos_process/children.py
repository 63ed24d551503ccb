"""Child processes that make a fault and end with it, or with this process if that ends first."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from chaos_process import system
from chaos_process.errors import ChildError, LeftBehindError
from chaos_process.process import Process
from chaos_process.waiting import CLOCK
from chaoscore import Site

START_S = 20.0
"""Seconds that the children get to start; a machine under stress is slow."""
GRACE_S = 1.0
"""Seconds that they get to end before they are killed."""
REAP_S = 10.0
"""Seconds that the kernel gets to kill them."""
_LOOK_S = 0.25

_SPAWNING = threading.Lock()
"""Held while a child is started: until it runs its own program it looks like a copy of this process."""
_LIVING: set[int] = set()
"""Pids of the children that are not reaped yet, zombies among them."""
_OPEN_PIPES: set[IO[bytes]] = set()


class Children:
    """
    Children that are ready to make their fault, and do so from `go` on.

    All share their pipes, so that each of them costs no file descriptor: one on which they say how far they are, one on
    which each reads a byte as the word to begin, and one that nobody writes to: its end is the end of their owner.
    """

    def __init__(self, said: IO[bytes], begin: IO[bytes], life: IO[bytes]) -> None:
        self._said, self._begin, self._life = said, begin, life
        self._processes: list[subprocess.Popen[bytes]] = []
        self.known: list[Process] = []
        _OPEN_PIPES.update((begin, life))

    @classmethod
    def start(cls, count: int, arguments: Sequence[str]) -> Children:
        """Start *count* of them and wait until all are ready; starts none if one of them does not start."""
        said, begin, life = _pipe(), _pipe(), _pipe()
        children = cls(said[0], begin[1], life[1])
        try:
            with said[1], begin[0], life[0]:
                for _ in range(count):
                    children._spawn(arguments, said[1], begin[0], life[0])
            children.expect(b"r" * count, START_S)
        except BaseException:
            children.end()
            raise
        return children

    def go(self) -> None:
        """Let all of them begin."""
        self._begin.write(b"g" * len(self._processes))
        self._shut(self._begin)

    def expect(self, words: bytes, patience_s: float) -> None:
        """
        Wait until they have said *words*.

        Raises:
            ChildError: They said something else, or not all of it within *patience_s*.
        """
        until_s = CLOCK.monotonic() + patience_s
        said = b""
        while said != words:
            more = self._read(until_s - CLOCK.monotonic())
            said += more
            if not more or not words.startswith(said):
                while more := self._read(_LOOK_S):
                    said += more
                raise ChildError("" if words.startswith(said) else said.decode(errors="replace"))

    def look(self) -> None:
        """Reap those that have ended before their time, so that no zombie is taken for a child of the target."""
        for process in self._processes:
            process.poll()

    def end(self) -> None:
        """
        End all of them: ask, wait, kill, reap, look.

        Raises:
            LeftBehindError: One is still there.
        """
        self._shut(self._begin, self._life)
        for process in self._processes:
            process.terminate()
        until_s = CLOCK.monotonic() + GRACE_S
        for process in self._processes:
            _reap(process, max(0.0, until_s - CLOCK.monotonic()))
        self._said.close()
        for known in self.known:
            if not system.state(known).ended:
                raise LeftBehindError(known.pid, f"kill -KILL {known.pid}")

    def _shut(self, *pipes: IO[bytes]) -> None:
        for pipe in pipes:
            pipe.close()
        _OPEN_PIPES.difference_update(pipes)

    def _spawn(self, arguments: Sequence[str], said: IO[bytes], begin: IO[bytes], life: IO[bytes]) -> None:
        with _SPAWNING:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(Path(__file__).with_name("child.py")),
                    str(begin.fileno()),
                    *arguments,
                ],
                pass_fds=(begin.fileno(),),
                stdin=life,
                stdout=said,
                stderr=said,
                cwd="/",
                start_new_session=True,  # Ctrl-C at the terminal is for the tool, which then ends them in order
            )
            self._processes.append(process)
            _LIVING.add(process.pid)
        known = system.look_up(process.pid)  # not reaped yet, so the pid is still its own
        if known is not None:
            self.known.append(known)

    def _read(self, patience_s: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._said, selectors.EVENT_READ)
            return os.read(self._said.fileno(), 4096) if selector.select(max(0.0, patience_s)) else b""


@contextmanager
def running(site: Site, kind: str, what: str, amount: float, count: int = 1) -> Iterator[Children]:
    """
    Give *count* children that are ready to do *what*, and end them.

    The kernel kills a child when the *thread* that started it ends, and hooks may run in a thread that ends before the
    fault is lifted. So a thread of their own starts them, and stays until they have ended.
    """
    arguments = [f"{system.TAG}{kind}:{site.run_id}:{site.injection}", str(os.getpid()), what, str(amount)]
    keeper = _Keeper(f"chaos {kind}", count, arguments)
    keeper.start()
    try:
        yield keeper.started.result()
    finally:
        keeper.lifted.set()
        keeper.ended.result()


class _Keeper(threading.Thread):
    """Starts children, stays while they live, and ends them; a daemon, so that it keeps no process from ending."""

    def __init__(self, name: str, count: int, arguments: Sequence[str]) -> None:
        super().__init__(name=name, daemon=True)
        self._count, self._arguments = count, arguments
        self.started: Future[Children] = Future()
        self.lifted = threading.Event()
        self.ended: Future[None] = Future()

    def run(self) -> None:
        try:
            children = Children.start(self._count, self._arguments)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future raises it
            self.started.set_exception(error)
            self.ended.set_result(None)
            return
        self.started.set_result(children)
        while not self.lifted.wait(_LOOK_S):
            children.look()
        try:
            children.end()
            self.ended.set_result(None)
        except BaseException as error:  # noqa: BLE001 - as above
            self.ended.set_exception(error)


def strangers_below(process: Process) -> list[Process]:
    """Return the descendants of *process* that the tool did not start itself, oldest first."""
    with _SPAWNING:
        ours = set(_LIVING)  # taken first: one that is reaped during the look is still known
        found = system.descendants(process)
    return [each for each in found if each.pid not in ours and not system.is_helper(each)]


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Return a new pipe, the end to read from first; without buffers, which a fork would copy."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering=0), os.fdopen(write, "wb", buffering=0)


def _reap(process: subprocess.Popen[bytes], grace_s: float) -> None:
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(REAP_S)
    _LIVING.discard(process.pid)


def _close_inherited() -> None:
    """Close the pipes in a fork of this process: as long as one end is open, no child would see the pipe's end."""
    for pipe in list(_OPEN_PIPES):
        pipe.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
