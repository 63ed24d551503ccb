"""What every test here needs: failpoints of its own, and none that stays armed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chaos_failpoint import Failpoint, failpoint, registry
from chaos_failpoint.markers import compiling

Declare = Callable[[str], Failpoint]


@pytest.fixture(autouse=True)
def failpoints_of_its_own() -> Iterator[None]:
    """No test sees the failpoints of another, and none leaves one armed or watched."""
    before, found = dict(registry.HANDLES), dict(compiling.FOUND)
    registry.HANDLES.clear()
    yield
    still_armed = [handle for handle in registry.HANDLES.values() if handle.armed]
    watchers = registry.watchers
    registry.HANDLES.clear()
    registry.HANDLES.update(before)
    compiling.FOUND.clear()
    compiling.FOUND.update(found)
    assert still_armed == []
    assert watchers == ()


@pytest.fixture
def fp() -> Failpoint:
    """A failpoint that is declared."""
    return failpoint("db.commit")


@pytest.fixture
def declare() -> Declare:
    """Declares failpoints, each once."""
    return lambda name: failpoint(name, shared=True)
