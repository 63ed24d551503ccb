"""Parameters of this plugin's parts."""

from collections.abc import Callable
from typing import Any

import pytest

from chaos_process import parameters as p
from chaoscore import Severity


def of_this(target: object) -> int:
    return 7


@pytest.mark.parametrize(
    ("parse", "given", "value"),
    [
        (p.share, "25%", 0.25),
        (p.share, 1, 1.0),
        (p.optional_count, None, None),
        (p.optional_count, 1, 1),
        (p.optional_whole, 0, 0),
        (p.children_count, 256, 256),
        (p.pick, "one", "one"),
        (p.pick, "all", "all"),
        (p.pick, "50%", 0.5),
        (p.pick, 1.0, 1.0),
        (p.optional_pattern, "worker-[0-9]+", "worker-[0-9]+"),
        (p.optional_pattern, None, None),
        (p.optional_files, 0, 0),
        (p.optional_files, "+12", "+12"),
        (p.optional_room, "1KiB", 1024),
        (p.optional_room, "+1KiB", "+1KiB"),
        (p.optional_room, None, None),
        (p.optional_start, 1.7e9, 1.7e9),
        (p.usage_of, "self", "self"),
        (p.usage_of, of_this, of_this),
        (p.children_of, "target", "target"),
        (p.kill_signal, "TERM", "TERM"),
        (p.weight, "info", Severity.INFO),
    ],
)
def test_a_right_value_is_taken(parse: Callable[[Any], object], given: object, value: object) -> None:
    """What is written with its unit or word becomes the value that it stands for."""
    assert parse(given) == value


@pytest.mark.parametrize(
    ("parse", "given", "problem"),
    [
        (p.share, 0, "above 0"),
        (p.share, "101%", "between 0 and 1"),
        (p.optional_count, 0, "1 or more, not 0"),
        (p.optional_count, "3", "expected a whole number"),
        (p.optional_whole, -1, "0 or more, not -1"),
        (p.children_count, 1000, "at most 256 processes"),
        (p.pick, "some", "pick is 'one', 'all' or a share"),
        (p.pick, 2, "might be a count or a share"),
        (p.optional_pattern, "[", "'\\[' is not a regular expression"),
        (p.optional_files, "4", "write a number, or '\\+4'"),
        (p.optional_files, 1.5, "a whole number, or text"),
        (p.optional_files, -1, "must not be negative"),
        (p.optional_room, "+5", "is not a size"),
        (p.optional_room, 1.5, "a whole number of bytes"),
        (p.optional_start, float("inf"), "seconds since 1970"),
        (p.optional_start, "today", "seconds since 1970"),
        (p.usage_of, "children", "of is 'self', 'target', or a function"),
        (p.children_of, 12, "of is 'children', 'target', or a function"),
        (p.kill_signal, "STOP", "signal is 'KILL' or 'TERM'"),
        (p.weight, "fatal", "severity is one of critical, warning, info, not 'fatal'"),
    ],
)
def test_a_wrong_value_says_what_to_write(parse: Callable[[Any], object], given: object, problem: str) -> None:
    """What cannot be meant is refused, with what is expected and what was given."""
    with pytest.raises((TypeError, ValueError), match=problem):
        parse(given)


@pytest.mark.parametrize(("found", "pids"), [(None, ()), (7, (7,)), ([7, 8], (7, 8)), ({7}, (7,)), ((), ())])
def test_a_target_may_have_one_pid_or_several(found: object, pids: tuple[int, ...]) -> None:
    """One pid, a list of them, none at all: whatever a function of the target returns becomes pids."""
    assert p.target_pids(lambda target: target, found) == pids
