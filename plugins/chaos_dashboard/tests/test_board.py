"""The state of a run as JSON."""

import json
import math
from typing import Any

import pytest

from benchmarks.days import day
from chaos_dashboard.board import Board
from chaos_dashboard.command import board_of
from chaoscore import Event, Found, Interrupted, Sampled
from chaoscore.testing import hostile_run


class Screen:
    """Does with messages what the page does with them."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.rows: dict[float, list[Any]] = {}
        self.width = 0

    def show(self, text: str, *, whole: bool = False) -> None:
        message = json.loads(text)
        series = message.pop("series")
        if whole or series["width"] != self.width:
            self.rows, self.width = {}, series["width"]
        self.rows.update({row[0]: row for row in series["rows"]})
        self.state.update(message)


@pytest.mark.parametrize("every_s", [1, 7, 100, 800])
def test_updates_add_up_to_the_whole(every_s: int) -> None:
    """Who was sent the whole once and every update since shows what another shows who is sent the whole now."""
    board, follower, late = Board(), Screen(), Screen()
    follower.show(board.whole(0.0), whole=True)
    events = tuple(day(1_600, 1))
    for until in range(every_s, 1_600 + every_s, every_s):
        board.take([event for event in events if until - every_s <= event.at < until])
        follower.show(board.update(float(until)))
    board.take(events[-1:])
    follower.show(board.update(1_600.0))
    late.show(board.whole(1_600.0), whole=True)
    assert follower.rows == late.rows
    assert follower.state == late.state


def test_an_update_is_small() -> None:
    """When nothing but numbers has changed, little is sent, however long the run has lasted."""
    board = Board()
    board.take(tuple(day(5_000, ended=False)))
    board.update(5_000.0)
    assert len(board.update(5_001.0)) < 1_000
    assert len(board.whole(5_001.0)) < 150_000


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300])
def test_every_number_is_json(number: float) -> None:
    """A clock or a sample that says what JSON has no word for leaves a gap, not a page that cannot be read."""
    events: list[Event] = [*hostile_run("x")[:5], Sampled(number, 1, number), Sampled(1.0, 1, number)]
    board = Board()
    board.take(events)
    state = json.loads(board.whole(number), parse_constant=pytest.fail)
    assert state["now"]["threads"] == 1


def test_a_log_that_breaks_off_is_interrupted() -> None:
    """A run whose events end before it does is no run that goes on."""
    events = [event for event in day(100) if event.at < 50]
    assert "its log ends before the run does" in board_of(events).whole(50.0)
    assert "its log ends before the run does" not in board_of(day(100)).whole(100.0)


def test_what_reproduces_a_finding() -> None:
    """A finding that belongs to no iteration is reproduced by the whole run, another by its iteration."""
    board = Board()
    events = list(day(240, 5))
    found = next(event for event in events if isinstance(event, Found))
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    nowhere = Found(**{**fields, "iteration": None, "message": "elsewhere"})
    board.take([*events[:-1], nowhere, Interrupted(240.0, "SIGINT")])
    commands = {each["message"]: each["reproduce"] for each in json.loads(board.whole(240.0))["findings"]}
    assert commands["elsewhere"] == "chaoscore run shop.toml --for 24h --seed 7145"
    assert commands[found.message] == f"chaoscore run shop.toml --seed 7145 --only-iteration {found.iteration}"
