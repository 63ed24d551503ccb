"""What the core itself brings, offered through the same hooks as any plugin's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chaoscore import injectors, reporters, validators
from chaoscore.checkups import CHECKUPS, MARKER_UNDO, Marker
from chaoscore.events import Fired, Recorded
from chaoscore.hookspecs import hookimpl
from chaoscore.metrics import Metric, Reading
from chaoscore.protocols import Checkup, InjectorType, ReporterType, UndoAction, ValidatorType


@hookimpl
def chaos_injectors() -> tuple[InjectorType, ...]:
    """Offer what `chaoscore.injectors` exports."""
    return tuple(getattr(injectors, name) for name in injectors.__all__)


@hookimpl
def chaos_validators() -> tuple[ValidatorType, ...]:
    """Offer what `chaoscore.validators` exports."""
    return tuple(getattr(validators, name) for name in validators.__all__)


@hookimpl
def chaos_reporters() -> tuple[ReporterType, ...]:
    """Offer what `chaoscore.reporters` exports."""
    return reporters.console, reporters.events, reporters.json, reporters.junit, reporters.markdown


@hookimpl
def chaos_undos() -> Mapping[str, UndoAction]:
    """Offer the one that `chaoscore doctor` tries the watchdog with."""
    return {MARKER_UNDO: Marker()}


@hookimpl
def chaos_checkups() -> Mapping[str, Checkup]:
    """Offer what any machine is looked at for."""
    return CHECKUPS


@hookimpl
def chaos_metrics() -> Mapping[str, Metric]:
    """Offer what the system under test says of itself, and which faults struck which steps."""
    said = "What the system under test recorded: events of its own, panics and errors it met, recursion depths."
    struck = "Faults that struck at points, by what they were and the step that they struck."
    labels = ("injector", "fault", "step")
    return {
        "recorded": Metric(help=said, observes=(Recorded,), read=_recorded, labels=("name",)),
        "strikes": Metric(help=struck, observes=(Fired,), read=_strikes, labels=labels),
    }


def _recorded(event: Recorded) -> Iterable[Reading]:
    return ((1, (event.name,)),)


def _strikes(event: Fired) -> Iterable[Reading]:
    return ((1, (event.injector, event.fault, event.step)),)
