"""What a run does so that its faults do not outlive it: a journal, a watchdog, a lock for each target."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaoscore.errors import LostLeaseError, TargetBusyError, UndoUnknownError, WatchdogError
from chaoscore.safety import watchdog
from chaoscore.safety.journal import Journal
from chaoscore.safety.state import locks, private
from chaoscore.safety.undo import Actions, take_back

LEASE_S = 10.0
"""Silence after which the watchdog takes over."""

BEAT_S = 1.0
READY_S = 10.0

_PROGRAM = """
import json, sys
path, lease_s, sys.path[:] = json.loads(sys.argv[1])
from pathlib import Path
from chaoscore.plugins import catalogue
from chaoscore.safety.watchdog import main
main(Path(path), lease_s, catalogue().undos.by_name())
"""


class Guard:
    """
    Stands between a run and the faults that the kernel would not undo. Started before the first of them, in a thread.

    Attributes:
        journal: Where intents go.
    """

    def __init__(
        self, run_id: str, scenario: str, actions: Actions, lost: Callable[[], None], lease_s: float = LEASE_S
    ) -> None:
        """
        Make the journal and start the watchdog.

        Args:
            run_id: Names the run.
            scenario: The scenario's name.
            actions: What takes faults back, by name.
            lost: Called, from another thread, when the watchdog has taken over.
            lease_s: Seconds of silence after which it does.

        Raises:
            StateError: The journal cannot be written.
            WatchdogError: The watchdog did not start.
        """
        self.journal = Journal.create(run_id, scenario)
        self._actions, self._lease_s = actions, lease_s
        self._run_id, self._lost = run_id, lost
        self._dog = _start(self.journal.path, lease_s)
        _guards.add(self)
        self._closing = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="chaoscore-lease", daemon=True)
        self._beating.start()

    @contextmanager
    def undoing(
        self,
        injector: str,
        undo: str,
        args: Mapping[str, Any],
        *,
        target: str,
        manual: str,
        survives_boot: bool = False,
    ) -> Iterator[None]:
        """
        Hold a fault: its intent is on disk when the block begins, and it is taken back and verified when the block ends.

        Raises:
            LostLeaseError: The watchdog has taken over; this run injects nothing more.
            TargetBusyError: Another run disturbs *target*.
            UndoUnknownError: No installed plugin offers *undo*.
            UndoError: The fault could not be taken back; the journal keeps it for `chaoscore recover`.
        """
        if undo not in self._actions:
            raise UndoUnknownError(injector, undo, self._actions)
        with _locked(target, self._run_id):
            self.renew()
            intent = self.journal.intend(
                injector, undo, args, target=target, manual=manual, survives_boot=survives_boot
            )
            try:
                yield
            finally:
                take_back(self.journal, intent, self._actions, by="run")

    def renew(self) -> None:
        """
        Tell the watchdog that the run is alive.

        Raises:
            LostLeaseError: It has taken over.
        """
        assert self._dog.stdin is not None
        try:
            os.write(self._dog.stdin.fileno(), watchdog.BEAT)
        except BrokenPipeError:
            raise LostLeaseError(self._run_id) from None

    def close(self) -> None:
        """Let the watchdog go and remove the journal, unless faults are left in it."""
        self._closing.set()
        self._beating.join()
        assert self._dog.stdin is not None
        try:
            os.write(self._dog.stdin.fileno(), watchdog.DONE)
        except BrokenPipeError:
            pass  # it took over, and has ended or is about to
        self._dog.stdin.close()
        self._dog.wait()
        _guards.discard(self)
        self.journal.close()

    def forget(self) -> None:
        """In a forked child: close its copy of the pipe, or the watchdog would not see the run die before the child."""
        assert self._dog.stdin is not None
        self._dog.stdin.close()

    def _beat(self) -> None:
        while not self._closing.wait(min(BEAT_S, self._lease_s / 4)):
            try:
                self.renew()
            except LostLeaseError:
                self._lost()
                return


_guards: set[Guard] = set()


def _forget_all() -> None:
    for guard in _guards:
        guard.forget()


os.register_at_fork(after_in_child=_forget_all)


def _start(journal: Path, lease_s: float) -> subprocess.Popen[bytes]:
    """Start a watchdog and return when it is ready to undo, its plugins loaded."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    dog = subprocess.Popen(
        # the last argument tells plugins that look at processes, and people who look at `ps`, whose it is
        [sys.executable, "-c", _PROGRAM, json.dumps([str(journal), lease_s, paths]), "chaoscore:watchdog"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # else whoever reads the run's standard error waits for the watchdog as well
        start_new_session=True,
        cwd="/",
        bufsize=0,
    )
    assert dog.stdout is not None
    readable, _, _ = select.select([dog.stdout], [], [], READY_S)
    ready = readable and dog.stdout.read(1) == watchdog.READY
    dog.stdout.close()
    if not ready:
        dog.kill()
        dog.communicate()
        raise WatchdogError(READY_S)
    return dog


@contextmanager
def _locked(target: str, run_id: str) -> Iterator[None]:
    """Hold *target* for one run; the kernel lets it go when the run dies."""
    path = private(locks()) / hashlib.blake2b(target.encode(), digest_size=16).hexdigest()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetBusyError(target, os.pread(file, 200, 0).decode(errors="replace")) from None
        os.ftruncate(file, 0)
        os.pwrite(file, run_id.encode(), 0)
        yield
    finally:
        os.close(file)
