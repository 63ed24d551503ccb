"""A state directory of its own for each test, and runs to kill, of which nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.safety.toys import Toybox, until


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state directory of the test."""
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CHAOSCORE_ENVIRONMENT", raising=False)
    return tmp_path / "state"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Toybox]:
    """Give a toybox, end what a failed test has left running, and see that no watchdog outlives the test."""
    box = Toybox(tmp_path)
    yield box
    box.end()
    assert until(lambda: not box.watchdogs())
