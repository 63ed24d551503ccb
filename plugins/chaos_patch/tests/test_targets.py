"""What a target stands for, and why some cannot be patched."""

import datetime
import functools
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

import chaos_patch
from chaos_patch.engine import AttributeSeat, CodeSeat, Patches
from chaos_patch.errors import TargetError
from chaos_patch.targets import glob_of, is_line, name_of, spots

SHOP = """
from functools import cached_property, lru_cache, partial, wraps
from time import sleep

def charge(amount): return amount
def charge_all(): return charge(1)
async def ship(): return 1

def logged(function):
    @wraps(function)
    def wrapper(*args): return function(*args)
    return wrapper

@logged
def logged_charge(amount): return amount

@lru_cache
def cached_charge(amount): return amount

class Basket:
    limit = 3
    def __init__(self): self.items = []
    def add(self, item): return item
    @staticmethod
    def static(): return 1
    @classmethod
    def of(cls): return cls()
    @property
    def total(self): return 1
    @cached_property
    def weight(self): return 1
    class Row:
        def price(self): return 1

class Big(Basket):
    pass

class Slim:
    __slots__ = ()
    def own(self): return 1

basket, slim = Basket(), Slim()
half = partial(charge, 1)

def outer():
    def inner(): return 1
    return inner
"""


@pytest.fixture
def shop(module: Any) -> Any:
    return module("patched_shop", SHOP)


def seats(target: Any, **options: Any) -> list[Any]:
    return [spot.seat for spot in spots(target, **{"most": 50, **options})]


def points(target: Any, **options: Any) -> list[str]:
    return [spot.point for spot in spots(target, **{"most": 50, **options})]


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("charge", lambda shop: shop.charge),
        ("Basket.add", lambda shop: shop.Basket.add),
        ("Basket.static", lambda shop: shop.Basket.static),
        ("Basket.of", lambda shop: shop.Basket.of.__func__),
        ("Basket.total", lambda shop: shop.Basket.total.fget),
        ("Basket.weight", lambda shop: shop.Basket.weight.func),
        ("Basket.Row.price", lambda shop: shop.Basket.Row.price),
        ("Basket.__init__", lambda shop: shop.Basket.__init__),
        ("basket.add", lambda shop: shop.Basket.add),
        ("slim.own", lambda shop: shop.Slim.own),
        ("logged_charge", lambda shop: shop.logged_charge),
    ],
)
def test_a_path_leads_to_the_function(shop: Any, path: str, function: Callable[[Any], Any]) -> None:
    """Whatever stands between a path and a Python function, it is that function's code that is patched."""
    [seat] = seats(f"patched_shop:{path}")
    assert isinstance(seat, CodeSeat)
    assert seat.function is function(shop)
    assert points(f"patched_shop:{path}") == [f"patch:patched_shop:{path}"]


@pytest.mark.parametrize("path", ["cached_charge", "half", "Big.add", "Big.total", "Big.of", "Big.static", "sleep"])
def test_a_path_leads_to_a_name(shop: Any, path: str) -> None:
    """What has no code, or is inherited, is patched by its name, so that an heir is struck alone."""
    [seat] = seats(f"patched_shop:{path}")
    assert isinstance(seat, AttributeSeat)


def test_unwrapping_looks_through_decorators(shop: Any) -> None:
    """With *unwrap* what a decorator has kept is patched, and not the decorator."""
    for path in ("logged_charge", "cached_charge"):
        [seat] = seats(f"patched_shop:{path}", unwrap=True)
        assert isinstance(seat, CodeSeat)
        assert seat.function is getattr(shop, path).__wrapped__
    [seat] = seats(shop.cached_charge, unwrap=True)
    assert seat.function is shop.cached_charge.__wrapped__


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("charge*", ["charge", "charge_all"]),
        ("Basket.*", ["Basket.Row.price", "Basket.add", "Basket.of", "Basket.static", "Basket.total", "Basket.weight"]),
        ("*ship", ["ship"]),
        ("Basket.__*", ["Basket.__init__"]),
        ("?lim.own", ["Slim.own"]),
    ],
)
def test_a_glob_stands_for_what_a_module_defines(shop: Any, pattern: str, expected: list[str]) -> None:
    """A glob matches what the module defines itself; special methods must be asked for."""
    assert points(f"patched_shop:{pattern}") == [f"patch:patched_shop:{each}" for each in expected]


def test_a_glob_has_a_cap(shop: Any) -> None:
    """A glob that stands for more than asked for is refused with the number."""
    with pytest.raises(
        TargetError, match=r"\d+ functions match, and at most 3 may be patched; narrow the glob, or raise"
    ):
        spots("patched_shop:*", most=3)


