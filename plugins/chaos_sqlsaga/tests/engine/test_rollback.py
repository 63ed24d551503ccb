"""Sagas that go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos_sqlsaga.engine import Builder, Call, SagaState, StepState, branch, saga, step
from chaos_sqlsaga.engine.errors import StateError, UnknownSagaError
from chaos_sqlsaga.history import What

Carry = Callable[..., Any]


def both(called: Any, *names: str) -> Builder:
    """A sequence of steps that can be compensated."""
    made = branch()
    for name in names:
        made.step(name, called.do, on_failure=called.undo)
    return made


def order(called: Any, name: str = "s") -> Builder:
    return saga(name).step("a", called.do, on_failure=called.undo).step("b", called.do, on_failure=called.undo)


def test_compensations_run_newest_first(opens: Any, called: Any, carrying: Carry) -> None:
    """When a step fails, those that were completed are compensated, the newest first, and the failed one is not."""
    with opens(order(called).step("c", called.fail, on_failure=called.undo).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "-b", "-a"]
        look = engine.look(it)
        assert (look.state, look.instance.depth) == (SagaState.FAILED, 2)
        assert {name: each.state for name, each in look.steps.items()} == {
            "a": StepState.ROLLED_BACK, "b": StepState.ROLLED_BACK, "c": StepState.FAILED,
        }  # fmt: skip


def test_a_compensation_sees_what_its_step_returned(opens: Any, called: Any, carrying: Carry) -> None:
    """A compensation is given the result of the step that it takes back."""
    seen: list[Call] = []
    built = saga("s").step("a", called.do, on_failure=seen.append).step("b", called.fail).build()
    with opens(built) as engine:
        engine.start("s", "payload")
        carrying(engine)
    [call] = seen
    assert (call.result, call.payload, call.step) == ("a done", "payload", "a")


def test_a_rollback_stops_at_the_last_savepoint(opens: Any, called: Any, carrying: Carry) -> None:
    """What was completed before the last savepoint stands."""
    built = order(called).savepoint("one").step("c", called.do, on_failure=called.undo)
    built.savepoint("two").step("d", called.do, on_failure=called.undo).step("e", called.fail)
    with opens(built.build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "c", "d", "!e", "-d"]
        assert engine.look(it).state is SagaState.FAILED
        [began] = [each for each in engine.history(it) if each.what is What.ROLLBACK_BEGAN]
        assert began.detail["to"] == "two"


def test_a_savepoint_that_was_not_reached_does_not_count(opens: Any, called: Any, carrying: Carry) -> None:
    """A failure before the first savepoint rolls back to the root."""
    with opens(order(called).step("c", called.fail).savepoint("later").build()) as engine:
        engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "-b", "-a"]


def test_compensations_have_retries_of_their_own(opens: Any, called: Any, carrying: Carry) -> None:
    """A compensation that fails is called again, as often as it may, and then the rollback goes on."""
    built = (
        saga("s")
        .step("a", called.do, on_failure=called.undo)
        .step("b", called.do, on_failure=called.failing(2), compensation_retries=3)
        .step("c", called.fail)
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "!b", "!b", "b", "-a"]
        assert engine.look(it).state is SagaState.FAILED


def test_a_compensation_that_always_fails_is_not_lost(opens: Any, called: Any, carrying: Carry) -> None:
    """After the last call of a compensation the saga waits in the dead letter queue, and goes on when requeued."""
    mended: list[str] = []

    def undo(call: Call) -> None:
        if not mended:
            called.fail(call)
        called.undo(call)

    built = saga("s").step("a", called.do, on_failure=undo, compensation_retries=2).step("b", called.fail).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        look = engine.look(it)
        assert (look.state, look.steps["a"].state) == (SagaState.DLQ, StepState.PAUSED)
        assert look.instance.error == "compensation of a: ValueError: a is broken"
        mended.append("yes")
        engine.requeue(it)
        carrying(engine)
        assert called.calls == ["a", "!b", "!a", "!a", "-a"]
        assert engine.look(it).state is SagaState.FAILED


def test_a_failing_branch_takes_its_siblings_along(opens: Any, called: Any, carrying: Carry) -> None:
    """When a branch fails, its siblings begin nothing more, and what they completed is compensated."""
    built = (
        saga("s")
        .step("a", called.do, on_failure=called.undo)
        .fork("f", {"x": both(called, "b").decision("d").step("never", called.do), "y": step("c", called.fail)})
        .join("j")
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "-b", "-a"]
        look = engine.look(it)
        assert look.state is SagaState.FAILED
        assert look.steps["d"].state is look.steps["j"].state is StepState.SKIPPED
        assert "never" not in look.steps


def test_a_rollback_waits_for_what_runs(opens: Any, called: Any, carrying: Carry) -> None:
    """A sibling that runs when a branch fails is waited for, and what it did is compensated, too."""
    built = saga("s").fork("f", {"x": both(called, "a", "b"), "y": step("c", called.fail)}).join("j").build()
    with opens(built) as engine:
        it = engine.start("s")
        running = engine.take("slow worker")
        carrying(engine)
        assert called.calls == ["!c"]
        assert engine.finish(running, called.do(running.call)) is not None
        carrying(engine, "slow worker")
        assert [each.step for each in engine.history(it) if each.what is What.COMPENSATING] == ["a"]
        assert "b" not in called.calls
        assert not any(each.what is What.STARTED and each.step == "b" for each in engine.history(it))


def test_only_the_branch_that_was_taken_is_rolled_back(opens: Any, called: Any, carrying: Carry) -> None:
    """Of a condition, the branch that ran is compensated, and nothing of the other is called."""
    built = (
        saga("s")
        .condition("if", lambda _: True, then=both(called, "yes"), otherwise=both(called, "no"))
        .step("z", called.fail)
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["yes", "!z", "-yes"]
        assert engine.look(it).steps["no"].state is StepState.SKIPPED


def test_nested_forks_roll_back_as_a_whole(opens: Any, called: Any, carrying: Carry) -> None:
    """A failure deep inside forks stops all of them, and everything that was completed is compensated, newest first."""
    inner = branch().fork("g", {"u": both(called, "a"), "v": branch().decision("b")}).join("k")
    built = saga("s").fork("f", {"x": both(called, "c"), "y": inner}).join("j").build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        engine.decide(it, "b", False)
        carrying(engine)
        history = list(engine.history(it))
        done = [each.step for each in history if each.what is What.DONE and each.attempt]
        undone = [each.step for each in history if each.what is What.COMPENSATED]
    assert undone == done[::-1]
    assert set(done) == {"a", "c"}


def test_a_failing_sub_saga_fails_its_parent(opens: Any, called: Any, carrying: Carry) -> None:
    """A sub-saga that fails has rolled itself back, and then its parent rolls back."""
    inner = saga("inner").step("b", called.do, on_failure=called.undo).step("c", called.fail).build()
    with opens(saga("s").step("a", called.do, on_failure=called.undo).sub_saga("sub", inner).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "-b", "-a"]
        assert engine.look(it).state is engine.look(f"{it}/sub").state is SagaState.FAILED


def test_a_sub_saga_that_completed_is_undone(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """The compensation of a sub-saga rolls it back to its root, past its savepoints, before its parent goes on back."""
    inner = saga("inner").step("b", called.do, on_failure=called.undo).savepoint("p")
    inner.step("c", called.do, on_failure=called.undo)
    built = saga("s").step("a", called.do, on_failure=called.undo).sub_saga("sub", inner).step("z", called.fail).build()
    with opens(built, clock=clock) as engine:
        it = engine.start("s")
        for _ in range(3):
            carrying(engine)
            clock.advance(1)
        assert called.calls == ["a", "b", "c", "!z", "-c", "-b", "-a"]
        assert engine.look(it).state is SagaState.FAILED
        assert engine.look(f"{it}/sub").state is SagaState.CANCELLED


def test_a_sub_saga_that_kept_a_savepoint_is_undone(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A sub-saga that failed behind a savepoint leaves nothing standing when its parent rolls back."""
    inner = saga("inner").step("b", called.do, on_failure=called.undo).savepoint("p").step("c", called.fail).build()
    with opens(saga("s").sub_saga("sub", inner).build(), clock=clock) as engine:
        it = engine.start("s")
        for _ in range(3):
            carrying(engine)
            clock.advance(1)
        assert called.calls == ["b", "!c", "-b"]
        assert engine.look(it).state is SagaState.FAILED


