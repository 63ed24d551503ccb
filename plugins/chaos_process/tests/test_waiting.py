"""Waiting for what the operating system does in its own time."""

import pytest

from chaos_process import waiting
from chaos_process.waiting import wait_until


class Clock:
    """Time that only passes in sleep."""

    def __init__(self) -> None:
        self.now_s, self.pauses_s = 0.0, list[float]()

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.pauses_s.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "CLOCK", clock)
    return clock


def test_what_is_true_is_not_waited_for(clock: Clock) -> None:
    """Nothing is slept where there is nothing to wait for, patience or not."""
    assert wait_until(lambda: True, 0.0)
    assert clock.pauses_s == []


def test_patience_ends(clock: Clock) -> None:
    """What never becomes true is given up, not much later than asked."""
    assert not wait_until(lambda: False, 1.0)
    assert 1.0 <= clock.now_s < 1.03


def test_pauses_grow_to_a_bound(clock: Clock) -> None:
    """What happens at once is seen at once, and a long wait costs fifty looks a second."""
    assert wait_until(lambda: clock.now_s > 0.5, 1.0)
    assert clock.pauses_s[0] == 0.001
    assert max(clock.pauses_s) == 0.02
