"""All patches of a process: which hooks are on what, and what was there before."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Sequence
from weakref import WeakSet

from chaos_patch.engine.calls import Hook
from chaos_patch.engine.dispatch import Gate
from chaos_patch.engine.seats import CodeSeat, Installed, Seat
from chaos_patch.errors import NotArmedError


class Armed:
    """
    One hook on one function.

    Attributes:
        name: What errors call the function.
        places: The names through which calls are known to arrive.
    """

    def __init__(self, patches: Patches, seat: Seat, hook: Hook, places: tuple[str, ...]) -> None:
        self._patches, self._seat, self._hook = patches, seat, hook
        self.name, self.places = seat.name, places

    def disarm(self) -> None:
        """
        Take the hook away; the last one to leave puts the original back. Calls under way end the way they began.

        Raises:
            NotArmedError: It was disarmed before.
            ConflictError: Somebody else has patched above; their patch is left alone, and this hook is off.
        """
        self._patches._disarm(self, self._seat, self._hook)


class _Entry:
    """A function that is patched: its replacement, and each arming's hook."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.arms: dict[Armed, Hook] = {}

    def show(self) -> None:
        """Let calls see the hooks that there are now, equal ones once."""
        self.installed.dispatcher.hooks = tuple(dict.fromkeys(self.arms.values()))


class Patches:
    """
    Puts hooks on functions and takes them away, in any order and from any thread.

    Args:
        gate: Called first in every call of a patched function; None lets the call through.
        sticky: Leave a function's trampoline in place when its last hook leaves, for Pythons where a function's code
            must not be changed while other threads call it (free-threaded ones).
    """

    def __init__(self, gate: Gate, *, sticky: bool = False) -> None:
        self._gate, self._sticky = gate, sticky
        self._lock = threading.RLock()
        self._entries: dict[Hashable, _Entry] = {}
        self._buried: dict[Hashable, _Entry] = {}
        _all.add(self)

    @property
    def armed(self) -> tuple[str, ...]:
        """Return the names of all functions that are patched."""
        with self._lock:
            return tuple(entry.installed.name for entry in self._entries.values())

    def arm(self, seat: Seat, hook: Hook) -> Armed:
        """
        Put *hook* on what is in *seat* now.

        Raises:
            ConflictError: It is patched already, and somebody else has patched above.
        """
        with self._lock:
            entry = self._entry(seat)
            armed = Armed(self, seat, hook, entry.installed.places)
            entry.arms[armed] = hook
            entry.show()
            return armed

    def prepare(self, seats: Sequence[Seat]) -> None:
        """Put trampolines in *seats* that let everything through, before any load."""
        with self._lock:
            for seat in seats:
                self._entry(seat)

    def restore(self) -> None:
        """Take away trampolines without hooks, which `prepare` and sticky patches leave."""
        with self._lock:
            for key, entry in list(self._entries.items()):
                if not entry.arms:
                    self._remove(key, entry)

    def _entry(self, seat: Seat) -> _Entry:
        entry = self._entries.get(seat.key)
        if entry is None:
            entry = self._entries[seat.key] = self._dug_out(seat.key) or _Entry(seat.install(self._gate))
        else:
            entry.installed.check()
        return entry

    def _dug_out(self, key: Hashable) -> _Entry | None:
        """Return the entry that somebody else's patch had buried, if that has gone meanwhile."""
        entry = self._buried.pop(key, None)
        return None if entry is None or entry.installed.above() is not None else entry

    def _disarm(self, armed: Armed, seat: Seat, hook: Hook) -> None:
        with self._lock:
            entry = self._entries.get(seat.key)
            if entry is None or armed not in entry.arms:
                raise NotArmedError(seat.name)
            del entry.arms[armed]
            entry.show()
            if not entry.arms and not (self._sticky and isinstance(seat, CodeSeat)):
                self._remove(seat.key, entry)

    def _remove(self, key: Hashable, entry: _Entry) -> None:
        del self._entries[key]
        try:
            entry.installed.remove()
        except BaseException:
            self._buried[key] = entry
            raise


_all: WeakSet[Patches] = WeakSet()
_held: list[Patches] = []


def _lock_all() -> None:
    """Let no fork copy a patch that is half done, or a lock that another thread holds."""
    every = tuple(_all)
    for each in every:
        each._lock.acquire()
    _held[:] = every


def _unlock_all() -> None:
    every = tuple(_held)
    for each in every:
        each._lock.release()


os.register_at_fork(before=_lock_all, after_in_parent=_unlock_all, after_in_child=_unlock_all)