def test_a_sub_saga_that_runs_is_undone_with_its_branch(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """When a sibling fails, a sub-saga that still runs is stopped and rolled back."""
    inner = saga("inner").step("b", called.do, on_failure=called.undo).decision("never").build()
    built = saga("s").fork("f", {"x": branch().sub_saga("sub", inner), "y": branch().decision("c")}).join("j")
    with opens(built.build(), clock=clock) as engine:
        it = engine.start("s")
        carrying(engine)
        engine.decide(it, "c", False)
        for _ in range(3):
            carrying(engine)
            clock.advance(1)
        assert called.calls == ["b", "-b"]
        assert engine.look(it).state is SagaState.FAILED
        assert engine.look(f"{it}/sub").state is SagaState.CANCELLED


# -- the dead letter queue


def test_pausing_instead_of_rolling_back(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga that pauses on failure keeps what it did, and goes on from the failed step when it is requeued."""
    mended: list[str] = []

    def flaky(call: Call) -> None:
        if not mended:
            called.fail(call)
        called.do(call)

    built = saga("s").step("a", called.do, on_failure=called.undo).step("b", flaky, retries=2).step("c", called.do)
    with opens(built.build()) as engine:
        it = engine.start("s", on_failure="pause")
        carrying(engine)
        look = engine.look(it)
        assert (look.state, look.steps["b"].state) == (SagaState.DLQ, StepState.PAUSED)
        assert carrying(engine) == 0
        mended.append("yes")
        engine.requeue(it)
        carrying(engine)
        assert called.calls == ["a", "!b", "!b", "b", "c"]
        assert engine.look(it).state is SagaState.COMPLETED


def test_a_paused_saga_pauses_its_branches(opens: Any, called: Any, carrying: Carry) -> None:
    """In the dead letter queue a sibling that was running is completed, and what follows it waits as well."""
    built = saga("s").fork("f", {"x": both(called, "a", "b"), "y": step("c", called.fail)}).join("j").build()
    with opens(built) as engine:
        it = engine.start("s", on_failure="pause")
        running = engine.take("slow worker")
        carrying(engine)
        assert engine.finish(running, None) is None
        assert carrying(engine) == 0
        states = {name: each.state for name, each in engine.look(it).steps.items()}
        assert (states["a"], states["b"], states["c"]) == (StepState.COMPLETED, StepState.PAUSED, StepState.PAUSED)


def test_a_paused_saga_can_be_cancelled(opens: Any, called: Any, carrying: Carry) -> None:
    """Whoever gives a paused saga up gets it rolled back."""
    with opens(order(called).step("c", called.fail).build()) as engine:
        it = engine.start("s", on_failure="pause")
        carrying(engine)
        engine.cancel(it)
        carrying(engine)
        assert called.calls == ["a", "b", "!c", "-b", "-a"]
        assert engine.look(it).state is SagaState.CANCELLED


def test_what_is_not_idempotent_is_not_requeued(opens: Any, called: Any, carrying: Carry) -> None:
    """A step that was called and may be called only once cannot be requeued; the error says what can be done."""
    with opens(saga("s").step("a", called.fail, idempotent=False).build()) as engine:
        it = engine.start("s", on_failure="pause")
        carrying(engine)
        with pytest.raises(StateError, match=r"not idempotent.*cancel the saga, or abort it"):
            engine.requeue(it)
        assert engine.look(it).state is SagaState.DLQ


# -- cancel and abort


def test_cancel_rolls_back_to_the_root(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga that is cancelled is rolled back past its savepoints."""
    built = order(called).savepoint("p").step("c", called.do, on_failure=called.undo).decision("d").build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        engine.cancel(it)
        engine.cancel(it)  # does nothing more
        carrying(engine)
        assert called.calls == ["a", "b", "c", "-c", "-b", "-a"]
        assert engine.look(it).state is SagaState.CANCELLED


def test_cancel_before_anything_ran(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga that nobody has begun can be cancelled, and then calls nothing."""
    with opens(order(called).build()) as engine:
        it = engine.start("s")
        engine.cancel(it)
        assert carrying(engine) == 0
        assert engine.look(it).state is SagaState.CANCELLED


def test_cancel_during_a_rollback_goes_further_down(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga that is cancelled while it rolls back to a savepoint rolls back to its root."""
    built = order(called).savepoint("p").step("c", called.do, on_failure=called.undo).step("d", called.fail).build()
    with opens(built) as engine:
        it = engine.start("s")
        task = carrying(engine, until=lambda task: task.compensating)
        engine.cancel(it)
        carrying(engine, task=task)
        assert called.calls == ["a", "b", "c", "!d", "-c", "-b", "-a"]
        assert engine.look(it).state is SagaState.CANCELLED


def test_abort_leaves_everything_as_it_is(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga that is aborted runs nothing more, compensates nothing, and takes its sub-sagas along."""
    inner = saga("inner").step("b", called.do, on_failure=called.undo).decision("d").build()
    with opens(saga("s").step("a", called.do, on_failure=called.undo).sub_saga("sub", inner).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        engine.abort(it)
        assert carrying(engine) == 0
        assert called.calls == ["a", "b"]
        assert engine.look(it).state is engine.look(f"{it}/sub").state is SagaState.ABORTED


def test_the_result_of_an_aborted_saga_is_rejected(opens: Any, called: Any, carrying: Carry) -> None:
    """What was running when a saga was aborted brings its result for nothing."""
    with opens(order(called).build()) as engine:
        it = engine.start("s")
        running = engine.take("w")
        engine.abort(it)
        assert engine.finish(running, "late") is None
        look = engine.look(it)
        assert (look.state, look.steps["a"].result) == (SagaState.ABORTED, None)


@pytest.mark.parametrize("what", ["cancel", "abort", "requeue"])
def test_what_has_ended_stays_as_it_is(opens: Any, called: Any, carrying: Carry, what: str) -> None:
    """A completed saga cannot be cancelled, aborted or requeued, and the error says in which state it is."""
    with opens(order(called).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        with pytest.raises(StateError, match="is completed, not"):
            getattr(engine, what)(it)


def test_decisions_need_somebody_who_waits(opens: Any, called: Any, carrying: Carry) -> None:
    """A decision cannot be taken twice, before its time, or for a step that is none."""
    with opens(saga("s").step("a", called.do).decision("d").step("b", called.do).build()) as engine:
        it = engine.start("s")
        with pytest.raises(StateError, match="no decision to be taken now"):
            engine.decide(it, "d", True)
        carrying(engine)
        with pytest.raises(StateError, match="no decision"):
            engine.decide(it, "a", True)
        engine.decide(it, "d", True)
        with pytest.raises(StateError, match="is completed, not waiting"):
            engine.decide(it, "d", True)


@pytest.mark.parametrize("what", ["look", "cancel", "abort", "requeue"])
def test_unknown_instances(opens: Any, called: Any, what: str) -> None:
    """What is asked of an instance that is not there is an error that names it."""
    with opens(order(called).build()) as engine, pytest.raises(UnknownSagaError, match="'nobody'"):
        getattr(engine, what)("nobody")
