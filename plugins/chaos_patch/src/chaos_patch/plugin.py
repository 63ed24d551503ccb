"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Mapping

from chaoscore import Checkup, InjectorType, hookimpl


@hookimpl
def chaos_injectors() -> tuple[InjectorType, ...]:
    """Offer faults of functions, and of the process around them."""
    from chaos_patch.clocks import Clock
    from chaos_patch.corrupting import CorruptValues
    from chaos_patch.disks import DiskFull, FileSize
    from chaos_patch.exhaustion import Descriptors
    from chaos_patch.holding import CancelCalls, DelayCalls, Timeout
    from chaos_patch.raising import After, Error, Panic
    from chaos_patch.resolver import Dns
    from chaos_patch.syscalls import Syscall

    return (
        After, CancelCalls, Clock, CorruptValues, DelayCalls, Descriptors, DiskFull, Dns, Error, FileSize, Panic,
        Syscall, Timeout,
    )  # fmt: skip


@hookimpl
def chaos_checkups() -> Mapping[str, Checkup]:
    """Offer proof of everything that this machine has the means for."""
    from chaos_patch.checkups import checkups

    return checkups()
