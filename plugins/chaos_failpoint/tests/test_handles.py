"""The handle: what code in production touches."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import chaos_failpoint
from chaos_failpoint import Failpoint, Returned, armed, failpoint

SOURCE = Path(chaos_failpoint.__file__).parents[1]


def in_a_fresh_process(code: str) -> str:
    """What *code* prints in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_off() -> None:
    """A failpoint that nobody has armed does nothing, in every form."""
    fp = failpoint("idle")
    assert not fp.armed
    assert fp.hit(key=1) is None
    assert fp.value("x") == "x"
    assert asyncio.run(fp.ahit()) is None
    assert asyncio.run(fp.avalue("x")) == "x"
    assert (fp.hits, fp.fired, fp.waiting) == (0, 0, 0)


def test_returned(fp: Failpoint) -> None:
    """What `return(...)` brings is handed to the caller as a value of its own, so that None is told from nothing."""
    with armed("db.commit", "1*return->1*return(5)"):
        first, second, third = fp.hit(), fp.hit(), fp.hit()
    assert isinstance(first, Returned)
    assert first.value is None
    assert repr(second) == "Returned(5)"
    assert third is None


def test_value(fp: Failpoint) -> None:
    """At a value, `return` replaces it, `corrupt` changes it, and everything else leaves it."""
    with armed("db.commit", "1*return(5)->1*corrupt(none)->1*yield->1*off"):
        assert [fp.value("x") for _ in range(5)] == [5, None, "x", "x", "x"]


def test_awaitable_forms(fp: Failpoint) -> None:
    """The awaitable forms hand out the same as the plain ones."""

    async def use() -> list[object]:
        with armed("db.commit", "2*return(5)"):
            returned = await fp.ahit()
            return [None if returned is None else returned.value, await fp.avalue("x"), await fp.ahit()]

    assert asyncio.run(use()) == [5, 5, None]


def test_off_in_tasks(fp: Failpoint) -> None:
    """A term `off` does nothing in tasks either."""

    async def use() -> list[object]:
        with armed("db.commit", "1*off->1*return(5)"):
            return [await fp.ahit(), await fp.avalue("x"), await fp.avalue("x")]

    assert asyncio.run(use()) == [None, 5, "x"]


def test_armed_is_what_guards(fp: Failpoint) -> None:
    """`armed` is True exactly while something is armed, whatever its scope."""
    assert not fp.armed
    with armed("db.commit", "off"):
        assert fp.armed
    assert not fp.armed


def test_counts_survive_disarming(fp: Failpoint) -> None:
    """Hits and faults can be read after the failpoint is disarmed, until it is armed again."""
    with armed("db.commit", "2*yield"):
        for _ in range(5):
            fp.hit()
    assert (fp.hits, fp.fired) == (5, 2)
    with armed("db.commit", "yield"):
        assert (fp.hits, fp.fired) == (0, 0)


def test_off_is_no_fault(fp: Failpoint) -> None:
    """A term `off` uses up its counts, and is no fault: it shows what is reached without changing anything."""
    with armed("db.commit", "2*off->yield") as it:
        for _ in range(3):
            fp.hit()
    assert (it.hits, it.fired) == (3, 1)


def test_representation(fp: Failpoint) -> None:
    """A handle says its name, and whether it is armed."""
    assert repr(fp) == "<Failpoint 'db.commit'>"
    with armed("db.commit", "off"):
        assert repr(fp) == "<Failpoint 'db.commit', armed>"


def test_status(fp: Failpoint) -> None:
    """The status has the name, the place, the terms, the scope and the counts, and can be written as JSON."""
    with armed("db.commit", "1*return(1)"):
        fp.hit()
        status = fp.status()
    assert (status.name, status.hits, status.fired, status.waiting) == ("db.commit", 1, 1, 0)
    assert status.declared_at.rpartition(":")[0].endswith("conftest.py")
    assert (status.terms, status.scope) == ("1*return(1)", "block")
    assert status.as_dict()["armings"][0]["terms"] == "1*return(1)"
    assert (fp.status().terms, fp.status().scope) == ("", "")


# -- what it costs to have it


def test_import_loads_next_to_nothing() -> None:
    """Importing and declaring loads two modules of ours, and nothing else that takes time."""
    loaded = in_a_fresh_process(
        "import sys; before = set(sys.modules)\n"
        "from chaos_failpoint import failpoint\n"
        "fp = failpoint('x'); fp.armed; fp.hit(); fp.value(1); failpoint.hit('y')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    assert loaded.split() == [
        "__future__",
        "_contextvars",
        "chaos_failpoint",
        "chaos_failpoint.handles",
        "chaos_failpoint.registry",
        "contextvars",
    ]


def test_arming_loads_no_executor() -> None:
    """Arming in a `with` block works without the machinery that runs scenarios, and without asyncio in plain code."""
    loaded = in_a_fresh_process(
        "import sys; from chaos_failpoint import armed, failpoint\n"
        "fp = failpoint('x')\n"
        "with armed('x', '1*return(5)'): assert fp.hit().value == 5\n"
        "print(*(each for each in sys.modules if each.startswith('chaoscore')))"
    )
    assert "chaoscore.executor" not in loaded
    assert "chaoscore.scenario" not in loaded


def test_silent() -> None:
    """A program that declares and hits failpoints prints nothing, whatever they are called."""
    assert in_a_fresh_process("from chaos_failpoint import failpoint; failpoint('x').hit(); failpoint.hit('y')") == ""


@pytest.mark.parametrize("name", chaos_failpoint.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    """Every name in `__all__` can be imported from the front door, and `dir` lists it."""
    assert getattr(chaos_failpoint, name) is not None
    assert name in dir(chaos_failpoint)


def test_an_unknown_name() -> None:
    """A name that the package does not have is an AttributeError."""
    with pytest.raises(AttributeError, match="no attribute 'fialpoint'"):
        chaos_failpoint.fialpoint  # noqa: B018
