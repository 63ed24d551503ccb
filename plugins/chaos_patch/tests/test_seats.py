"""What has no Python code is replaced under its names."""

import inspect
import sys
import time
from collections.abc import Callable
from functools import lru_cache, partial
from math import floor
from operator import attrgetter
from types import ModuleType
from typing import Any

import pytest

from chaos_patch.engine import AttributeSeat, Call, Patches
from chaos_patch.errors import ConflictError

C_FUNCTION = "def own(): pass\nfrom math import sqrt\n"


def counting(hook: Any) -> int:
    return int(hook.seen.count("before"))


def test_a_function_in_c_is_reached_by_every_name(patches: Patches, hook: Any, module: Any) -> None:
    """Names that modules have imported are replaced with the function's own, and all come back."""
    before = time.localtime
    home = module("patched_c_home", "from time import localtime\nfrom time import localtime as second\n")
    armed = patches.arm(AttributeSeat(time, "localtime"), hook)
    try:
        assert {"time.localtime", "patched_c_home.localtime", "patched_c_home.second"} <= set(armed.places)
        for call in (time.localtime, home.localtime, home.second):
            assert call(0).tm_year == before(0).tm_year
        assert counting(hook) == 3
    finally:
        armed.disarm()
    assert time.localtime is home.localtime is home.second is before


def test_names_that_are_bound_meanwhile_come_back(patches: Patches, hook: Any, module: Any) -> None:
    """A module that imports a function while it is patched has the real one afterwards."""
    before = time.localtime
    armed = patches.arm(AttributeSeat(time, "localtime"), hook)
    late = module("patched_c_late", "from time import localtime")
    assert late.localtime is not before
    armed.disarm()
    assert late.localtime is before


def test_two_names_in_the_home_module(patches: Patches, hook: Any, module: Any) -> None:
    """A module that has two names for one function has both replaced, and both back."""
    home = module("patched_c_twice", "from _operator import add\nalso = add")
    before = home.add
    armed = patches.arm(AttributeSeat(home, "add"), hook)
    assert (home.add(1, 2), home.also(1, 2), counting(hook)) == (3, 3, 2)
    armed.disarm()
    assert home.add is home.also is before


def test_the_framework_is_spared(patches: Patches, hook: Any) -> None:
    """Names in the packages that inject are not replaced."""
    spared = ModuleType("chaoscore.of_a_test")
    vars(spared)["localtime"] = time.localtime
    sys.modules[spared.__name__] = spared
    try:
        armed = patches.arm(AttributeSeat(time, "localtime"), hook)
        assert vars(spared)["localtime"] is not time.localtime
        armed.disarm()
    finally:
        del sys.modules[spared.__name__]


def test_a_stand_in_looks_like_the_original(patches: Patches, hook: Any) -> None:
    """A replacement has the name, the documentation and the signature of what it stands in for."""
    before = floor.__doc__, floor.__name__, floor.__module__, inspect.signature(floor)
    armed = patches.arm(AttributeSeat(sys.modules["math"], "floor"), hook)
    found: Any = sys.modules["math"].floor
    try:
        assert (found.__doc__, found.__name__, found.__module__, inspect.signature(found)) == before
    finally:
        armed.disarm()


class Things:
    clock = time.localtime
    formatted = staticmethod(time.asctime)
    of_class = classmethod(partial(isinstance))
    size = property(attrgetter("real"))

    real = 3

    @lru_cache  # noqa: B019 - the instances of a test
    def remembered(self, number: int) -> int:
        return number + 1


class Heir(Things):
    pass


@pytest.mark.parametrize(
    ("name", "call", "expected"),
    [
        ("clock", lambda it: it.clock(0).tm_year, time.localtime(0).tm_year),
        ("clock", lambda it: type(it).clock(0).tm_year, time.localtime(0).tm_year),
        ("formatted", lambda it: it.formatted(time.gmtime(0)), "Thu Jan  1 00:00:00 1970"),
        ("of_class", lambda it: it.of_class(type), True),
        ("size", lambda it: it.size, 3),
        ("remembered", lambda it: it.remembered(1), 2),
    ],
)
@pytest.mark.parametrize("owner", [Things, Heir])
def test_what_a_class_has_behaves_as_before(
    patches: Patches, hook: Any, owner: type[Things], name: str, call: Callable[[Any], Any], expected: Any
) -> None:
    """Whatever kind of attribute stands for something in C, it is used as before, in its class or in an heir alone."""
    before = dict(vars(Things)), dict(vars(Heir))
    armed = patches.arm(AttributeSeat(owner, name), hook)
    try:
        assert call(owner()) == expected
        assert counting(hook) == 1
        if owner is Heir:
            assert call(Things()) == expected
            assert counting(hook) == 1
    finally:
        armed.disarm()
    assert (dict(vars(Things)), dict(vars(Heir))) == before
    assert time.localtime(0)


