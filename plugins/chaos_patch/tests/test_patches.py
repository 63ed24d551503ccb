"""Arming and disarming, in any order and by anybody."""

import threading
from itertools import permutations
from typing import Any

import pytest

from chaos_patch.engine import Armed, Call, CodeSeat, Patches
from chaos_patch.errors import ConflictError, NotArmedError


def function(number: int) -> int:
    return number + 1


CODE = function.__code__
SEAT = CodeSeat(function)  # type: ignore[arg-type]  # a function


class Named:
    """A hook that says its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def before(self, ticket: Any, call: Call) -> None:
        SEEN.append(self.name)

    async def abefore(self, ticket: Any, call: Call) -> None: ...
    def value(self, ticket: Any, call: Call) -> None: ...
    def after(self, ticket: Any, call: Call) -> None: ...
    async def aafter(self, ticket: Any, call: Call) -> None: ...


SEEN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_patches_leave_in_any_order(patches: Patches, order: tuple[int, ...]) -> None:
    """Whatever the order, those that are left go on, and the last one leaves the very code object that was there."""
    arms = [patches.arm(SEAT, Named(name)) for name in "abc"]
    left = ["a", "b", "c"]
    for index in order:
        SEEN.clear()
        assert function(1) == 2
        assert left == SEEN
        arms[index].disarm()
        left.remove("abc"[index])
    assert function.__code__ is CODE
    assert patches.armed == ()


def test_equal_hooks_count_as_one(patches: Patches) -> None:
    """A hook that was put on twice is called once for each call, until it has left twice."""
    hook = Named("a")
    first, second = patches.arm(SEAT, hook), patches.arm(SEAT, hook)
    function(1)
    first.disarm()
    function(1)
    second.disarm()
    function(1)
    assert SEEN == ["a", "a"]


def test_disarming_twice_is_an_error(patches: Patches) -> None:
    """What is not armed cannot be disarmed, and what else is armed there is not touched."""
    armed, other = patches.arm(SEAT, Named("a")), patches.arm(SEAT, Named("b"))
    armed.disarm()
    with pytest.raises(NotArmedError, match=r"test_patches:function is not armed, or was disarmed before"):
        armed.disarm()
    function(1)
    other.disarm()
    with pytest.raises(NotArmedError):
        other.disarm()
    assert SEEN == ["b"]


def test_any_thread_may_disarm(patches: Patches) -> None:
    """A patch may be taken away by another thread than the one that made it."""
    armed = patches.arm(SEAT, Named("a"))
    thread = threading.Thread(target=armed.disarm)
    thread.start()
    thread.join()
    assert function.__code__ is CODE


# -- conflicts


def foreign(number: int) -> int:
    return number * 100


def test_a_foreign_patch_above_is_never_overwritten(patches: Patches) -> None:
    """What somebody else has put above is left alone, with an error; the hooks are off all the same."""
    armed = patches.arm(SEAT, Named("a"))
    ours, theirs = function.__code__, foreign.__code__
    function.__code__ = theirs
    try:
        with pytest.raises(ConflictError, match="patched by somebody else in the meantime, with the code of foreign"):
            armed.disarm()
        assert function.__code__ is theirs
        function.__code__ = ours  # as somebody does who takes their patch away
        assert function(1) == 2
        assert SEEN == []
        patches.arm(SEAT, Named("b")).disarm()
        assert function.__code__ is CODE
    finally:
        function.__code__ = CODE


def test_no_hook_goes_below_a_foreign_patch(patches: Patches) -> None:
    """A further patch on a function that somebody else has patched above is refused, and the first can still leave."""
    armed = patches.arm(SEAT, Named("a"))
    ours = function.__code__
    function.__code__ = foreign.__code__
    with pytest.raises(ConflictError):
        patches.arm(SEAT, Named("b"))
    function.__code__ = ours
    armed.disarm()
    assert function.__code__ is CODE


def test_above_a_foreign_patch_all_is_well(patches: Patches) -> None:
    """A function that somebody else patched before gets their code back."""
    function.__code__ = foreign.__code__
    try:
        armed = patches.arm(SEAT, Named("a"))
        assert (function(1), SEEN) == (100, ["a"])
        armed.disarm()
        assert function.__code__ is foreign.__code__
    finally:
        function.__code__ = CODE


def test_a_patch_over_one_that_was_buried_is_new(patches: Patches) -> None:
    """While somebody else's patch is still above a dead one, a new patch goes on top of both."""
    armed = patches.arm(SEAT, Named("a"))
    function.__code__ = foreign.__code__
    try:
        with pytest.raises(ConflictError):
            armed.disarm()
        over = patches.arm(SEAT, Named("b"))
        assert (function(1), SEEN) == (100, ["b"])
        over.disarm()
        assert function.__code__ is foreign.__code__
    finally:
        function.__code__ = CODE


def test_two_engines_are_strangers(patches: Patches) -> None:
    """Two engines on one function are a conflict when the lower one leaves first, and none in the other order."""
    other = Patches(lambda: True)
    below, above = patches.arm(SEAT, Named("below")), other.arm(SEAT, Named("above"))
    assert (function(1), SEEN) == (2, ["above", "below"])
    with pytest.raises(ConflictError):
        below.disarm()
    above.disarm()
    patches.arm(SEAT, Named("again")).disarm()
    assert function.__code__ is CODE


# -- trampolines that stay


def test_a_prepared_function_only_gets_hooks(patches: Patches) -> None:
    """A trampoline that was put in place before lets calls through, gets hooks without a change, and goes at last."""
    patches.prepare([SEAT])
    prepared = function.__code__
    assert (function(1), prepared is CODE) == (2, False)
    armed = patches.arm(SEAT, Named("a"))
    assert function.__code__ is prepared
    armed.disarm()
    assert function.__code__ is CODE
    patches.prepare([SEAT])
    patches.restore()
    assert function.__code__ is CODE


def test_sticky_trampolines_stay() -> None:
    """Where code must not change while it runs, arming and disarming change the hooks alone."""
    sticky = Patches(lambda: True, sticky=True)
    sticky.arm(SEAT, Named("a")).disarm()
    trampoline = function.__code__
    armed = sticky.arm(SEAT, Named("b"))
    function(1)
    assert function.__code__ is trampoline
    sticky.restore()  # it has a hook, so it stays
    armed.disarm()
    function(1)
    assert (function.__code__ is trampoline, SEEN) == (True, ["b"])
    sticky.restore()
    assert function.__code__ is CODE


def test_a_patch_that_fails_half_way_leaves_nothing(patches: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a replacement cannot be made, the function is as before and nothing counts as armed."""

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("chaos_patch.engine.seats.trampoline", fail)
    with pytest.raises(MemoryError):
        patches.arm(SEAT, Named("a"))
    assert (function.__code__ is CODE, patches.armed) == (True, ())


def test_an_armed_patch_says_where_it_is(patches: Patches) -> None:
    """What is armed has the name of the function, and the engine knows it."""
    armed: Armed = patches.arm(SEAT, Named("a"))
    assert (armed.name, patches.armed) == (f"{__name__}:function", (f"{__name__}:function",))
    armed.disarm()
