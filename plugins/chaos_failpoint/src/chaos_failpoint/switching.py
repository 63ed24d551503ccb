"""Arming and disarming: for the whole process, or for a block of code and what it starts."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Literal

from chaos_failpoint import engine, registry
from chaos_failpoint.arming import Arming
from chaos_failpoint.errors import NotArmedError, UnknownFailpointError
from chaos_failpoint.grammar import Terms, explain, parse_config
from chaos_failpoint.handles import NO_LULL, SCOPE, Failpoint
from chaos_failpoint.hits import Hit
from chaos_failpoint.plans import Given, Plan, plan

Scope = Literal["block", "process"]

_lock = threading.Lock()


class ProcessArming(Arming):
    """Reaches all code of this process."""

    scope: ClassVar[str] = "process"

    def reaches(self, hit: Hit) -> bool:
        return True


class BlockArming(Arming):
    """Reaches the code of a `with` block, and the tasks that it starts."""

    scope: ClassVar[str] = "block"
    by_block: ClassVar[bool] = True

    def reaches(self, hit: Hit) -> bool:
        return self in hit.scope


# -- the switches


def put(handle: Failpoint, arming: Arming) -> None:
    """Let *arming* be asked before all others at *handle*, if it is not asked there already."""
    with _lock:
        if arming not in handle.armings:
            handle.put((arming, *handle.armings))


def take(handle: Failpoint, arming: Arming) -> None:
    """Let *arming* be asked no more, and let go whom it has paused."""
    with _lock:
        handle.put(tuple(each for each in handle.armings if each is not arming))
    arming.released.set()


def find(name: str, *, lazy: bool) -> Failpoint:
    """
    Return the failpoint *name*.

    Raises:
        UnknownFailpointError: It was not declared, and *lazy* is not set.
    """
    handle = registry.known(name) if lazy else registry.HANDLES.get(name)
    if handle is None or not (handle.declared_at or lazy):
        raise UnknownFailpointError(name, [each.name for each in registry.declared()])
    return handle


# -- for the whole process


def arm(name: str, terms: Given, *, lazy: bool = False, allow: Collection[str] = (), explain: bool = False) -> Arming:
    """
    Arm a failpoint for all code of this process; whatever this function armed there before is replaced.

    Args:
        name: The failpoint.
        terms: Such as ``2*return("abc")->1%panic``; or a function, which is called with a `Moment`.
        lazy: Whether the failpoint, and what the terms name, may come later.
        allow: Of ``exit`` and ``kill``, those that may end this process although it is no child.
        explain: Whether to write to stderr what the terms do.

    Returns:
        What is armed: `hits`, `fired` and `waiting` tell what came of it.

    Raises:
        UnknownFailpointError: It was not declared.
        ParseError: *terms* are none.
        TargetError: What a term names cannot be found.
    """
    handle = find(name, lazy=lazy)
    return _arm(handle, _planned(terms, lazy, allow, explain))


def arm_all(
    config: str | Mapping[str, str | Terms], *, lazy: bool = False, allow: Collection[str] = (), remote: bool = False
) -> tuple[Arming, ...]:
    """
    Arm several failpoints for all code of this process, or, if anything is wrong with any of them, none.

    Args:
        config: Text such as ``a=1*return;b=5%panic``, or terms by the names of failpoints.
        lazy: As in `arm`.
        allow: Dangerous actions that are allowed.
        remote: Whether it comes from outside, where `break`, `call`, `exit` and `kill` are dangerous.

    Raises:
        UnknownFailpointError: One was not declared.
        ParseError: *config* is no list of terms.
        NotAllowedError: An action is dangerous and not allowed.
        TargetError: What a term names cannot be found.
    """
    parsed = parse_config(config) if isinstance(config, str) else config
    plans = {
        find(name, lazy=lazy): plan(terms, allow=allow, lazy=lazy, remote=remote) for name, terms in parsed.items()
    }
    return tuple(_arm(handle, planned) for handle, planned in plans.items())


def disarm(name: str) -> None:
    """
    Disarm what `arm`, the environment or HTTP has armed; those who are paused go on, and nobody is waited for.

    Raises:
        NotArmedError: There is nothing of that kind.
    """
    handle = registry.HANDLES.get(name)
    arming = None if handle is None else process_arming(handle)
    if handle is None or arming is None:
        raise NotArmedError(name, [each.name for each in registry.HANDLES.values() if process_arming(each)])
    take(handle, arming)


def disarm_all() -> tuple[str, ...]:
    """Disarm all that `arm`, the environment or HTTP has armed, and return the names: for the end of a test."""
    armed_here = [(handle, arming) for handle in tuple(registry.HANDLES.values()) if (arming := process_arming(handle))]
    for handle, arming in armed_here:
        take(handle, arming)
    return tuple(sorted(handle.name for handle, _ in armed_here))


def process_arming(handle: Failpoint) -> Arming | None:
    """Return what is armed at *handle* for the whole process, but for a block."""
    return next((each for each in handle.armings if type(each) is ProcessArming), None)


def _arm(handle: Failpoint, planned: Plan) -> Arming:
    arming = ProcessArming(handle, planned)
    with _lock:
        former = [each for each in handle.armings if type(each) is ProcessArming]
        handle.put((*(each for each in handle.armings if each not in former), arming))
    for each in former:
        each.released.set()
    return arming


# -- for a block


class BlockInProcess(ProcessArming):
    """Reaches all code of this process while a `with` block is open."""


@contextmanager
def armed(
    name: str,
    terms: Given,
    *,
    scope: Scope = "block",
    lazy: bool = False,
    allow: Collection[str] = (),
    explain: bool = False,
) -> Iterator[Arming]:
    """
    Arm a failpoint while a block is open; also a decorator.

    Blocks may be nested and may end in any order; the innermost is asked first.

    Args:
        name: The failpoint.
        terms: As in `arm`.
        scope: ``"block"`` reaches the code of the block and the tasks that it starts, so that tests in parallel do not
            disturb each other; ``"process"`` reaches other threads as well.
        lazy: As in `arm`.
        allow: As in `arm`.
        explain: As in `arm`.

    Yields:
        What is armed; its counts can be read after the block, too.
    """
    if scope not in ("block", "process"):
        raise ValueError(f"scope is 'block' or 'process', not {scope!r}")
    handle = find(name, lazy=lazy)
    planned = _planned(terms, lazy, allow, explain)
    arming = BlockArming(handle, planned) if scope == "block" else BlockInProcess(handle, planned)
    if arming.by_block:
        SCOPE.set((*SCOPE.get(), arming))
    put(handle, arming)
    try:
        yield arming
    finally:
        take(handle, arming)
        SCOPE.set(tuple(each for each in SCOPE.get() if each is not arming))  # blocks may end in any order


def _planned(terms: Given, lazy: bool, allow: Collection[str], explains: bool) -> Plan:
    planned = plan(terms, allow=allow, lazy=lazy)
    if explains:
        sys.stderr.write(f"{planned.text}: {explain(planned.terms)}\n")
    return planned


def _in_child() -> None:
    """Begin anew in a child that was forked: nothing has happened there, and no thread could give a lock back."""
    global _lock
    _lock = threading.Lock()
    for handle in registry.HANDLES.values():
        handle._lull = NO_LULL
        for arming in (*handle.armings, *handle.former):
            arming.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

engine.install()
