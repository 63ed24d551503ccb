"""The import hook, and modules that were loaded before."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chaos_failpoint import DuplicateFailpointError, MarkerError, armed, failpoint, failpoints, markers, registry
from chaoscore.testing import run_once

ORDERS = '''
"""Orders."""

class Shop:
    def buy(self, count):
        total = 0
        for _ in range(count):
            # failpoint: orders.loop
            total += 1
        return total

    @staticmethod
    def static():
        # failpoint: orders.static
        return 1

def make():
    extra = 10
    def inner():
        # failpoint: orders.closure
        return extra
    return inner

buy = Shop().buy
closure = make()
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where modules can be imported from that nobody remembers afterwards."""
    before, finders = set(sys.modules), list(sys.meta_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "__init__.py").write_text("")
    (tmp_path / "orders" / "service.py").write_text(ORDERS)
    (tmp_path / "others.py").write_text("def f():\n    # failpoint: others\n    return 1\n")
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    assert sys.meta_path == finders


def service() -> ModuleType:
    return importlib.import_module("orders.service")


def struck(module: Any) -> list[object]:
    """What the functions of the module return while all its failpoints return something else."""
    names = ("orders.loop", "orders.static", "orders.closure")
    if not all(name in registry.HANDLES for name in names):
        return [module.buy(3), module.Shop.static(), module.closure()]
    with armed(names[0], "return('loop')"), armed(names[1], "return('static')"), armed(names[2], "return('closure')"):
        return [module.buy(3), module.Shop.static(), module.closure()]


PLAIN, STRUCK = [3, 1, 10], ["loop", "static", "closure"]


def test_not_installed(folder: Path) -> None:
    """Without the hook, a marker is a comment."""
    assert struck(service()) == PLAIN
    assert registry.HANDLES == {}


def test_installed(folder: Path) -> None:
    """With the hook, the modules of the packages that were named have failpoints, and no others."""
    with markers.install(["orders"]) as hook:
        assert struck(service()) == STRUCK
        importlib.import_module("others")
    assert [(each.name, each.line) for each in hook.found] == [
        ("orders.loop", 8),
        ("orders.static", 14),
        ("orders.closure", 20),
    ]
    assert hook.found == markers.found()
    assert {each.path for each in hook.found} == {str(folder / "orders" / "service.py")}
    assert "others" not in registry.HANDLES


def test_removed(folder: Path) -> None:
    """What is imported after the hook was removed has no failpoints."""
    markers.install(["orders"]).remove()
    assert struck(service()) == PLAIN


def test_bytecode_is_not_mixed_up(folder: Path) -> None:
    """Neither does the hook use cached bytecode, nor does it leave any behind that has failpoints."""
    service()
    cache = list((folder / "orders" / "__pycache__").glob("service.*"))
    del sys.modules["orders.service"], sys.modules["orders"]
    before = [each.read_bytes() for each in cache]
    with markers.install(["orders"]):
        assert struck(service()) == STRUCK
    assert [each.read_bytes() for each in cache] == before
    del sys.modules["orders.service"], sys.modules["orders"]
    registry.HANDLES.clear()
    assert struck(service()) == PLAIN


def test_packages_by_their_whole_names(folder: Path) -> None:
    """A package covers its modules, and not those that merely begin like it."""
    (folder / "orders_extra.py").write_text("# failpoint: extra\n")
    with markers.install(["orders"]):
        importlib.import_module("orders_extra")
    assert registry.HANDLES == {}


def test_modules_without_a_source(folder: Path) -> None:
    """Modules in C and packages without a file are left to Python."""
    (folder / "spaces").mkdir()
    with markers.install(["math", "spaces", "no_such_package"]):
        assert importlib.import_module("spaces").__name__ == "spaces"
        importlib.reload(importlib.import_module("math"))
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_such_package")


def test_a_wrong_marker_stops_the_import(folder: Path) -> None:
    """A marker with a wrong name stops the import of its module, at its line."""
    (folder / "wrong.py").write_text("x = 1\n# failpoint: a b\n")
    with markers.install(["wrong"]), pytest.raises(MarkerError, match=r"wrong\.py:2: "):
        importlib.import_module("wrong")


@pytest.mark.parametrize("packages", ["orders", [""], [5]])
def test_wrong_packages(packages: Any) -> None:
    """Packages are a list of names."""
    with pytest.raises(TypeError, match="packages is a list of names"):
        markers.install(packages)


# -- modules that were loaded before


def test_a_module_that_is_loaded(folder: Path) -> None:
    """Functions, methods and closures of a loaded module get their failpoints in place, and lose them again."""
    module = service()
    codes = [module.Shop.buy.__code__, module.Shop.static.__code__, module.make.__code__, module.closure.__code__]
    with markers.install(["orders"]) as hook:
        assert struck(module) == STRUCK
        assert module.make()() == 10
        assert len(hook.found) == 3
    assert struck(module) == PLAIN
    again = [module.Shop.buy.__code__, module.Shop.static.__code__, module.make.__code__, module.closure.__code__]
    assert all(one is other for one, other in zip(codes, again, strict=True))


