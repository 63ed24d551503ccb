"""
Chaos engineering, fault injection and reliability testing.

Everything public is imported from here, from `chaoscore.injectors`, `chaoscore.validators`, `chaoscore.reporters` and,
for plugin authors, from `chaoscore.testing`; what stands behind may change. Names are loaded when they are first used,
so that a library which only carries points in its code pays for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from chaoscore.version import __version__ as __version__

if TYPE_CHECKING:
    from chaoscore.clock import Clock, SystemClock
    from chaoscore.context import Ask, Fault, Place, Strike
    from chaoscore.draw import Stream
    from chaoscore.errors import (
        BlockingCallError,
        CancelReason,
        ChaosError,
        DeadlineError,
        DuplicateNameError,
        EventLogError,
        InjectedError,
        InjectedPanic,
        InjectedTimeout,
        InvalidScenarioError,
        PluginError,
        ScenarioError,
        UnknownNameError,
        injected_by,
        is_injected,
        mark_injected,
    )
    from chaoscore.events import (
        Ended,
        ErrorInfo,
        Event,
        Fired,
        Found,
        Interrupted,
        IterationEnded,
        Lifted,
        Opened,
        Outcome,
        Phase,
        Recorded,
        RunStarted,
        StepEnded,
        Stopped,
        Stuck,
        Trouble,
    )
    from chaoscore.faults import Cancel, Delay, Raise
    from chaoscore.hookspecs import hookimpl
    from chaoscore.injectors.raising import exception_type
    from chaoscore.points import (
        amaybe_cancel,
        amaybe_delay,
        amaybe_error,
        amaybe_network_chaos,
        amaybe_panic,
        apoint,
        aside,
        current_place,
        in_run,
        maybe_cancel,
        maybe_delay,
        maybe_error,
        maybe_network_chaos,
        maybe_panic,
        point,
        record_error,
        record_event,
        record_panic,
        record_recursion_depth,
    )
    from chaoscore.protocols import (
        Aims,
        Answers,
        Checker,
        Checks,
        Checkup,
        Concludes,
        Evidence,
        Evident,
        Examines,
        Finds,
        Follows,
        Injector,
        InjectorType,
        Judgement,
        Moment,
        Observes,
        Opens,
        Progress,
        Reporter,
        ReporterType,
        Reports,
        Scene,
        Site,
        Target,
        TargetType,
        Undo,
        UndoAction,
        Undoing,
        Validator,
        ValidatorType,
        Violation,
    )
    from chaoscore.report import Report
    from chaoscore.scenario import Scenario
    from chaoscore.spec import Limits, Window, window
    from chaoscore.stats import Histogram, Trend
    from chaoscore.units import (
        Duration,
        Probability,
        Size,
        optional_bytes,
        optional_seconds,
        probability,
        seconds,
        show_bytes,
        show_seconds,
        size_bytes,
    )
    from chaoscore.verdict import ExitCode, Severity, Thresholds, Verdict, thresholds

_DOORS = {
    "clock": "Clock SystemClock",
    "context": "Ask Fault Place Strike",
    "draw": "Stream",
    "errors": "BlockingCallError CancelReason ChaosError DeadlineError DuplicateNameError EventLogError "
    "InjectedError InjectedPanic InjectedTimeout InvalidScenarioError PluginError ScenarioError "
    "UnknownNameError injected_by is_injected mark_injected",
    "events": "Ended ErrorInfo Event Fired Found Interrupted IterationEnded Lifted Opened Outcome Phase Recorded "
    "RunStarted StepEnded Stopped Stuck Trouble",
    "faults": "Cancel Delay Raise",
    "hookspecs": "hookimpl",
    "injectors.raising": "exception_type",
    "points": "amaybe_cancel amaybe_delay amaybe_error amaybe_network_chaos amaybe_panic apoint aside "
    "current_place in_run maybe_cancel maybe_delay maybe_error maybe_network_chaos maybe_panic point "
    "record_error record_event record_panic record_recursion_depth",
    "protocols": "Aims Answers Checker Checkup Checks Concludes Evidence Evident Examines Finds Follows Injector "
    "InjectorType Judgement Moment Observes Opens Progress Reporter ReporterType Reports Scene Site "
    "Target TargetType Undo UndoAction Undoing Validator ValidatorType Violation",
    "report": "Report",
    "scenario": "Scenario",
    "spec": "Limits Window window",
    "stats": "Histogram Trend",
    "units": "Duration Probability Size optional_bytes optional_seconds probability seconds show_bytes "
    "show_seconds size_bytes",
    "verdict": "ExitCode Severity Thresholds Verdict thresholds",
}
_HOME = {name: module for module, names in _DOORS.items() for name in names.split()}

__all__ = [
    "Aims",
    "Answers",
    "Ask",
    "BlockingCallError",
    "Cancel",
    "CancelReason",
    "ChaosError",
    "Checker",
    "Checks",
    "Checkup",
    "Clock",
    "Concludes",
    "DeadlineError",
    "Delay",
    "DuplicateNameError",
    "Duration",
    "Ended",
    "ErrorInfo",
    "Event",
    "EventLogError",
    "Evidence",
    "Evident",
    "Examines",
    "ExitCode",
    "Fault",
    "Finds",
    "Fired",
    "Follows",
    "Found",
    "Histogram",
    "InjectedError",
    "InjectedPanic",
    "InjectedTimeout",
    "Injector",
    "InjectorType",
    "Interrupted",
    "InvalidScenarioError",
    "IterationEnded",
    "Judgement",
    "Lifted",
    "Limits",
    "Moment",
    "Observes",
    "Opened",
    "Opens",
    "Outcome",
    "Phase",
    "Place",
    "PluginError",
    "Probability",
    "Progress",
    "Raise",
    "Recorded",
    "Report",
    "Reporter",
    "ReporterType",
    "Reports",
    "RunStarted",
    "Scenario",
    "ScenarioError",
    "Scene",
    "Severity",
    "Site",
    "Size",
    "StepEnded",
    "Stopped",
    "Stream",
    "Strike",
    "Stuck",
    "SystemClock",
    "Target",
    "TargetType",
    "Thresholds",
    "Trend",
    "Trouble",
    "Undo",
    "UndoAction",
    "Undoing",
    "UnknownNameError",
    "Validator",
    "ValidatorType",
    "Verdict",
    "Violation",
    "Window",
    "amaybe_cancel",
    "amaybe_delay",
    "amaybe_error",
    "amaybe_network_chaos",
    "amaybe_panic",
    "apoint",
    "aside",
    "current_place",
    "exception_type",
    "hookimpl",
    "in_run",
    "injected_by",
    "is_injected",
    "mark_injected",
    "maybe_cancel",
    "maybe_delay",
    "maybe_error",
    "maybe_network_chaos",
    "maybe_panic",
    "optional_bytes",
    "optional_seconds",
    "point",
    "probability",
    "record_error",
    "record_event",
    "record_panic",
    "record_recursion_depth",
    "seconds",
    "show_bytes",
    "show_seconds",
    "size_bytes",
    "thresholds",
    "window",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'chaoscore' has no attribute {name!r}")
    value = getattr(import_module(f"chaoscore.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
