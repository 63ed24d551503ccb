"""What the tests of this plugin share: functions of every kind to be patched, hooks, and the promise to leave none."""

import gc
import importlib.util
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from chaos_patch.engine import Call, Patches
from chaos_patch.engine.dispatch import Dispatcher
from chaos_patch.points import PATCHES


@pytest.fixture(autouse=True, scope="session")
def nothing_left_behind() -> Iterator[None]:
    """No function is patched when the session is over, whatever the tests did."""
    yield
    gc.collect()
    assert PATCHES.armed == ()
    left = [each.__qualname__ for each in gc.get_objects() if isinstance(each, FunctionType) and is_trampoline(each)]
    assert left == []


def is_trampoline(function: Callable[..., Any]) -> bool:
    code: CodeType = function.__code__
    return any(isinstance(getattr(each, "__self__", None), Dispatcher) for each in code.co_consts)


class Recorder:
    """A hook that writes down what it sees, and may change it."""

    def __init__(self, name: str = "it") -> None:
        self.name = name
        self.seen: list[str] = []
        self.change: Callable[[Any], Any] = lambda value: value

    def before(self, ticket: Any, call: Call) -> None:
        self.seen.append("before")

    async def abefore(self, ticket: Any, call: Call) -> None:
        self.seen.append("abefore")

    def value(self, ticket: Any, call: Call) -> None:
        self.seen.append(f"value {call.value}")
        call.value = self.change(call.value)

    def after(self, ticket: Any, call: Call) -> None:
        self.seen.append("after")

    async def aafter(self, ticket: Any, call: Call) -> None:
        self.seen.append("aafter")


@pytest.fixture
def recorder() -> Callable[..., Any]:
    """Makes hooks that write down what they see."""
    return Recorder


@pytest.fixture
def hook() -> Any:
    return Recorder()


@pytest.fixture
def patches() -> Patches:
    """An engine of the test's own, whose hooks see every call."""
    return Patches(lambda: True)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Makes modules from source, which are gone afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(name: str, source: str) -> ModuleType:
        file = tmp_path / f"{name}.py"
        file.write_text(textwrap.dedent(source))
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[name] = loaded
        made.append(name)
        spec.loader.exec_module(loaded)
        return loaded

    yield make
    for name in made:
        del sys.modules[name]
