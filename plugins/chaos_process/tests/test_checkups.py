"""What `chaoscore doctor` tries on this machine for this plugin."""

import sys
from collections.abc import Callable

import pytest

from chaos_process import checkups, pausing, system
from chaos_process.checkups import CHECKUPS
from chaos_process.process import State


@pytest.mark.parametrize("checkup", CHECKUPS.values(), ids=CHECKUPS)
def test_it_works_here(checkup: Callable[[], str]) -> None:
    """Each fault can be made and undone on this machine, and the check-up says what was seen."""
    if checkup is checkups.limit and sys.platform != "linux":
        pytest.skip("cannot run here: only Linux limits other processes")
    assert "child" in checkup()


@pytest.mark.parametrize(
    ("checkup", "what", "seen"),
    [
        (checkups.burn, "cpu_s", 0.0),
        (checkups.hold, "rss_bytes", 0),
        (checkups.pause, "state", State.ALIVE),
        (checkups.pause, "state", State.STOPPED),
        (checkups.kill, "state", State.ALIVE),
    ],
)
def test_it_believes_what_it_sees(
    checkup: Callable[[], str], what: str, seen: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that is not seen, or does not go away, fails its check-up."""
    if checkup is not checkups.hold:  # which waits for a word of its child, not for what is seen
        monkeypatch.setattr(checkups, "SEEN_S", 0.05)
    monkeypatch.setattr(pausing, "SEEN_S", 0.05)
    monkeypatch.setattr(system, what, lambda process: seen)
    with pytest.raises(AssertionError, match="a child"):
        checkup()


def test_a_limit_that_does_not_come_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that stays low fails its check-up."""
    monkeypatch.setattr(checkups, "SEEN_S", 0.05)
    monkeypatch.setattr(checkups, "undo_limit", lambda args: "done")
    with pytest.raises(AssertionError, match="did not come back"):
        checkups.limit()
