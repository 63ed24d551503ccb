"""What a run does so that its faults do not outlive it: a journal, a watchdog, a lock for each target."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from chaoscore.errors import LostLeaseError, UndoUnknownError, WatchdogError
from chaoscore.safety import watchdog
from chaoscore.safety.journal import Journal
from chaoscore.safety.locks import Locks
from chaoscore.safety.records import Closed, Failed, Intent
from chaoscore.safety.state import VARIABLE, state_dir
from chaoscore.safety.undo import Actions, insist

LEASE_S = 10.0
"""Silence after which the watchdog takes over."""

BEAT_S = 1.0
READY_S = 10.0
END_S = 30.0
"""How long the watchdog may take to end: it is through with three rounds of undoing by then, unless very much hangs."""

_PROGRAM = """
import json, sys
path, lease_s, limit_s, sys.path[:] = json.loads(sys.argv[1])
from pathlib import Path
from chaoscore.plugins import catalogue
from chaoscore.safety.watchdog import main
main(Path(path), lease_s, limit_s, catalogue().undos.by_name())
"""


@attrs.frozen
class Terms:
    """
    On what the watchdog insists.

    Attributes:
        lease_s: It takes over when the run was silent for so many seconds.
        limit_s: It takes over when the run lasts so many seconds, and the lease, longer than this; infinity: never.
    """

    lease_s: float = attrs.field(factory=lambda: LEASE_S)
    limit_s: float = float("inf")


class Guard:
    """
    Stands between a run and the faults that the kernel would not undo. Started before the first of them, in a thread.

    Attributes:
        journal: Where intents go.
    """

    def __init__(
        self,
        run_id: str,
        scenario: str,
        actions: Actions,
        lost: Callable[[str], None],
        terms: Terms | None = None,
        hung: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Make the journal and start the watchdog.

        Args:
            run_id: Names the run.
            scenario: The scenario's name.
            actions: What takes faults back, by name.
            lost: Called with the reason, from another thread, when the watchdog has taken over or is gone.
            terms: On what the watchdog insists; None: the usual.
            hung: Tells whether the run cannot go on although its process lives; then it gives no more sign of life.

        Raises:
            StateError: The journal cannot be written.
            WatchdogError: The watchdog did not start.
        """
        self._terms = Terms() if terms is None else terms
        self._run_id, self._actions, self._lost, self._hung = run_id, actions, lost, hung
        with ExitStack() as undoing:
            self.journal = Journal.create(run_id, scenario)
            undoing.callback(self.journal.close)
            self._locks = Locks(self.journal.path)
            undoing.callback(self._locks.close)
            self._pipe = _Pipe()
            undoing.callback(self._pipe.close)
            self._dog = _start(self._pipe, self.journal.path, self._terms)
            undoing.pop_all()
        _guards.add(self)
        self._closing = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="chaoscore-lease", daemon=True)
        self._beating.start()

    @property
    def covers(self) -> bool:
        """Tell whether no fault would outlive this process if it ended now: the watchdog stands by, or none is open."""
        return self._stands_by() or not self._open()

    def leave(self) -> None:
        """Remove the journal, for a process that is covered and ends now, where the watchdog is not there to do it."""
        if not self._stands_by():
            self.journal.path.unlink(missing_ok=True)

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
        Hold a fault: its intent is on disk when the block begins, and it is taken back and verified when that ends.

        Raises:
            LostLeaseError: The watchdog has taken over; this run injects nothing more.
            TargetBusyError: Another run disturbs *target*.
            UndoUnknownError: No installed plugin offers *undo*.
            UndoError: The fault could not be taken back; the journal keeps it for `chaoscore recover`.
            StateError: The journal could not be written.
        """
        if undo not in self._actions:
            raise UndoUnknownError(injector, undo, self._actions)
        with self._locks.holding(target):
            intent = self.journal.intend(
                injector, undo, args, target=target, manual=manual, survives_boot=survives_boot
            )
            try:
                self.renew()  # after the intent: a watchdog that has not seen that has closed the pipe by now
                yield
            finally:
                insist(self.journal, intent, self._actions, by="run")

    def renew(self) -> None:
        """
        Tell the watchdog that the run is alive.

        Raises:
            LostLeaseError: It has taken over.
        """
        if not self._pipe.say(watchdog.BEAT):
            raise LostLeaseError(self._run_id)

    def close(self) -> tuple[tuple[Intent, str], ...]:
        """
        Let the watchdog go and remove the journal. What the run could not undo the watchdog gets to undo first.

        Returns:
            What is in effect all the same, and why; the journal keeps it for `chaoscore recover`.
        """
        self._closing.set()
        self._beating.join()
        self._pipe.say(watchdog.LEFT if self._open() else watchdog.DONE)
        self._pipe.close()
        with suppress(subprocess.TimeoutExpired):  # what hangs so long is the watchdog's business from now on
            self._dog.wait(END_S)
        _guards.discard(self)
        left = self._open()
        if left:
            self.journal.append(Closed())
        self.journal.close()
        self._locks.close()
        return left

    def forget(self) -> None:
        """In a forked child: close what would make the run seem alive as long as the child is."""
        self.journal.forget()
        self._locks.close()

    def _stands_by(self) -> bool:
        return not self._closing.is_set() and not self._pipe.broken and self._dog.poll() is None

    def _open(self) -> tuple[tuple[Intent, str], ...]:
        try:
            contents = self.journal.read()
        except FileNotFoundError:
            return ()  # the watchdog has undone everything
        unknown = Failed(-1, "", "nobody has come to undo it yet")
        return tuple((each, contents.failures.get(each.id, unknown).error) for each in contents.open)

    def _beat(self) -> None:
        while not self._closing.wait(min(BEAT_S, self._terms.lease_s / 4)):
            if self._hung():
                continue
            try:
                self.renew()
            except LostLeaseError:
                self._lost(self._reason())
                return

    def _reason(self) -> str:
        try:
            revoked = self.journal.read().revoked
        except FileNotFoundError:
            return "the watchdog has taken over"
        return "the watchdog is gone" if revoked is None else f"the watchdog has taken over: {revoked}"


class _Pipe:
    """
    A pipe to a watchdog.

    Its write end must be open in this process alone: as long as a forked child had it, the run would not seem dead.

    Attributes:
        ours: The end that is written to; -1: closed.
        theirs: The end that the watchdog reads; -1: closed.
        broken: Nobody reads it any more.
    """

    def __init__(self) -> None:
        with _forking:
            self.theirs, self.ours = os.pipe2(os.O_CLOEXEC)
            _pipes.add(self)
        os.set_blocking(self.ours, False)
        self.broken = False

    def say(self, word: bytes) -> bool:
        """Write *word*; tell whether it went out, which it does not when nobody reads."""
        try:
            os.write(self.ours, word)
        except OSError:  # the other end is closed; or the pipe is full, since nobody has read for hours; or this end is
            self.broken = True
        return not self.broken

    def pass_on(self) -> None:
        """Close the read end here: the watchdog has it now."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def close(self) -> None:
        """Close both ends."""
        _pipes.discard(self)
        self.pass_on()
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1


