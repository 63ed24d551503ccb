"""A browser, the day of a shop, and a live page that is fed by hand."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.days import day
from chaos_dashboard.live import Live
from chaoscore import Event, Fold
from chaoscore.testing import FakeClock
from tests.services.browsers import browser

__all__ = ["browser"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory of runs, where the stop lever is: never the user's own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def minutes() -> tuple[Event, ...]:
    """A run of four minutes in which everything happens that happens in a day."""
    return tuple(day(240, 5))


class Station:
    """A live page, fed by hand and by a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.live = Live(0, clock=self.clock)
        self._fold = Fold()

    @property
    def url(self) -> str:
        """Where the page is."""
        assert self.live.url is not None
        return self.live.url

    def feed(self, events: Sequence[Event]) -> None:
        """Let *events* happen, and the clock come to the last of them."""
        for event in events:
            self._fold.add(event)
        self.live.follow(tuple(events))
        behind = events[-1].at - self.clock.monotonic() if events else 0.0
        self.tick(max(behind, 0.0))

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass in which nothing happens."""
        self.clock.advance(seconds)
        self.live.follow(())

    def end(self) -> None:
        """End the run, and the page with it."""
        self.live.report(self._fold.report())


@pytest.fixture
def station(capsys: pytest.CaptureFixture[str]) -> Iterator[Station]:
    """A live page before its run begins."""
    station = Station()
    yield station
    station.end()


Chop = Callable[[float], tuple[Event, ...]]


@pytest.fixture
def until(minutes: tuple[Event, ...]) -> Chop:
    """Return a function that returns the events of the run up to a second."""
    return lambda at: tuple(event for event in minutes if event.at <= at)
