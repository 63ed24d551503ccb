"""Faults of operating system processes, and limits of what processes use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_process.cpu_stress import CpuStress
    from chaos_process.killing import Kill
    from chaos_process.limiting import Limit, undo_limit
    from chaos_process.memory_pressure import MemoryPressure
    from chaos_process.pausing import Pause, undo_pause
    from chaos_process.validators import ChildLimit, FdLimit, MemoryLimit

    child_limit, fd_limit, memory_limit = ChildLimit, FdLimit, MemoryLimit
    cpu, kill, limit, memory, pause = CpuStress, Kill, Limit, MemoryPressure, Pause

__version__ = "0.1.0"

__all__ = [
    "child_limit",
    "cpu",
    "fd_limit",
    "kill",
    "limit",
    "memory",
    "memory_limit",
    "pause",
    "undo_limit",
    "undo_pause",
]

_HOME = {
    "child_limit": "validators.ChildLimit",
    "cpu": "cpu_stress.CpuStress",
    "fd_limit": "validators.FdLimit",
    "kill": "killing.Kill",
    "limit": "limiting.Limit",
    "memory": "memory_pressure.MemoryPressure",
    "memory_limit": "validators.MemoryLimit",
    "pause": "pausing.Pause",
    "undo_limit": "limiting.undo_limit",
    "undo_pause": "pausing.undo_pause",
}


def __getattr__(name: str) -> object:
    """Load a public name, and with it psutil, when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'chaos_process' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(".")
    value = getattr(import_module(f"chaos_process.{module}"), attribute)
    globals()[name] = value
    return value
