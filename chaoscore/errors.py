"""Every exception of the framework: its own errors, and the ones it injects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches


class ChaosError(Exception):
    """Root of all errors that the framework itself raises; injected faults are not among them."""


class ScenarioError(ChaosError, ValueError):
    """
    A scenario says something that cannot be run.

    Attributes:
        where: The scenario and the place in it, for example ``'orders': step 2``.
        problem: What is wrong there, with the value.
        remedy: What to do about it.
    """

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(f"{where}: {problem}; {remedy}")


class DuplicateNameError(ScenarioError):
    """Two parts of one scenario have the same name, so reports could not tell them apart."""

    def __init__(self, where: str, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(where, f"there are two {what}s named {name!r}", "give each its own name")


class InvalidScenarioError(ScenarioError):
    """
    Everything that is wrong with one scenario, found in one pass.

    Attributes:
        problems: The single errors, in the order of the scenario.
    """

    def __init__(self, where: str, problems: Sequence[ScenarioError]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        ChaosError.__init__(self, f"{where}: {len(self.problems)} problem(s):{lines}")
        self.where, self.problem, self.remedy = where, lines, "mend each of them"


class UnknownNameError(ScenarioError, LookupError):
    """A scenario names something that no installed plugin offers."""

    def __init__(self, where: str, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(sorted(known))
        super().__init__(where, f"no {what} {name!r}{near_miss(name, self.known)}", see_plugins(self.known))


class PluginError(ChaosError):
    """
    An installed plugin cannot be used.

    Attributes:
        plugin: Its entry-point name.
        distribution: The installed distribution that brings it, with its version.
        reason: What went wrong.
    """

    def __init__(self, plugin: str, distribution: str, reason: str) -> None:
        self.plugin, self.distribution, self.reason = plugin, distribution, reason
        super().__init__(f"plugin {plugin!r} of {distribution}: {reason}; see `chaoscore plugins`")


class BlockingCallError(ChaosError, RuntimeError):
    """A blocking call was made where it would stop the event loop."""

    def __init__(self, called: str, instead: str) -> None:
        self.called, self.instead = called, instead
        super().__init__(f"{called}() would block the running event loop; write `await {instead}()` here")


class DeadlineError(ChaosError, TimeoutError):
    """A hook of a plugin or of the target did not return in time and was given up."""

    def __init__(self, who: str, hook: str, deadline_s: float) -> None:
        self.who, self.hook, self.deadline_s = who, hook, deadline_s
        super().__init__(f"{who}: {hook} did not return within {deadline_s:g} s and was given up")


class StuckStepError(BaseException):
    """Raised inside a step that exceeded its limit, to end it; only ordinary `except` clauses miss it."""


class EventLogError(ChaosError, ValueError):
    """A file is not a readable event log."""

    def __init__(self, path: object, line: int, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        super().__init__(f"{path}, line {line}: {reason}; expected a file written by `--events`")


class UnwritableError(ChaosError, OSError):
    """A reporter cannot write its file; what was there before, or was written until then, is untouched."""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot write {path}: {reason}; free or create the place, or name another")


class StateError(ChaosError, OSError):
    """The state directory, or a journal in it, cannot be used."""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}; free or mend it, or set CHAOSCORE_STATE_DIR to another folder")


class FaultsLeftError(ChaosError, RuntimeError):
    """
    A run that died may have left faults behind, which would falsify every run that follows.

    Attributes:
        runs: The runs and how many of their faults are open.
    """

    def __init__(self, runs: Mapping[str, int]) -> None:
        self.runs = dict(runs)
        told = ", ".join(f"{run} ({count} open)" for run, count in self.runs.items())
        super().__init__(f"faults were left behind by {told}; run `chaoscore recover`")


class ProductionError(ChaosError, RuntimeError):
    """The environment says that it is production."""

    def __init__(self, variable: str, value: str) -> None:
        self.variable, self.value = variable, value
        super().__init__(f"${variable} is {value!r}: no faults are injected there; `--production` overrides that")


class LeverPulledError(ChaosError, RuntimeError):
    """Somebody said `chaoscore stop`."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"the stop lever is pulled ({path}); `chaoscore stop --release` lets runs inject again")


class ForbiddenTargetError(ChaosError, PermissionError):
    """Faults may not go to this address."""

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        remedy = "allow it in the scenario and with `--allow ADDRESS` on the command line"
        super().__init__(f"{target}: {reason}; {remedy}")


