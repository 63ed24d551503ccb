"""Whether this process is a child, and how children are told what to arm."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from chaos_failpoint.registry import ENVIRONMENT

PARENT = "CHAOS_FAILPOINTS_PARENT"
"""The process that started another for a crash test."""

SEED = "CHAOS_FAILPOINTS_SEED"
"""Decides what `%` means outside of runs."""

ALLOW = "CHAOS_FAILPOINTS_ALLOW"
"""Actions, separated by commas, that may do lasting harm: ``exit,kill``."""

path: tuple[int, ...] = ()
"""Where in the tree of processes: () for the first, (k,) for its k-th child."""

_forks = 0
_forked = False


def is_child() -> bool:
    """Tell whether this process was forked or spawned by another that uses failpoints."""
    parent = os.environ.get(PARENT, "")
    return _forked or _spawned() != () or (parent.isdecimal() and int(parent) != os.getpid())


def _spawned() -> tuple[int, ...]:
    """Return the numbers that multiprocessing gave this process and its parents."""
    process = sys.modules.get("multiprocessing.process")
    return () if process is None else tuple(process.current_process()._identity)


def process_path() -> tuple[int, ...]:
    """Return what tells the draws of this process from those of its parent and of its parent's other children."""
    return path or _spawned()


def child_environment(
    config: str, *, allow: Iterable[str] = (), seed: int | None = None, environ: dict[str, str] | None = None
) -> dict[str, str]:
    """
    Return an environment for a child process in which failpoints are armed from its first moment.

    Args:
        config: What to arm, as in ``db.commit=1*exit(3);cache=5%panic``.
        allow: Actions that the child may do beside `exit` and `kill`, which a child always may.
        seed: Decides what `%` means; by default each child draws its own.
        environ: What else is in it; by default what is in that of this process.

    Raises:
        ParseError: *config* is no list of terms.
    """
    from chaos_failpoint.grammar import parse_config

    parse_config(config)
    added = {ENVIRONMENT: config, PARENT: str(os.getpid()), ALLOW: ",".join(allow)}
    if seed is not None:
        added[SEED] = str(seed)
    return {**(os.environ if environ is None else environ), **added}


def _before_fork() -> None:
    global _forks
    _forks += 1


def _in_child() -> None:
    global path, _forks, _forked
    path, _forks, _forked = (*process_path(), _forks), 0, True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
