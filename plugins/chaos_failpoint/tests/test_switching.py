"""Arming and disarming, for the process and for blocks."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_failpoint import (
    Failpoint,
    Moment,
    NotAllowedError,
    NotArmedError,
    ParseError,
    TargetError,
    UnknownFailpointError,
    arm,
    arm_all,
    armed,
    disarm,
    disarm_all,
    failpoint,
    parse,
)


def value(fp: Failpoint) -> object:
    returned = fp.hit()
    return None if returned is None else returned.value


def in_a_thread(call: Callable[[], object]) -> object:
    """What *call* returns in a thread of its own."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


# -- for the process


def test_arm_and_disarm(fp: Failpoint) -> None:
    """What is armed for the process strikes everywhere, until it is disarmed."""
    arm("db.commit", "return(5)")
    assert value(fp) == in_a_thread(lambda: value(fp)) == 5
    disarm("db.commit")
    assert not fp.armed
    assert value(fp) is None


def test_arming_again_replaces(fp: Failpoint) -> None:
    """Arming again replaces what was armed, and resets its counts."""
    first = arm("db.commit", "1*return(1)")
    assert [value(fp), value(fp)] == [1, None]
    again = arm("db.commit", "1*return(1)")
    assert [value(fp), value(fp)] == [1, None]
    assert (first.hits, first.fired, again.hits, again.fired) == (2, 1, 2, 1)
    assert len(fp.armings) == 1
    disarm("db.commit")


def test_disarming_what_is_not_armed(fp: Failpoint) -> None:
    """Disarming what is not armed is an error that names what is, and the nearest."""
    with pytest.raises(NotArmedError, match=r"'db\.commit' is not armed; armed in the whole process: none"):
        disarm("db.commit")
    arm("db.commit", "off")
    with pytest.raises(NotArmedError, match=r"'db\.comit' is not armed \(did you mean 'db\.commit'"):
        disarm("db.comit")
    disarm("db.commit")


def test_disarming_leaves_blocks_alone(fp: Failpoint) -> None:
    """A block that has armed a failpoint is not the one that `disarm` ends."""
    with armed("db.commit", "return(5)", scope="process"):
        with pytest.raises(NotArmedError):
            disarm("db.commit")
        assert disarm_all() == ()
        assert value(fp) == 5


def test_disarm_all() -> None:
    """All that was armed for the process is disarmed at once, and named."""
    for name in ("b", "a", "c"):
        failpoint(name, shared=True)
    arm_all({"b": "off", "a": "off"})
    assert disarm_all() == ("a", "b")
    assert disarm_all() == ()


# -- what cannot be armed


def test_unknown_name(fp: Failpoint) -> None:
    """A name that nobody has declared is an error with the nearest one, unless it may come later."""
    with pytest.raises(
        UnknownFailpointError, match=r"'db.comit' \(did you mean 'db.commit'\?\); have db.commit; .*lazy"
    ):
        arm("db.comit", "off")
    with pytest.raises(UnknownFailpointError), armed("db.comit", "off"):
        pass
    arm("db.comit", "off", lazy=True)
    disarm("db.comit")


def test_wrong_terms(fp: Failpoint) -> None:
    """Terms with a typo leave everything as it was."""
    arm("db.commit", "return(5)")
    with pytest.raises(ParseError, match="did you mean 'return'"):
        arm("db.commit", "retrun(6)")
    assert value(fp) == 5
    disarm("db.commit")


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("raise(no_such_module:Oops)", "there is no module 'no_such_module'"),
        ("raise(asyncoi.TimeoutError)", "there is no module 'asyncoi' .did you mean 'asyncio'"),
        ("raise(ValueEror)", "'builtins' has no 'ValueEror' .did you mean 'ValueError'"),
        ("raise(json:JSONDecodeErorr)", "'json' has no 'JSONDecodeErorr' .did you mean 'JSONDecodeError'"),
        ("raise(json.JSONDecodeErorr)", "'json' has no 'JSONDecodeErorr'"),
        ("raise(json:dumps)", "not an exception class"),
        ("raise(len)", "not an exception class"),
        ("call(sys:platform)", "cannot be called"),
        ("call(no.such.thing)", "there is no module 'no'"),
        ("corrupt(os:sep)", "cannot be called"),
    ],
)
def test_missing_targets(fp: Failpoint, terms: str, message: str) -> None:
    """A missing module or attribute, or one of the wrong kind, is an error when the failpoint is armed."""
    with pytest.raises(TargetError, match=message):
        arm("db.commit", terms)
    assert not fp.armed


