"""Faults that are cut off while they are applied: the intent was on disk before, so they are undone all the same."""

from __future__ import annotations

import pytest

from tests.safety.toys import Toybox, ended

PLACES = ("intent", "wire", "toy")
"""A toy is switched on in two steps, and tripped over before the first, between them, and after the second."""


@pytest.mark.parametrize("place", PLACES)
def test_an_apply_that_raises_half_way_is_undone(box: Toybox, place: str) -> None:
    """With what was applied before it; the error is the report's first, and the run is unknown, not failed."""
    said = ended(box.start(trip=f"raise {place}"))
    assert said[0] == "end None 3"
    assert said[1] == f"injector 'toys': tripped after the {place}"
    assert box.healed()


@pytest.mark.parametrize("place", PLACES)
def test_an_apply_that_is_killed_half_way_is_undone(box: Toybox, place: str) -> None:
    """By the watchdog, which knows of every fault that can have begun."""
    assert ended(box.start(trip=f"kill {place}")) == []
    assert box.healed()


def test_an_apply_that_fails_and_cannot_be_undone_is_left_behind(box: Toybox) -> None:
    """Exit code 6, not 3: that it did not open does not mean that it is not in effect."""
    said = ended(box.start(trip="raise wire", bad="raises"))
    assert said[0] == "end None 6"
    assert box.on() == ["toy-1.wire"]
    assert any("toy-1: toy.switch: OSError: stuck switch" in line for line in said)
