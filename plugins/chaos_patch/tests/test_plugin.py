"""What the plugin offers."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import chaos_patch
from chaos_patch import checkups, plugin


def test_its_injectors_are_offered_by_their_kinds() -> None:
    """`chaos_injectors` offers every injector, under the name that Python has for it."""
    offered = {each.kind: each for each in plugin.chaos_injectors()}
    assert len(offered) == 13
    for kind, injector in offered.items():
        short = kind.removeprefix("patch.")
        assert getattr(chaos_patch, short) is injector
    assert {name for name in chaos_patch.__all__ if name[0].islower()} - {"prepare", "restore"} == {
        kind.removeprefix("patch.") for kind in offered
    }


@pytest.mark.parametrize("name", chaos_patch.__all__)
def test_the_door_has_what_it_says(name: str) -> None:
    """Every public name can be imported, and no module of the package hides it."""
    value = getattr(chaos_patch, name)
    assert callable(value)
    assert not (Path(chaos_patch.__file__).parent / f"{name}.py").exists()


def test_an_unknown_name_is_an_error() -> None:
    """The door says which name it does not have."""
    with pytest.raises(AttributeError, match="module 'chaos_patch' has no attribute 'eror'"):
        chaos_patch.eror  # noqa: B018


@pytest.mark.parametrize("name", checkups.checkups())
def test_check_ups_prove_what_they_say(name: str) -> None:
    """`chaos_checkups` offers proof of everything that this machine has the means for, and each says what it saw."""
    if name == "patch.disk_full":
        pytest.importorskip("chaos_patch")
        from chaos_patch.errors import UnsupportedError

        try:
            assert plugin.chaos_checkups()[name]()
        except UnsupportedError as error:
            pytest.skip(f"cannot run here: {error}")
    else:
        assert plugin.chaos_checkups()[name]()


def test_check_ups_are_those_of_this_machine() -> None:
    """What needs a tool or a newer Python is offered where that is there."""
    names = set(plugin.chaos_checkups())
    assert ("patch lines" in names) == (sys.version_info >= (3, 12))
    assert ("patch.syscall" in names) == (shutil.which("strace") is not None)
    assert ("patch.clock" in names) == (find_spec("time_machine") is not None)


def test_a_check_up_notices_what_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check-up raises where a patch has no effect."""
    monkeypatch.setattr(checkups._Raising, "before", lambda *_: None)
    for check in (checkups.code_swap, checkups.names):
        with pytest.raises(AssertionError):
            check()