def test_a_glob_reaches_modules_in_c() -> None:
    """A glob over a module that is written in C stands for its functions."""
    assert points("_heapq:heapp*") == ["patch:_heapq:heappop", "patch:_heapq:heappush", "patch:_heapq:heappushpop"]


@pytest.mark.parametrize(
    ("target", "point"),
    [
        (json.dumps, "json:dumps"),
        (json.JSONEncoder().encode, "json.encoder:JSONEncoder.encode"),
        (time.sleep, "time:sleep"),
        (random.random, "random:Random.random"),
        (functools.lru_cache(json.dumps), "json:dumps"),
    ],
)
def test_an_object_is_named_by_its_path(target: Any, point: str) -> None:
    """A function itself may be a target, and its point is named by where it comes from."""
    assert name_of(target) == point
    if not hasattr(target, "cache_info"):
        assert points(target) == [f"patch:{point}"]


def test_a_property_is_a_target(shop: Any) -> None:
    """A property of a class stands for what computes it."""
    [seat] = seats(shop.Basket.total)
    assert seat.function is shop.Basket.total.fget


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("no_such_module:function", r"module 'no_such_module' cannot be imported \(ModuleNotFoundError"),
        ("patched_broken:function", r"module 'patched_broken' cannot be imported \(ZeroDivisionError"),
        ("patched_shop:charg", r"patched_shop has no 'charg' \(did you mean 'charge'\?\)"),
        ("patched_shop:Basket.ad", r"Basket has no 'ad' \(did you mean 'add'\?\)"),
        ("patched_shop:basket.adds", r"Basket has no 'adds' \(did you mean 'add'\?\)"),
        ("patched_shop:Basket", r"Basket is a class, .* name what is called: 'patched_shop:Basket.__init__'"),
        ("patched_shop:Basket.limit", r"3 cannot be called"),
        ("patched_shop:outer.<locals>.inner", r"made anew by each call.*patch the outer function, or name a line"),
        ("patched_shop:Big.weight", r"a cached property of a base class; name it in the class that defines it"),
        ("patched_shop:nothing_like_this*", r"no function that patched_shop defines matches; correct the glob"),
        ("datetime:datetime.now", r"datetime.datetime is a type written in C, whose methods cannot be replaced"),
        ("builtins:dict.get", r"builtins.dict is a type written in C"),
        ("_io:FileIO.write", r"_io.FileIO is a type written in C"),
        ("chaoscore:Scenario.run", r"what injects the faults must not be struck by them; patch your own code"),
        ("chaos_patch.points:prepare", r"what injects the faults must not be struck"),
        ("patched_shop.charge", r"that is no path of a function; write 'package.module:Class.method'"),
        ("patched_*:charge", r"that is no path of a function"),
        ("", r"that is no path of a function"),
        (chaos_patch.error, r"Error is a class"),
        (chaos_patch.prepare, r"what injects the faults must not be struck"),
        (datetime.datetime.now, r"no name of a module stands for it; patch the Python function that calls it"),
        ([].append, r"no name of a module stands for it"),
        (5, r"it is no function; write"),
        (None, r"it is no function; write"),
    ],
)
def test_what_cannot_be_patched_is_refused_with_the_reason(
    shop: Any, module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, target: Any, problem: str
) -> None:
    """A target that is not there, or cannot be replaced, is an error that says why and what to do, before any run."""
    (tmp_path / "patched_broken.py").write_text("1 / 0")
    with pytest.raises(TargetError, match=problem) as caught:
        chaos_patch.error(target)
    assert str(caught.value).startswith("cannot patch '")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("target", "glob"),
    [
        ("m:f", "patch:m:f"),
        ("m:C.*", "patch:m:C.*"),
        ("a[1]/b.py:7", "patch:a[[]1]/b.py:7"),
        (json.dumps, "patch:json:dumps"),
    ],
)
def test_points_are_matched_by_a_glob(target: Any, glob: str) -> None:
    """A path matches itself alone, whatever is in it; a glob stays one."""
    assert glob_of(target) == glob


def test_lines_are_told_from_paths() -> None:
    """A file with a number is a line, a path with a glob is none, and an object neither."""
    assert [is_line(each) for each in ("a/b.py:12", "a.py:f", "m:f*", json.dumps)] == [True, False, False, False]


def test_lazy_members_are_woken(module: Any, hook: Any) -> None:
    """What a module only makes when it is asked for can be patched."""
    lazy = module(
        "patched_lazily",
        """
        def __getattr__(name):
            if name != "made": raise AttributeError(name)
            def made(): return 1
            globals()["made"] = made
            return made
        """,
    )
    [seat] = seats("patched_lazily:made")
    armed = Patches(lambda: True).arm(seat, hook)
    assert (lazy.made(), len(hook.seen)) == (1, 3)
    armed.disarm()
