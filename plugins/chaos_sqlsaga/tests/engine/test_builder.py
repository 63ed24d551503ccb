"""Definitions that can be built, and those that cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos_sqlsaga.engine import Builder, Call, branch, saga, step
from chaos_sqlsaga.engine.definition import Fork, Step, names
from chaos_sqlsaga.engine.errors import (
    CycleError,
    DefinitionError,
    DuplicateStepError,
    EndlessJoinError,
    UnknownHandlerError,
)


def do(call: Call) -> None: ...


def test_the_order_of_the_calls_is_that_of_the_nodes() -> None:
    """Nodes stand in the order in which they were added, joins behind the branches of their forks."""
    built = (
        saga("order")
        .step("a", do)
        .savepoint("s")
        .fork("f", {"x": step("b", do), "y": step("c", do)})
        .join("j")
        .condition("if", do, then=step("d", do), otherwise=step("e", do))
        .build()
    )
    assert list(names(built.nodes)) == ["a", "s", "f", "b", "c", "j", "if", "d", "e"]


def test_parallel_is_a_fork_of_single_steps() -> None:
    """Parallel steps are a fork whose join waits for all of them."""
    [fork] = saga("s").parallel("p", step("a", do), step("b", do), step("c", do)).build().nodes
    assert isinstance(fork, Fork)
    assert (fork.join, fork.wait_for, fork.need) == ("p.join", ("a", "b", "c"), 3)


def test_any_is_one_of_those_that_are_waited_for() -> None:
    """A join of any waits for one branch, and a number for so many."""
    for how, need in (("any", 1), ("all", 2), (2, 2)):
        [fork] = saga("s").fork("f", {"x": step("a", do), "y": step("b", do)}).join("j", how=how).build().nodes  # type: ignore[arg-type]
        assert isinstance(fork, Fork)
        assert fork.need == need


def test_handlers_by_name() -> None:
    """A handler that is given as a name is found among those that `build` is given."""
    [built] = saga("s").step("a", "make", on_failure="break").build({"make": do, "break": print}).nodes
    assert isinstance(built, Step)
    assert (built.handler, built.on_failure) == (do, print)


def test_a_definition_knows_what_it_promises() -> None:
    """What is promised of a step is what checkers of its history go by."""
    built = saga("s").step("a", do, on_failure=do, retries=3).step("b", do, idempotent=False).build()
    assert built.promises["a"]["retries"] == 3
    assert built.promises["a"]["compensated"] is True
    assert (built.promises["b"]["idempotent"], built.promises["b"]["compensated"]) == (False, False)


def itself() -> Builder:
    inner = branch()
    return inner.step("a", do).fork("f", {"x": inner}).join("j")


def each_other() -> Builder:
    first, second = saga("first"), saga("second")
    second.sub_saga("b", first)
    return first.sub_saga("a", second)


def same_name() -> Builder:
    return saga("order").sub_saga("again", saga("order", version=2).step("a", do).build())


@pytest.mark.parametrize("make", [itself, each_other, same_name])
def test_cycles(make: Callable[[], Builder]) -> None:
    """A saga that contains itself, directly or by another, is refused with the way around."""
    with pytest.raises(CycleError, match=r"contains itself: .+ -> "):
        make().build()


@pytest.mark.parametrize(
    ("builder", "error", "words"),
    [
        (saga("s").step("a", "make"), UnknownHandlerError, "names the handler 'make'; have none"),
        (saga("s").step("a", 17), UnknownHandlerError, "handler of step 'a' is 17"),  # type: ignore[arg-type]
        (saga("s").step("a", do, on_failure="undo"), UnknownHandlerError, "'undo'"),
        (saga("s").step("a", do).step("a", do), DuplicateStepError, "2 steps are called 'a'"),
        (saga("s").step("a", do).parallel("p", step("a", do)), DuplicateStepError, "'a'"),
        (saga("s").fork("f", {"x": step("a", do)}).join("a"), DuplicateStepError, "'a'"),
        (saga("s").fork("f", {}).join("j"), EndlessJoinError, "no branches"),
        (saga("s").fork("f", {"x": step("a", do)}).join("j", wait_for=("y",)), EndlessJoinError, "waits for 'y'"),
        (saga("s").fork("f", {"x": step("a", do)}).join("j", how=2), EndlessJoinError, "needs 2 of the 1"),
        (saga("s").fork("f", {"x": step("a", do)}).join("j", wait_for=()), EndlessJoinError, "needs 0 of the 0"),
        (saga("s").fork("f", {"x": step("a", do)}).join("j", how="most"), EndlessJoinError, "needs 'most'"),  # type: ignore[arg-type]
        (saga("s").fork("f", {"x": step("a", do)}).join("j", wait_for=("x", "x")), EndlessJoinError, "2 of the 1"),
        (saga("s").fork("f", {"x": branch()}).join("j"), DefinitionError, "branch 'x' of fork 'f' is empty"),
        (saga("s").fork("f", {"x": step("a", do)}), DefinitionError, "never joined"),
        (saga("s").fork("f", {"x": step("a", do)}).step("b", do), DefinitionError, "never joined"),
        (saga("s").join("j"), DefinitionError, "joins no fork"),
        (saga("s"), DefinitionError, "no steps"),
        (saga("s").step("", do), DefinitionError, "no name"),
        (saga("").step("a", do), DefinitionError, "name is empty"),
        (saga("a@1").step("a", do), DefinitionError, "'@'"),
        (saga("s", version=0).step("a", do), DefinitionError, "version 0"),
        (saga("s").step("a", do, retries=0), DefinitionError, "0 and 10 calls"),
        (saga("s").step("a", do, compensation_retries=0), DefinitionError, "1 and 0 calls"),
        (saga("s").step("a", do, retries=2, idempotent=False), DefinitionError, "called once: retries=1"),
        (saga("s").step("a", do, delay="1h"), DefinitionError, "delay of 3600 s"),
        (saga("s").decision("d", timeout=0), DefinitionError, "no time"),
        (saga("s").fork("f", {"x": branch().savepoint("p")}).join("j"), DefinitionError, "keep one half"),
    ],
)  # fmt: skip
def test_mistakes(builder: Builder, error: type[Exception], words: str) -> None:
    """What could not run to an end cannot be built, and the error says which step and what to do."""
    with pytest.raises(error, match=words) as raised:
        builder.build()
    assert "; " in str(raised.value)


def test_building_twice_gives_the_same() -> None:
    """A builder can be built again, for example with other handlers."""
    builder = saga("s").step("a", "make")
    first, again = builder.build({"make": do}), builder.build({"make": do})
    assert first == again