@pytest.mark.parametrize("terms", ["raise(broken_module:Oops)", "raise(broken_module.Oops)"])
def test_a_target_that_breaks(fp: Failpoint, terms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong inside a module that a term names is not taken for a missing module."""
    monkeypatch.syspath_prepend(tmp_path)
    for source, message in (("1 / 0", "ZeroDivisionError: division"), ("import no_such", "No module named 'no_such'")):
        (tmp_path / "broken_module.py").write_text(source)
        with pytest.raises(TargetError, match=f"cannot be imported: {message}"):
            arm("db.commit", terms)


def test_waiting_for_an_unknown_failpoint(fp: Failpoint) -> None:
    """So is a failpoint that a term waits for."""
    with pytest.raises(UnknownFailpointError, match="comit"):
        arm("db.commit", "wait(db.comit)")


def test_something_else_than_terms(fp: Failpoint) -> None:
    """What is neither text nor a function cannot be armed."""
    with pytest.raises(TypeError, match="cannot be armed; give terms"):
        arm("db.commit", 5)  # type: ignore[arg-type]
    with (
        pytest.raises(ValueError, match="scope is 'block' or 'process', not 'thread'"),
        armed(
            "db.commit",
            "off",
            scope="thread",  # type: ignore[arg-type]
        ),
    ):
        pass


# -- several


def test_arm_all() -> None:
    """Several failpoints are armed by one text, or by terms by name."""
    one, two = failpoint("one"), failpoint("two")
    armings = arm_all("one=return(1); two=return(2)")
    assert [value(one), value(two)] == [1, 2]
    assert [each.handle for each in armings] == [one, two]
    arm_all({"two": parse("return(3)")})
    assert [value(one), value(two)] == [1, 3]
    disarm_all()


@pytest.mark.parametrize("config", ["one=return(1);two=oops", "one=return(1);three=off", "one=off;two=raise(nope:X)"])
def test_arm_all_or_none(config: str) -> None:
    """Where one of several is wrong, none is armed."""
    one, two = failpoint("one", shared=True), failpoint("two", shared=True)
    with pytest.raises((ParseError, UnknownFailpointError, TargetError)):
        arm_all(config)
    assert not one.armed
    assert not two.armed


def test_what_comes_from_outside_is_not_trusted(fp: Failpoint) -> None:
    """Dangerous actions from outside are refused unless they are allowed, and no module is imported for them."""
    for terms in ("break", "call(json:dumps)", "exit", "kill", "corrupt(json:dumps)"):
        with pytest.raises(NotAllowedError, match="may not be armed from outside"):
            arm_all({"db.commit": terms}, remote=True)
    with pytest.raises(TargetError, match="no module 'this' is loaded, and none may be imported"):
        arm_all({"db.commit": "raise(this:s)"}, remote=True)
    arm_all({"db.commit": "raise(json:JSONDecodeError, 'a', 'b', 0)"}, remote=True)
    arm_all({"db.commit": "exit->call(json:dumps)"}, remote=True, allow=("exit", "call"))
    disarm("db.commit")


# -- blocks


def test_a_block_is_for_its_own_code(fp: Failpoint) -> None:
    """A block strikes its own code and not that of other threads; with the process as scope, theirs as well."""
    with armed("db.commit", "return(5)") as it:
        assert value(fp) == 5
        assert in_a_thread(lambda: value(fp)) is None
    assert (it.hits, it.fired) == (1, 1)
    with armed("db.commit", "return(5)", scope="process"):
        assert in_a_thread(lambda: value(fp)) == 5


def test_blocks_beside_each_other(fp: Failpoint) -> None:
    """Tests that run at the same time do not disturb each other."""
    results: dict[int, list[object]] = {}
    together = threading.Barrier(4)

    def use(number: int) -> None:
        with armed("db.commit", f"3*return({number})"):
            together.wait()
            results[number] = [value(fp) for _ in range(5)]
            together.wait()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == {number: [number] * 3 + [None] * 2 for number in range(4)}


def test_tasks_follow_their_block(fp: Failpoint) -> None:
    """A task belongs to the blocks in which it was started, and no others."""

    async def use() -> list[object]:
        async def hit() -> object:
            returned = await fp.ahit()
            return None if returned is None else returned.value

        with armed("db.commit", "return(1)"):
            inside = asyncio.create_task(hit())
            await inside
        outside = asyncio.create_task(hit())
        with armed("db.commit", "return(2)"):
            await outside
        return [inside.result(), outside.result()]

    assert asyncio.run(use()) == [1, None]


def test_nested_blocks(fp: Failpoint) -> None:
    """The innermost block is asked first, `off` in it silences the outer ones, and afterwards they go on."""
    with armed("db.commit", "return(1)") as outer:
        with armed("db.commit", "1*return(2)->1*off"):
            assert [value(fp) for _ in range(3)] == [2, None, 1]
        assert value(fp) == 1
    assert outer.hits == 2


def test_blocks_that_end_in_any_order(fp: Failpoint) -> None:
    """Blocks may end in any order, and what is left is what was armed before."""
    arm("db.commit", "return(0)")
    first, second = armed("db.commit", "return(1)", scope="process"), armed("db.commit", "return(2)", scope="process")
    first.__enter__()
    second.__enter__()
    assert value(fp) == 2
    first.__exit__(None, None, None)
    assert value(fp) == 2
    second.__exit__(None, None, None)
    assert value(fp) == 0
    disarm("db.commit")
    assert not fp.armed


def test_blocks_of_one_context_that_end_in_any_order(fp: Failpoint) -> None:
    """That holds for blocks of one context as well: one that ends takes nothing from the others."""
    first, second = armed("db.commit", "return(1)"), armed("db.commit", "return(2)")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert value(fp) == 2
    second.__exit__(None, None, None)
    assert value(fp) is None
    with armed("db.commit", "return(3)"):
        assert value(fp) == 3


def test_a_block_that_ends_in_another_context(fp: Failpoint) -> None:
    """A block that is entered in one context and left in another, as async fixtures do, is left all the same."""
    block = armed("db.commit", "return(1)")
    first = contextvars.copy_context()
    first.run(block.__enter__)
    assert (first.run(value, fp), value(fp)) == (1, None)
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert (first.run(value, fp), fp.armed) == (None, False)


def test_a_block_that_raises(fp: Failpoint) -> None:
    """Whatever comes out of a block, the failpoint is disarmed."""
    with pytest.raises(ZeroDivisionError), armed("db.commit", "off"):
        raise ZeroDivisionError
    assert not fp.armed


def test_as_a_decorator(fp: Failpoint) -> None:
    """A function can be decorated, and is struck at every call as if it were the first."""

    @armed("db.commit", "1*return(5)")
    def use() -> list[object]:
        return [value(fp), value(fp)]

    assert use() == use() == [5, None]
    assert not fp.armed


def test_many_scopes_and_lulls(fp: Failpoint) -> None:
    """A long lull in one scope hides no fault of another one."""
    arm("db.commit", "0%return(0)")
    assert [value(fp) for _ in range(3)] == [None] * 3
    with armed("db.commit", "0%return(1)"):
        assert [value(fp) for _ in range(3)] == [None] * 3
        with armed("db.commit", "return(2)"):
            assert [value(fp) for _ in range(3)] == [2] * 3
        assert in_a_thread(lambda: [value(fp) for _ in range(3)]) == [None] * 3
        arm("db.commit", "return(3)")
        assert in_a_thread(lambda: value(fp)) == 3
        assert value(fp) == 3
    disarm("db.commit")


# -- functions instead of terms


def test_a_function(fp: Failpoint) -> None:
    """A function can be armed: it is told what is hit, and what it returns is handed to the caller."""
    moments: list[Moment] = []

    def note(moment: Moment) -> object:
        moments.append(moment)
        return moment.tags.get("answer")

    with armed("db.commit", note) as it:
        assert fp.hit() is None
        assert fp.hit(answer=42) is not None
    assert [each.name for each in moments] == ["db.commit"] * 2
    assert it.fired == 2
    assert it.plan.text.endswith(":test_a_function.<locals>.note)")


def test_explain(fp: Failpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """On request, what the terms do is written to stderr when they are armed."""
    with armed("db.commit", "1*return(1)->panic", explain=True):
        pass
    arm("db.commit", "off", explain=True)
    disarm("db.commit")
    said = capsys.readouterr()
    assert said.out == ""
    assert "1*return(1)->panic: at each hit, the first that applies:\n  at most 1 times, return(1)\n" in said.err
    assert "  always, off\n" in said.err
