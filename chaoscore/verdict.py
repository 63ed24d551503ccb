"""How a run is judged."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import attrs

from chaoscore.units import Duration, Probability, optional_seconds, probability, show_seconds


class Verdict(enum.StrEnum):
    """What a run says about the system, from best to worst."""

    PASS = "pass"
    UNSTABLE = "unstable"
    UNKNOWN = "unknown"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """Return 0 for the best verdict, 3 for the worst."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Merge *verdicts*: the worst of them, `Verdict.PASS` for none."""
    return max(verdicts, key=_RANKS.__getitem__, default=Verdict.PASS)


class Severity(enum.StrEnum):
    """How much a finding weighs."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that one finding of this severity leads to."""
        return _WEIGHTS[self]


_WEIGHTS = {Severity.CRITICAL: Verdict.FAIL, Severity.WARNING: Verdict.UNSTABLE, Severity.INFO: Verdict.PASS}


class ExitCode(enum.IntEnum):
    """What the command line says to the shell."""

    OK = 0
    FAIL = 1
    USAGE = 2
    UNKNOWN = 3
    INVALID = 4
    NOTHING_HAPPENED = 5
    FAULTS_LEFT = 6
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143


def exit_code(verdict: Verdict) -> ExitCode:
    """Return the exit code that *verdict* alone leads to."""
    if verdict is Verdict.FAIL:
        return ExitCode.FAIL
    return ExitCode.UNKNOWN if verdict is Verdict.UNKNOWN else ExitCode.OK


Preset = Literal["strict", "default", "relaxed"]


def _count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{attribute.alias} must be a whole number, not {value!r}")
    if value is not None and value < 0:
        raise ValueError(f"{attribute.alias} must be 0 or more, not {value!r}")


def _names(value: Iterable[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)


@attrs.frozen(kw_only=True)
class Thresholds:
    """
    What the run as a whole must reach.

    Attributes:
        min_success_rate: Least share of iterations that succeed, 0 to 1.
        max_failed_iterations: Most iterations that may end otherwise; None: any number.
        max_mean_s: Longest mean duration of an iteration, seconds; None: any.
        max_p99_s: Longest 99th percentile of the same, seconds; None: any.
        required: Names of validators whose findings fail the run, whatever their own severity.
        warning: Names of validators whose findings only make it unstable.
        real_failure: The verdict that one iteration brings which failed without an injected fault.
    """

    min_success_rate: float = attrs.field(default=0.95, converter=probability)
    max_failed_iterations: int | None = attrs.field(default=None, validator=_count)
    max_mean_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="max_mean")
    max_p99_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="max_p99")
    required: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    warning: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    real_failure: Verdict = attrs.field(default=Verdict.UNSTABLE, converter=Verdict)

    def __attrs_post_init__(self) -> None:
        both = self.required & self.warning
        if both:
            raise ValueError(f"thresholds: {', '.join(sorted(both))} cannot be both required and warning; drop one")

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values by attribute name; `from_dict` reads them back."""
        values = attrs.asdict(self)
        return values | {"required": sorted(self.required), "warning": sorted(self.warning)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Thresholds:
        """Return what `as_dict` wrote."""
        return cls(**{name.removesuffix("_s"): value for name, value in values.items()})

    def severity(self, validator: str, own: Severity) -> Severity:
        """Return what a finding of *validator* weighs, *own* unless the thresholds say otherwise."""
        if validator in self.required:
            return Severity.CRITICAL
        return Severity.WARNING if validator in self.warning else own

    def breaches(self, *, succeeded: int, failed: int, mean_s: float, p99_s: float) -> Iterator[str]:
        """Yield a sentence for every threshold that the given outcome of a run does not reach."""
        total = succeeded + failed
        rate = succeeded / total if total else 0.0
        if rate < self.min_success_rate:
            yield f"success rate {rate:.2%} is below {self.min_success_rate:.2%} ({succeeded} of {total} iterations)"
        if self.max_failed_iterations is not None and failed > self.max_failed_iterations:
            yield f"{failed} iterations failed, at most {self.max_failed_iterations} may"
        for what, value, limit in (("mean", mean_s, self.max_mean_s), ("p99", p99_s, self.max_p99_s)):
            if limit is not None and value > limit:
                yield f"{what} duration {show_seconds(value)} is above {show_seconds(limit)}"


PRESETS: dict[Preset, Thresholds] = {
    "strict": Thresholds(min_success_rate=1.0, max_failed_iterations=0, real_failure=Verdict.FAIL),
    "default": Thresholds(),
    "relaxed": Thresholds(min_success_rate=0.8, real_failure=Verdict.PASS),
}


def thresholds(
    preset: Preset = "default",
    *,
    min_success_rate: Probability | None = None,
    max_failed_iterations: int | None = None,
    max_mean: Duration | None = None,
    max_p99: Duration | None = None,
    required: Iterable[str] = (),
    warning: Iterable[str] = (),
) -> Thresholds:
    """
    Return the thresholds of a *preset* with the given ones in place of its own.

    Args:
        preset: ``strict`` (every iteration succeeds), ``default`` (95 %; a failure that no fault explains makes the run
            unstable) or ``relaxed`` (80 %).
        min_success_rate: Least share of iterations that succeed, 0 to 1.
        max_failed_iterations: Most iterations that may end otherwise.
        max_mean: Longest mean duration of an iteration.
        max_p99: Longest 99th percentile of the same.
        required: Names of expectations whose findings fail the run.
        warning: Names of expectations whose findings only make it unstable.

    Raises:
        ValueError: An unknown preset, a value out of range, or a name both required and warning.
    """
    if preset not in PRESETS:
        raise ValueError(f"no thresholds preset {preset!r}; have {', '.join(PRESETS)}")
    given: dict[str, Any] = {
        "min_success_rate": min_success_rate,
        "max_failed_iterations": max_failed_iterations,
        "max_mean": max_mean,
        "max_p99": max_p99,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(PRESETS[preset], required=required, warning=warning, **changes)
