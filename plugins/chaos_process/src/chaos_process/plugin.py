"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Mapping

from chaoscore import Checkup, InjectorType, UndoAction, ValidatorType, hookimpl


@hookimpl
def chaos_checkups() -> Mapping[str, Checkup]:
    """Offer a trial of each fault on a child."""
    from chaos_process.checkups import CHECKUPS

    return CHECKUPS


@hookimpl
def chaos_injectors() -> tuple[InjectorType, ...]:
    """Offer faults of processes."""
    from chaos_process.cpu_stress import CpuStress  # psutil takes 20 ms that a look at the names need not pay
    from chaos_process.killing import Kill
    from chaos_process.limiting import Limit
    from chaos_process.memory_pressure import MemoryPressure
    from chaos_process.pausing import Pause

    return (CpuStress, Kill, Limit, MemoryPressure, Pause)


@hookimpl
def chaos_undos() -> Mapping[str, UndoAction]:
    """Offer what takes those of them back that outlive this process."""
    from chaos_process.limiting import Restore
    from chaos_process.pausing import Continue

    return {"process.limit": Restore(), "process.pause": Continue()}


@hookimpl
def chaos_validators() -> tuple[ValidatorType, ...]:
    """Offer limits of what processes use."""
    from chaos_process.validators import ChildLimit, FdLimit, MemoryLimit

    return (ChildLimit, FdLimit, MemoryLimit)
