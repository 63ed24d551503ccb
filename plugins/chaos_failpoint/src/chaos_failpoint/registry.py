"""All failpoints of this process, by name; and the door through which code declares and hits them."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock  # `threading` would be loaded for this alone

from chaos_failpoint.handles import Failpoint, Returned

TYPE_CHECKING = False  # as in `handles`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here

ENVIRONMENT = "CHAOS_FAILPOINTS"
"""Arms failpoints from outside: ``a=1*return;b=5%panic``."""

HTTP = "CHAOS_FAILPOINTS_HTTP"
"""Opens the control over HTTP: ``127.0.0.1:PORT``."""

HANDLES: dict[str, Failpoint] = {}
"""Every failpoint that was declared, or armed before it was; read without a lock."""

lock = allocate_lock()
"""Held while the table changes."""

watchers: tuple[Callable[[Failpoint], None], ...] = ()
"""Called with each failpoint that is declared from now on."""

_environment_read = False


class Door:
    """
    Declares failpoints: ``fp = failpoint("db.commit")``, once in a module.

    Its methods are for cold paths, where a look-up by name does not matter: ``failpoint.hit("cache.evicted")``.
    """

    def __call__(self, name: str, *, shared: bool = False) -> Failpoint:
        """
        Return the failpoint *name*, which is declared with this call.

        Args:
            name: Up to 200 printable characters without ``=`` and ``;``. A name with a dot, such as ``db.commit``,
                belongs to the component before the first one.
            shared: Whether other places of the same package may declare it as well; all of them have to say so.

        Raises:
            DuplicateFailpointError: Another place has declared it.
            FailpointNameError: There can be no such name.
            ParseError: ``$CHAOS_FAILPOINTS`` is set and is no list of terms.
        """
        caller = sys._getframe(1)
        place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        return declare(name, place, package_of(str(caller.f_globals.get("__name__", ""))), shared=shared)

    def hit(self, name: str, /, tags: dict[str, Any] | None = None) -> Returned | None:
        """
        Hit the failpoint *name*, which is declared the first time that this is reached.

        Args:
            name: Its name.
            tags: As `Failpoint.hit` takes them; one dict, because keywords of any name would double what this costs.
        """
        try:
            if not HANDLES[name].armed:
                return None
        except KeyError:
            pass
        return inline(name).hit(**(tags or {}))

    async def ahit(self, name: str, /, tags: dict[str, Any] | None = None) -> Returned | None:
        """Hit the failpoint *name* without ever blocking the loop."""
        return await inline(name).ahit(**(tags or {}))

    def value(self, name: str, value: _T, /, tags: dict[str, Any] | None = None) -> _T:
        """Return *value*, or what is armed at the failpoint *name* makes of it."""
        return inline(name).value(value, **(tags or {}))

    async def avalue(self, name: str, value: _T, /, tags: dict[str, Any] | None = None) -> _T:
        """Return *value* as `value` does, without ever blocking the loop."""
        return await inline(name).avalue(value, **(tags or {}))


failpoint = Door()


def package_of(module: str) -> str:
    """Return the top-level package of a *module*."""
    return module.partition(".")[0]


def inline(name: str) -> Failpoint:
    """Return the failpoint that a call by name means; declared there if it was not before."""
    read_environment()
    caller = sys._getframe(2)
    handle = known(name)
    if not handle.declared_at:
        handle.declared_at = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        _declared(handle)
    return handle


def declare(name: str, place: str, package: str, *, shared: bool = False) -> Failpoint:
    """
    Return the failpoint *name*.

    Args:
        name: Its name.
        place: ``file:line`` that declares it; the same one may do so again, as a module that is reloaded does.
        package: The top-level package of that place.
        shared: Whether other places of the package may declare it.
    """
    read_environment()
    handle = known(name)
    with lock:
        is_new = not handle.package
        if is_new:
            handle.declared_at, handle.package, handle.shared = place, package, shared
    if is_new:
        _declared(handle)
    elif handle.declared_at != place:
        _check_shared(handle, place, package, shared)
    return handle


def known(name: str) -> Failpoint:
    """Return the failpoint *name*, which need not be declared yet."""
    handle = HANDLES.get(name) if isinstance(name, str) else None
    if handle is None:
        _check_name(name)
        with lock:
            handle = HANDLES.setdefault(name, Failpoint(name))
    return handle


def declared() -> tuple[Failpoint, ...]:
    """Return all failpoints that were declared, by name."""
    with lock:
        handles = tuple(HANDLES.values())
    return tuple(sorted((each for each in handles if each.declared_at), key=lambda each: each.name))


def _declared(handle: Failpoint) -> None:
    for each in watchers:
        each(handle)


def _check_name(name: object) -> None:
    is_text = isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable() and name == name.strip()
    if is_text and not {"=", ";"} & set(str(name)):
        return
    from chaos_failpoint.errors import FailpointNameError

    raise FailpointNameError(name)


def _check_shared(handle: Failpoint, place: str, package: str, shared: bool) -> None:
    if handle.shared and shared and handle.package == package:
        return
    from chaos_failpoint.errors import DuplicateFailpointError

    reason = "give it another name, or pass shared=True in both places"
    if handle.package != package:
        reason = f"packages share no failpoints ({handle.package!r}, {package!r}); give it another name"
    raise DuplicateFailpointError(handle.name, handle.declared_at, place, reason)


def watch(watcher: Callable[[Failpoint], None]) -> None:
    """Call *watcher* with each failpoint that is declared from now on."""
    global watchers
    with lock:
        watchers = (*watchers, watcher)


def unwatch(watcher: Callable[[Failpoint], None]) -> None:
    """Call *watcher* no more."""
    global watchers
    with lock:
        watchers = tuple(each for each in watchers if each != watcher)


def read_environment() -> None:
    """Arm what the environment asks for, once in a process; called with the first declaration."""
    global _environment_read
    if not _environment_read:
        if os.environ.get(ENVIRONMENT) or os.environ.get(HTTP):
            from chaos_failpoint import environment

            environment.activate()
        _environment_read = True


def after_fork() -> None:
    """Begin anew in a child, where no thread is left that could give a lock back."""
    global lock
    lock = allocate_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)
