"""
For the authors of plugins: what shows, on your own class, that it keeps what every run relies on.

The checks are plain functions, for pytest, unittest or a script; each raises a `ConformanceError` that says which
promise is broken, how that was tried and what to do about it:

    from chaoscore.testing import check_injector

    def test_it_conforms() -> None:
        check_injector(lambda: Slow("5ms"))

Beside them there is a clock that is moved by hand, recording fakes, and builders of what a run hands to its parts, so
that a part can be driven by hand.
"""

from chaoscore.testing.builders import RecordingSite, ask, scene, site, strike
from chaoscore.testing.clocks import FakeClock
from chaoscore.testing.hand import answers, judge
from chaoscore.testing.hostile import HostileTarget, hostile_run
from chaoscore.testing.injectors import check_injector
from chaoscore.testing.promises import ConformanceError
from chaoscore.testing.providers import check_provider
from chaoscore.testing.recorders import RecordingReporter, RecordingTarget
from chaoscore.testing.reporters import check_reporter
from chaoscore.testing.runs import Recording, run_once
from chaoscore.testing.targets import check_target
from chaoscore.testing.validators import check_validator

__all__ = [
    "ConformanceError",
    "FakeClock",
    "HostileTarget",
    "Recording",
    "RecordingReporter",
    "RecordingSite",
    "RecordingTarget",
    "answers",
    "ask",
    "check_injector",
    "check_provider",
    "check_reporter",
    "check_target",
    "check_validator",
    "hostile_run",
    "judge",
    "run_once",
    "scene",
    "site",
    "strike",
]
