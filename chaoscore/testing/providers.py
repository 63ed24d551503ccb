"""The conformance of providers."""

from __future__ import annotations

from collections.abc import Callable

from chaoscore.clock import SystemClock
from chaoscore.protocols import Opens, Provider, Undo
from chaoscore.testing.builders import NOTHING_PROVIDED
from chaoscore.testing.gauges import InEffect
from chaoscore.testing.openings import Providers, check_openings
from chaoscore.testing.promises import Promise
from chaoscore.testing.recorders import RecordingTarget
from chaoscore.testing.values import Wrong, check_kind, check_parameters, check_value

DECLARES = Promise(
    "it declares that it makes something, and what takes that away if the run cannot",
    "give it `open`, and `undo`, a `chaoscore.Undo`",
)


def check_provider(
    make: Callable[[], Provider],
    *,
    in_effect: InEffect | None = None,
    wrong: Wrong = (),
    providers: Providers = NOTHING_PROVIDED,
) -> None:
    """
    See that a provider keeps what every run relies on.

    It declares itself, is a value, refuses wrong parameters, and takes away what it has made on every way out. For code
    that runs on no event loop.

    Args:
        make: Returns a new provider; called again and again, always with the same result.
        in_effect: Tells whether what it makes is there, given a target that is of no use; asked when it must be gone.
        wrong: Keyword arguments that the class must refuse, beside the wrong types and ranges that its signature shows.
        providers: What is there before it, by its names.

    Raises:
        ConformanceError: A promise is broken; it says which, how that was tried, and what to do.
    """
    provider = make()
    check_kind(provider)
    if not isinstance(getattr(provider, "undo", None), Undo) or not isinstance(provider, Opens):
        raise DECLARES.broken(provider, "looked at it", f"undo is {getattr(provider, 'undo', None)!r}")
    check_value(provider, make())
    check_parameters(provider, wrong)
    check_openings(provider, RecordingTarget, in_effect, SystemClock, providers)
    check_value(provider, make())