class LimitError(ChaosError, RuntimeError):
    """A limit of the scenario would be exceeded."""

    def __init__(self, what: str, wanted: object, limit: object) -> None:
        self.what, self.wanted, self.limit = what, wanted, limit
        super().__init__(f"{what}: {wanted} would exceed the limit of {limit}; raise the limit or ask for less")


class UndoUnknownError(ChaosError, LookupError):
    """An injector asks for an undo action that no installed plugin offers."""

    def __init__(self, injector: str, undo: str, known: Iterable[str]) -> None:
        self.injector, self.undo, self.known = injector, undo, tuple(sorted(known))
        hint = near_miss(undo, self.known)
        super().__init__(f"injector {injector!r}: no undo action {undo!r}{hint}; offer it through `chaos_undos`")


class LostLeaseError(ChaosError, RuntimeError):
    """The watchdog took the run for dead and undid its faults; the run must inject nothing more."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id}: the watchdog has taken over and undone its faults; nothing more is injected")


class EndingError(ChaosError, RuntimeError):
    """The run was told to end while an injector was still applying faults; it must inject nothing more."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id}: it was told to end; nothing more is injected")


class TargetBusyError(ChaosError, RuntimeError):
    """Another run disturbs the same target; undoing one would undo the other."""

    def __init__(self, target: str, run_id: str) -> None:
        self.target, self.run_id = target, run_id
        super().__init__(f"{target} is disturbed by run {run_id or '?'}; wait for it, or see `chaoscore status`")


class WatchdogError(ChaosError, RuntimeError):
    """The watchdog did not start, so faults that the kernel would not undo are not injected."""

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        super().__init__(f"the watchdog was not ready within {deadline_s:g} s; see `chaoscore doctor`")


class UndoError(ChaosError, RuntimeError):
    """
    A fault could not be undone, or is in effect although its undo said otherwise.

    Attributes:
        undo: The name of the undo action.
        reason: What went wrong.
        manual: What a person can do.
    """

    def __init__(self, undo: str, reason: str, manual: str) -> None:
        self.undo, self.reason, self.manual = undo, reason, manual
        super().__init__(f"{undo}: {reason}; by hand: {manual}; then run `chaoscore recover`")


class InjectedError(Exception):
    """The error that an injector raises when the scenario does not ask for another type."""


class InjectedPanic(BaseException):  # a panic is not an error: `except Exception` must miss it
    """An injected panic: ordinary `except Exception` handlers do not swallow it."""


class InjectedTimeout(InjectedError, TimeoutError):  # noqa: N818 - named like the builtin it stands for
    """An injected deadline passed in synchronous code."""


class CancelReason(str):
    """What an injected `CancelledError` carries as its message; it names the injector."""

    injector: str

    def __new__(cls, injector: str) -> CancelReason:
        """Return the message for a cancellation by *injector*."""
        reason = super().__new__(cls, f"injected by {injector!r}")
        reason.injector = injector
        return reason


_MARK = "__chaoscore_injected__"


def mark_injected(error: BaseException, injector: str, point: str) -> None:
    """Mark *error* as injected, for `injected_by` and for whoever reads its traceback."""
    notes = [*getattr(error, "__notes__", ()), f"[chaos] injected by {injector!r} at {point}"]
    vars(error).update({_MARK: injector, "__notes__": notes})  # past the `__setattr__` of a frozen class


def injected_by(error: BaseException) -> str | None:
    """
    Return the name of the injector behind *error*, or None for a real one.

    An error raised explicitly *from* an injected one counts as injected, and so does a group of nothing else. An error
    raised while an injected one was merely being handled does not: that is a bug in the handler.
    """
    for link in _causes(error):
        if _MARK in vars(link):
            return str(vars(link)[_MARK])
        if link.args and isinstance(link.args[0], CancelReason):
            return link.args[0].injector
        if isinstance(link, BaseExceptionGroup):
            names = [injected_by(each) for each in link.exceptions]
            return names[0] if all(names) else None
    return None


def is_injected(error: BaseException) -> bool:
    """Tell whether *error* comes from an injector rather than from the system under test."""
    return injected_by(error) is not None


def text_of(error: BaseException) -> str:
    """Return the text of *error*, which comes from the system under test and may fail to give one."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a hostile __str__ must not end the run; the text says so
        return f"<its __str__ raised {type(broken).__name__}>"


def near_miss(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name nearest to *name*, else an empty text."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def see_plugins(known: Sequence[str]) -> str:
    """Return the remedy for an unknown name: what there is, and where to look."""
    return f"have {', '.join(known) or 'none'}; see `chaoscore plugins`"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__