_guards: set[Guard] = set()
_pipes: set[_Pipe] = set()
_forking = threading.Lock()
"""Held while a pipe is made, so that none can be inherited that nobody knows of yet."""


def _in_child() -> None:
    _forking.release()
    for pipe in tuple(_pipes):
        pipe.close()
    for guard in _guards:
        guard.forget()


os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_in_child)


def _start(pipe: _Pipe, journal: Path, terms: Terms) -> subprocess.Popen[bytes]:
    """Start a watchdog and return when it is ready to undo, its plugins loaded."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    arguments = json.dumps([str(journal), terms.lease_s, terms.limit_s + terms.lease_s, paths])
    dog = subprocess.Popen(
        # the last argument tells plugins that look at processes, and people who look at `ps`, whose it is
        [sys.executable, "-c", _PROGRAM, arguments, "chaoscore:watchdog"],
        stdin=pipe.theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # else whoever reads the run's standard error waits for the watchdog as well
        start_new_session=True,
        cwd="/",
        env={**os.environ, VARIABLE: str(state_dir())},
        bufsize=0,
    )
    pipe.pass_on()
    assert dog.stdout is not None
    with dog.stdout:
        readable, _, _ = select.select([dog.stdout], [], [], READY_S)
        ready = readable and dog.stdout.read(1) == watchdog.READY
    if not ready:
        dog.kill()
        dog.wait()
        raise WatchdogError(READY_S)
    return dog