def test_calls_under_way(folder: Path) -> None:
    """A generator that is under way finishes with the code that it began with."""
    (folder / "generating.py").write_text("def g():\n    yield 1\n    # failpoint: generating\n    yield 2\n")
    module = importlib.import_module("generating")
    running = module.g()
    assert next(running) == 1
    with markers.install(["generating"]), armed("generating", "return"):
        assert list(running) == [2]
        assert list(module.g()) == [1]
    assert list(module.g()) == [1, 2]


def test_a_source_that_has_changed(folder: Path) -> None:
    """A module whose file has changed since it was imported is refused, and nothing is exchanged."""
    module = service()
    code = module.Shop.buy.__code__
    (folder / "orders" / "service.py").write_text(ORDERS.replace("total += 1", "total += 2"))
    with pytest.raises(MarkerError, match="is not what the file says any more"):
        markers.install(["orders"])
    assert module.Shop.buy.__code__ is code


def test_a_name_that_is_taken(folder: Path) -> None:
    """A marker whose name another place has declared is an error, and nothing is exchanged."""
    module = service()
    failpoint("orders.static")
    with pytest.raises(DuplicateFailpointError):
        markers.install(["orders"])
    assert module.buy(3) == 3


def test_without_a_gil(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On free-threaded builds, code that may be running is not exchanged; importing with the hook is all there is."""
    service()
    monkeypatch.setattr("chaos_failpoint.markers.swapping.LULLS", False)
    with pytest.raises(MarkerError, match="install the markers before the import"):
        markers.install(["orders"])


def test_exchanged_by_somebody_else(folder: Path) -> None:
    """Code that somebody else has exchanged in the meantime is left as it is."""
    module = service()

    def other(count: int) -> str:
        return "other"

    hook = markers.install(["orders"])
    module.Shop.static.__code__ = (lambda: "other").__code__
    hook.remove()
    assert module.Shop.static() == "other"


def test_installed_twice(folder: Path) -> None:
    """A module that was imported with the hook is not touched a second time."""
    with markers.install(["orders"]):
        module = service()
        with markers.install(["orders"]):
            assert struck(module) == STRUCK
        assert struck(module) == STRUCK


# -- by scenario and by environment


def test_by_scenario(folder: Path) -> None:
    """An injector can have markers be failpoints while it is open."""
    module = service()
    seen: list[object] = []
    injector = failpoints("orders.static", "return(5)", markers=["orders"])
    recording = run_once(lambda _: seen.append(module.Shop.static()), inject=injector)
    assert recording.report.troubles == ()
    assert seen == [5]
    assert module.Shop.static() == 1


def run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**env, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


def test_by_environment(folder: Path) -> None:
    """The environment can have markers be failpoints in a program that imports this package."""
    code = "import chaos_failpoint; from orders.service import Shop; print(Shop.static())"
    done = run(
        folder, "-c", code, CHAOS_FAILPOINTS_MARKERS="orders, others", CHAOS_FAILPOINTS="orders.static=return(5)"
    )
    assert (done.stdout, done.stderr) == ("5\n", "")


PROGRAM = """
import sys
from orders.service import Shop

def main():
    # failpoint: program
    return Shop.static()

if __name__ == "__main__":
    print(__name__, main(), *sys.argv[1:])
"""


@pytest.mark.parametrize("how", [["program.py"], ["-m", "program"]])
def test_a_program_that_knows_of_nothing(folder: Path, how: list[str]) -> None:
    """`python -m chaos_failpoint` runs a program that imports nothing of this package, with its markers."""
    (folder / "program.py").write_text(PROGRAM)
    script = [str(folder / how[0])] if len(how) == 1 else how
    for config, printed in (("orders.static=return(5)", "5"), ("program=return(6)", "6"), ("", "1")):
        done = run(
            folder,
            "-m",
            "chaos_failpoint",
            *script,
            "a",
            "-b",
            CHAOS_FAILPOINTS_MARKERS="orders",
            CHAOS_FAILPOINTS=config,
        )
        assert (done.stdout, done.stderr) == (f"__main__ {printed} a -b\n", "")


def test_a_program_that_is_missing(folder: Path) -> None:
    """Without a program, or with one that is not there, the runner says how it is used, or what is missing."""
    assert "usage: python -m chaos_failpoint" in run(folder, "-m", "chaos_failpoint").stderr
    assert run(folder, "-m", "chaos_failpoint").returncode == 2
    done = run(folder, "-m", "chaos_failpoint", "missing.py")
    assert done.returncode == 2
    assert "missing.py" in done.stderr
