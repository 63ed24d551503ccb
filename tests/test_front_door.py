"""The front door: what it offers, and what it does not load."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import chaoscore

HEAVY = ("attrs", "attr", "msgspec", "asyncio", "logging", "importlib.metadata", "click", "pluggy", "rich", "psutil")


def printed(code: str) -> str:
    """Return what a fresh interpreter prints."""
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {[path or '.' for path in sys.path]!r}\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def declared() -> dict[str, str]:
    """Return the names that type checkers see, with the modules that they see them in."""
    tree = ast.parse(Path(chaoscore.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname in {None, alias.name} for node in imports for alias in node.names)
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_all() -> None:
    """`__all__` is what type checkers see and what is loaded on demand, sorted, and nothing twice."""
    assert chaoscore.__all__ == sorted(set(declared()))
    assert {name: f"chaoscore.{module}" for name, module in chaoscore._HOME.items()} == declared()


@pytest.mark.parametrize("name", chaoscore.__all__)
def test_every_name(name: str) -> None:
    """Every public name can be imported, and is what its module has."""
    assert getattr(chaoscore, name) is getattr(importlib.import_module(declared()[name]), name)


def test_star() -> None:
    """`from chaoscore import *` gives the public names and no others."""
    code = "from chaoscore import *; print(sorted(name for name in dir() if name[0] != '_' and name != 'sys'))"
    assert printed(code) == str([name for name in chaoscore.__all__ if not name.startswith("_")])


def test_dir() -> None:
    """`dir` shows every public name, before and after it is loaded, and no name twice."""
    chaoscore.Scenario  # noqa: B018 - loads it
    shown = dir(chaoscore)
    assert set(chaoscore.__all__) <= set(shown)
    assert len(shown) == len(set(shown))


def test_unknown() -> None:
    """A name that is not there is an AttributeError, and an ImportError where it is imported."""
    with pytest.raises(AttributeError, match="module 'chaoscore' has no attribute 'Scenari'"):
        _ = chaoscore.Scenari
    assert not hasattr(chaoscore, "Scenari")
    with pytest.raises(ImportError):
        from chaoscore import Scenari  # noqa: F401


def test_version() -> None:
    """The version is a text like 1.2.3."""
    assert len(chaoscore.__version__.split(".")) == 3


@pytest.mark.parametrize(
    "code",
    [
        "import chaoscore",
        "from chaoscore import maybe_delay",
        "from chaoscore import maybe_panic, point, record_event; point('x'); maybe_panic(); record_event('y')",
    ],
)
def test_points_are_light(code: str) -> None:
    """Code that only carries points loads nothing heavy, when it is imported and when it runs."""
    assert printed(f"{code}\nprint([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_describing_is_light() -> None:
    """A scenario can be described without the machinery that runs it."""
    code = (
        "from chaoscore import Scenario, point\nfrom chaoscore.injectors import delay\n"
        "Scenario('x').target(object()).step('a', lambda t: point('b')).inject('d', delay('5ms'))\n"
        "print([name for name in ('asyncio', 'click', 'pluggy', 'chaoscore.executor') if name in sys.modules])"
    )
    assert printed(code) == "[]"


def test_points_of_code_without_a_loop() -> None:
    """A run of plain steps asks its points without an event loop in their threads."""
    code = (
        "from chaoscore import Scenario, maybe_delay\nfrom chaoscore.injectors import delay\n"
        "run = Scenario('x').target(object()).step('a', lambda t: maybe_delay()).inject('d', delay(0)).run(seed=1)\n"
        "print(run.injections[0].fired)"
    )
    assert printed(code) == "1"
