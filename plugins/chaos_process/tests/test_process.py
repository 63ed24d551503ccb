"""A process, told apart from a later one with its pid."""

import json

import pytest

from chaos_process.process import Process, State


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Process(7, 1000.0, 500), True),
        (Process(7, 9999.0, 500), True),
        (Process(7, 1000.0, 501), False),
        (Process(8, 1000.0, 500), False),
        (Process(7, 1001.5, None), True),
        (Process(7, 1002.5, None), False),
    ],
)
def test_ticks_decide_where_both_have_them(other: Process, same: bool) -> None:
    """Setting the clock does not make a process another one; without ticks, a start two seconds apart does."""
    assert Process(7, 1000.0, 500).is_same(other) is same
    assert other.is_same(Process(7, 1000.0, 500)) is same


def test_it_survives_being_written_down() -> None:
    """A process read back from JSON is the same one."""
    process = Process(7, 1000.25, 500)
    assert Process.from_args(json.loads(json.dumps(process.as_args()))) == process


def test_its_name_does_not_move_with_the_clock() -> None:
    """Two runs that look at one process before and after somebody set the clock must not both strike it."""
    assert Process(7, 1000.0, 500).name == Process(7, 1003.0, 500).name
    assert Process(7, 1000.0, 500).name != Process(7, 1000.0, 501).name
    assert Process(7, 1000.0).name != Process(7, 1003.0).name


def test_ticks_may_be_left_out() -> None:
    """An undo that only knows pid and start names a process as well."""
    assert Process.from_args({"pid": 7, "create_time": 1000}) == Process(7, 1000.0)


def test_zombies_have_ended() -> None:
    """No signal reaches a zombie or a process that is gone; one that is stopped can still go on."""
    assert [state for state in State if state.ended] == [State.ZOMBIE, State.GONE]
