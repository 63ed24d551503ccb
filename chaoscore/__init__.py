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
    from chaoscore.eventlog import read_log
    from chaoscore.events import (
        Checked,
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
        Sampled,
        StepEnded,
        Stopped,
        Stuck,
        Trouble,
    )
    from chaoscore.faults import Cancel, Delay, Raise
    from chaoscore.fold import Fold
    from chaoscore.hookspecs import hookimpl
    from chaoscore.injectors.raising import exception_type
    from chaoscore.metrics import Metric
    from chaoscore.plugins import offered_metrics
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
        Provider,
        ProviderType,
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
    from chaoscore.report import ErrorGroup, FindingGroup, InjectionReport, Report, ThresholdReport
    from chaoscore.safety.state import pull_lever
    from chaoscore.scenario import Scenario
    from chaoscore.spec import Limits, Window, window
    from chaoscore.stats import Histogram, Trend, wilson
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
    "eventlog": "read_log",
    "events": "Checked Ended ErrorInfo Event Fired Found Interrupted IterationEnded Lifted Opened Outcome Phase "
    "Recorded RunStarted Sampled StepEnded Stopped Stuck Trouble",
    "faults": "Cancel Delay Raise",
    "fold": "Fold",
    "hookspecs": "hookimpl",
    "injectors.raising": "exception_type",
    "metrics": "Metric",
    "plugins": "offered_metrics",
    "points": "amaybe_cancel amaybe_delay amaybe_error amaybe_network_chaos amaybe_panic apoint aside "
    "current_place in_run maybe_cancel maybe_delay maybe_error maybe_network_chaos maybe_panic point "
    "record_error record_event record_panic record_recursion_depth",
    "protocols": "Aims Answers Checker Checkup Checks Concludes Evidence Evident Examines Finds Follows Injector "
    "InjectorType Judgement Moment Observes Opens Progress Provider ProviderType Reporter ReporterType Reports "
    "Scene Site Target TargetType Undo UndoAction Undoing Validator ValidatorType Violation",
    "report": "ErrorGroup FindingGroup InjectionReport Report ThresholdReport",
    "safety.state": "pull_lever",
    "scenario": "Scenario",
    "spec": "Limits Window window",
    "stats": "Histogram Trend wilson",
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
    "Checked",
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
    "ErrorGroup",
    "ErrorInfo",
    "Event",
    "EventLogError",
    "Evidence",
    "Evident",
    "Examines",
    "ExitCode",
    "Fault",
    "FindingGroup",
    "Finds",
    "Fired",
    "Fold",
    "Follows",
    "Found",
    "Histogram",
    "InjectedError",
    "InjectedPanic",
    "InjectedTimeout",
    "InjectionReport",
    "Injector",
    "InjectorType",
    "Interrupted",
    "InvalidScenarioError",
    "IterationEnded",
    "Judgement",
    "Lifted",
    "Limits",
    "Metric",
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
    "Provider",
    "ProviderType",
    "Raise",
    "Recorded",
    "Report",
    "Reporter",
    "ReporterType",
    "Reports",
    "RunStarted",
    "Sampled",
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
    "ThresholdReport",
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
    "offered_metrics",
    "optional_bytes",
    "optional_seconds",
    "point",
    "probability",
    "pull_lever",
    "read_log",
    "record_error",
    "record_event",
    "record_panic",
    "record_recursion_depth",
    "seconds",
    "show_bytes",
    "show_seconds",
    "size_bytes",
    "thresholds",
    "wilson",
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
