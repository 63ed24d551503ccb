"""
Faults of functions that know nothing of chaos.

Name a function, a method, a line of a file; while the injector is open it is patched, everywhere where it is known, and
afterwards it is what it was.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_patch.clocks import Clock
    from chaos_patch.corrupting import CorruptValues
    from chaos_patch.disks import DiskFull, FileSize
    from chaos_patch.errors import ConflictError, NotArmedError, PatchError, TargetError, UnsupportedError
    from chaos_patch.exhaustion import Descriptors
    from chaos_patch.holding import CancelCalls, DelayCalls, Timeout
    from chaos_patch.points import prepare, restore
    from chaos_patch.raising import After, Error, Panic
    from chaos_patch.resolver import Dns
    from chaos_patch.syscalls import Syscall

    after, cancel, clock, corrupt, delay, descriptors = (
        After,
        CancelCalls,
        Clock,
        CorruptValues,
        DelayCalls,
        Descriptors,
    )
    disk_full, dns, error, file_size, panic, syscall, timeout = DiskFull, Dns, Error, FileSize, Panic, Syscall, Timeout

__version__ = "0.1.0"

__all__ = [
    "ConflictError",
    "NotArmedError",
    "PatchError",
    "TargetError",
    "UnsupportedError",
    "after",
    "cancel",
    "clock",
    "corrupt",
    "delay",
    "descriptors",
    "disk_full",
    "dns",
    "error",
    "file_size",
    "panic",
    "prepare",
    "restore",
    "syscall",
    "timeout",
]

_HOME = {
    "ConflictError": "errors.ConflictError",
    "NotArmedError": "errors.NotArmedError",
    "PatchError": "errors.PatchError",
    "TargetError": "errors.TargetError",
    "UnsupportedError": "errors.UnsupportedError",
    "after": "raising.After",
    "cancel": "holding.CancelCalls",
    "clock": "clocks.Clock",
    "corrupt": "corrupting.CorruptValues",
    "delay": "holding.DelayCalls",
    "descriptors": "exhaustion.Descriptors",
    "disk_full": "disks.DiskFull",
    "dns": "resolver.Dns",
    "error": "raising.Error",
    "file_size": "disks.FileSize",
    "panic": "raising.Panic",
    "prepare": "points.prepare",
    "restore": "points.restore",
    "syscall": "syscalls.Syscall",
    "timeout": "holding.Timeout",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'chaos_patch' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(".")
    value = getattr(import_module(f"chaos_patch.{module}"), attribute)
    globals()[name] = value
    return value
