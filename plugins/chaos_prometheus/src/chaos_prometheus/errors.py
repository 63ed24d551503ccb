"""What can go wrong with an exporter; a run tells it and goes on."""

from __future__ import annotations

from collections.abc import Mapping

from chaoscore import ChaosError


class CannotServeError(ChaosError, OSError):
    """Metrics cannot be had at an address."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(
            f"metrics cannot be had at {address}: {reason}; give another port, such as --prometheus=9465, or end what "
            f"has it; the run goes on without them"
        )


class PushError(ChaosError, OSError):
    """A Pushgateway took no metrics."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"the Pushgateway at {url} took no metrics: {reason}; see that it runs and can be reached")


class BrokenMetricError(ChaosError):
    """Metrics of plugins failed, and were read no more."""

    def __init__(self, broken: Mapping[str, str]) -> None:
        self.broken = dict(broken)
        which = "; ".join(f"{name!r}: {reason}" for name, reason in broken.items())
        super().__init__(f"metrics of plugins failed and were read no more; tell their authors: {which}")


def complain(broken: Mapping[str, str]) -> None:
    """
    Raise where there are *broken* metrics.

    Raises:
        BrokenMetricError: There are.
    """
    if broken:
        raise BrokenMetricError(broken)
