"""Arming by the environment: it reaches a process from its first failpoint on, and its children as well."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from chaos_failpoint import registry
from chaos_failpoint.children import ALLOW
from chaos_failpoint.errors import did_you_mean
from chaos_failpoint.production import in_production
from chaos_failpoint.registry import ENVIRONMENT, HTTP
from chaos_failpoint.switching import arm_all, process_arming

TOKEN = "CHAOS_FAILPOINTS_TOKEN"
"""What whoever uses the control over HTTP must know."""

_lock = threading.Lock()
_done = False


def activate() -> None:
    """
    Arm what ``$CHAOS_FAILPOINTS`` says, and serve where ``$CHAOS_FAILPOINTS_HTTP`` says; once.

    Raises:
        ParseError: It is no list of terms. Whoever sets it wants faults, so this is not passed over.
    """
    global _done
    with _lock:
        if not _done:
            _activate()
        _done = True


def _activate() -> None:
    if in_production():
        sys.stderr.write(f"chaos_failpoint: ${ENVIRONMENT} arms nothing, as the environment is named production\n")
        return
    allow = tuple(each.strip() for each in os.environ.get(ALLOW, "").split(",") if each.strip())
    arm_all(os.environ.get(ENVIRONMENT, ""), lazy=True, allow=allow)
    _serve(allow)
    atexit.register(report_unknown, os.getpid())


def _serve(allow: tuple[str, ...]) -> None:
    address = os.environ.get(HTTP)
    if address:
        from chaos_failpoint.control import serve

        host, _, port = address.rpartition(":")
        serve(port=int(port), host=host or "127.0.0.1", token=os.environ.get(TOKEN, ""), allow=allow)


def report_unknown(pid: int) -> None:
    """Say which failpoints were armed by the environment and never declared: most likely a name is misspelt."""
    if os.getpid() != pid:
        return
    known = [each.name for each in registry.declared()]
    for handle in registry.HANDLES.values():
        if process_arming(handle) and not handle.declared_at and not handle.hits:
            hint = did_you_mean(handle.name, known)
            sys.stderr.write(f"chaos_failpoint: {handle.name!r} was armed and never declared{hint}\n")