def test_the_attribute_of_an_instance_is_replaced_there(patches: Patches, hook: Any) -> None:
    """What one instance has of its own is replaced in that instance alone."""
    one: Any = Things()
    other: Any = Things()
    one.clock = time.gmtime
    armed = patches.arm(AttributeSeat(one, "clock"), hook)
    assert (one.clock(0).tm_year, other.clock(0).tm_year) == (1970, time.localtime(0).tm_year)
    armed.disarm()
    assert (counting(hook), one.clock) == (1, time.gmtime)


def test_a_foreign_patch_above_a_name_is_left_alone(
    patches: Patches, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody else has put under the name stays there, with an error that says what it is."""
    armed = patches.arm(AttributeSeat(time, "asctime"), hook)
    with monkeypatch.context() as foreign:
        foreign.setattr(time, "asctime", print)
        with pytest.raises(ConflictError, match="with <built-in function print>"):
            armed.disarm()
        assert time.asctime is print  # type: ignore[comparison-overlap]
    patches.arm(AttributeSeat(time, "asctime"), hook).disarm()
    assert inspect.isbuiltin(time.asctime)


def test_a_foreign_patch_above_an_alias_is_left_alone(patches: Patches, hook: Any, module: Any) -> None:
    """What somebody else has put under an alias stays there, with an error; all other names come back."""
    before = time.asctime
    home = module("patched_alias", "from time import asctime")
    armed = patches.arm(AttributeSeat(time, "asctime"), hook)
    home.asctime = print
    with pytest.raises(ConflictError, match=r"patched_alias\.asctime was patched by somebody else"):
        armed.disarm()
    assert (time.asctime is before, home.asctime is print) == (True, True)


def test_a_name_that_is_gone_is_a_conflict(patches: Patches, hook: Any, module: Any) -> None:
    """A name that somebody has deleted meanwhile is not made again."""
    home = module("patched_gone", "from time import asctime")
    armed = patches.arm(AttributeSeat(home, "asctime"), hook)
    del home.asctime
    with pytest.raises(ConflictError, match="with nothing"):
        armed.disarm()
    assert not hasattr(home, "asctime")


def test_a_hook_changes_what_a_function_in_c_gets_and_gives(patches: Patches, hook: Any, module: Any) -> None:
    """Arguments and values pass through hooks, which may change them."""
    home = module("patched_c_values", "from math import sqrt")

    def bigger(ticket: Any, call: Call) -> None:
        call.args = (call.args[0] * 4,)

    hook.before, hook.change = bigger, lambda value: value + 1
    armed = patches.arm(AttributeSeat(home, "sqrt"), hook)
    assert home.sqrt(4) == 5
    armed.disarm()
    assert home.sqrt(4) == 2


def test_lazy_modules_are_not_woken(patches: Patches, hook: Any) -> None:
    """Looking for aliases does not load a module that loads itself at its first use."""

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"woken by {name}")

    sys.modules["patched_lazy"] = Lazy("patched_lazy")
    try:
        armed = patches.arm(AttributeSeat(time, "asctime"), hook)
        assert patches.armed != ()
        armed.disarm()
    finally:
        del sys.modules["patched_lazy"]


def test_what_only_says_that_it_is_a_module_has_no_aliases(patches: Patches, hook: Any) -> None:
    """Among the loaded modules there may be objects without names, as libraries in C put them there."""

    class Library:
        __slots__ = ()
        __class__ = ModuleType  # type: ignore[assignment]

    sys.modules["patched_library"] = Library()  # type: ignore[assignment]
    try:
        assert isinstance(sys.modules["patched_library"], ModuleType)
        patches.arm(AttributeSeat(time, "asctime"), hook).disarm()
    finally:
        del sys.modules["patched_library"]
