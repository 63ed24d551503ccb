"""Declaring failpoints: names, twice, by name, before and after they are armed."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path

import pytest

from chaos_failpoint import (
    DuplicateFailpointError,
    Failpoint,
    FailpointNameError,
    arm,
    armed,
    disarm,
    failpoint,
    registry,
    statuses,
)


def names() -> list[str]:
    return [each.name for each in registry.declared()]


@pytest.mark.parametrize("name", ["db.commit", "etcdserver/raftBeforeSave", "a b", "é", "x" * 200])
def test_names(name: str) -> None:
    """Names are what the user says: with slashes, dots, blanks in them, in any script."""
    assert failpoint(name).name == name
    assert names() == [name]


@pytest.mark.parametrize("name", ["", " a", "a ", "a=b", "a;b", "a\nb", "x" * 201, None, 5])
def test_no_names(name: str) -> None:
    """What a config could not name is refused, with what a name may be."""
    with pytest.raises(FailpointNameError, match="no '=' and ';'"):
        failpoint(name)
    assert registry.HANDLES == {}


def test_declared_twice() -> None:
    """Two places that declare one name are an error that names both."""
    failpoint("twice")
    with pytest.raises(DuplicateFailpointError, match=r"'twice' is declared at .*:") as caught:
        failpoint("twice")
    assert caught.value.first != caught.value.second
    assert "pass shared=True in both places" in str(caught.value)


def test_declared_twice_on_request() -> None:
    """Places of one package may share a name if all of them say so."""
    one = failpoint("shared", shared=True)
    assert failpoint("shared", shared=True) is one
    with pytest.raises(DuplicateFailpointError):
        failpoint("shared")


def test_not_shared_by_the_first() -> None:
    """It is not enough that the second place says so: the first may not know of it."""
    failpoint("mine")
    with pytest.raises(DuplicateFailpointError):
        failpoint("mine", shared=True)


def test_packages_share_nothing() -> None:
    """Another package cannot share a name, whatever both say."""
    failpoint("ours", shared=True)
    elsewhere = {"__name__": "other.module", "failpoint": failpoint}
    with pytest.raises(DuplicateFailpointError, match="packages share no failpoints"):
        exec("failpoint('ours', shared=True)", elsewhere)


def test_the_same_place_again() -> None:
    """The same place may declare its failpoint again and again, and gets the same handle."""
    handles = {id(failpoint("in a loop")) for _ in range(3)}
    assert len(handles) == 1


def test_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is loaded anew gets its handle again, armed as it was."""
    (tmp_path / "reloaded_module.py").write_text("from chaos_failpoint import failpoint\nfp = failpoint('reloaded')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.import_module("reloaded_module")
    with armed("reloaded", "return(5)"):
        assert importlib.reload(module).fp.hit().value == 5
    sys.modules.pop("reloaded_module")


# -- by name


def reach(times: int = 1) -> list[object]:
    results = [failpoint.hit("cold") for _ in range(times)]
    return [None if each is None else each.value for each in results]


def test_by_name() -> None:
    """A one-line call declares its failpoint when it is reached for the first time, and is struck like any other."""
    assert reach() == [None]
    assert names() == ["cold"]
    with armed("cold", "1*return(5)"):
        assert reach(2) == [5, None]


def test_by_name_in_every_form() -> None:
    """There is a one-line form for values and for tasks as well, with tags."""

    async def use() -> list[object]:
        with armed("cold", "return(5)[key=a]", lazy=True):
            returned = await failpoint.ahit("cold", {"key": "a"})
            value = await failpoint.avalue("cold", 1, {"key": "b"})
            return [returned and returned.value, value, failpoint.value("cold", 2, {"key": "a"})]

    assert asyncio.run(use()) == [5, 1, 5]


def test_by_name_at_several_places() -> None:
    """Several places may call one name, and a module may declare it properly afterwards."""
    failpoint.hit("cold")
    failpoint.hit("cold")
    handle = failpoint("cold")
    assert handle is registry.HANDLES["cold"]
    assert int(handle.declared_at.rpartition(":")[2]) == sys._getframe().f_lineno - 2


def test_an_error_of_a_fault_is_not_taken_for_an_unknown_name() -> None:
    """A KeyError that is injected comes out of a one-line call."""
    with armed("cold", "raise(KeyError, 'injected')", lazy=True), pytest.raises(KeyError, match="injected"):
        failpoint.hit("cold")


# -- armed first, declared later


def test_armed_before_it_is_declared() -> None:
    """A failpoint that is armed lazily strikes from its declaration on, and is not listed as declared before."""
    arm("later", "return(5)", lazy=True)
    assert names() == []
    assert [(each.name, each.declared_at) for each in statuses()] == [("later", "")]
    fp: Failpoint = failpoint("later")
    assert fp.hit() is not None
    assert names() == ["later"]
    disarm("later")


def test_watchers_hear_of_each_declaration_once() -> None:
    """Who watches is told of each failpoint once, when it is declared and not when it is only armed."""
    heard: list[str] = []

    def hear(handle: Failpoint) -> None:
        heard.append(handle.name)

    registry.watch(hear)
    arm("armed", "off", lazy=True)
    failpoint("declared")
    failpoint.hit("called")
    failpoint.hit("called")
    registry.unwatch(hear)
    failpoint("unheard")
    disarm("armed")
    assert heard == ["declared", "called"]
