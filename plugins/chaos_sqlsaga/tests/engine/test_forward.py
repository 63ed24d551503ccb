"""Sagas that go forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos_sqlsaga.engine import Call, Engine, SagaState, StepState, branch, saga, step
from chaos_sqlsaga.history import What

Carry = Callable[..., Any]


def whats(engine: Engine, of: str, *wanted: What) -> list[str]:
    return [f"{each.what} {each.step or ''}".strip() for each in engine.history(of) if each.what in wanted]


def test_steps_run_in_order(opens: Any, called: Any, carrying: Carry) -> None:
    """The steps of a sequence run one after the other, and what they returned is kept."""
    with opens(saga("s").step("a", called.do).step("b", called.do).step("c", called.do).build()) as engine:
        it = engine.start("s", {"x": 1})
        carrying(engine)
        assert called.calls == ["a", "b", "c"]
        assert engine.look(it).state is SagaState.COMPLETED
        assert dict(engine.look(it).results()) == {name: f"{name} done" for name in "abc"}


def test_a_handler_sees_payload_results_attempt_and_key(opens: Any, called: Any, carrying: Carry) -> None:
    """A handler is given the payload, what the steps before returned, and a key that is the same for every attempt."""
    calls: list[Call] = []

    def look(call: Call) -> None:
        calls.append(call)
        if call.attempt == 1:
            raise ValueError

    with opens(saga("s").step("a", called.do).step("b", look, retries=2).build()) as engine:
        it = engine.start("s", {"x": [1, None, "ü"]})
        carrying(engine)
    first, second = calls
    assert (first.saga, first.step, first.payload, dict(first.results)) == (
        it, "b", {"x": [1, None, "ü"]}, {"a": "a done"},
    )  # fmt: skip
    assert (first.attempt, second.attempt, first.key == second.key) == (1, 2, True)


def test_history_tells_everything(opens: Any, called: Any, carrying: Carry) -> None:
    """Every event is in the table, in order, with what the definition promises."""
    with opens(saga("s").step("a", called.failing(1), retries=2).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        told = list(engine.history(it))
    assert [(each.what, each.step, each.attempt) for each in told] == [
        ("began", None, 0), ("started", "a", 1), ("failed", "a", 1), ("started", "a", 2), ("done", "a", 2),
        ("ended", None, 0),
    ]  # fmt: skip
    assert told[0].detail["steps"]["a"]["retries"] == 2
    assert told[-1].detail["state"] == "completed"
    assert {each.worker for each in told} == {"", "worker"}
    assert {each.definition for each in told} == {"s"}


def test_observers_are_told_what_the_table_has(opens: Any, called: Any, carrying: Carry) -> None:
    """An observer is called with every event, also when another observer raises."""
    heard: list[Any] = []

    def broken(event: object) -> None:
        raise RuntimeError

    with opens(saga("s").step("a", called.do).build(), observers=[broken, heard.append]) as engine:
        engine.start("s")
        carrying(engine)
        assert heard == list(engine.history())


def test_retries_count_calls(opens: Any, called: Any, carrying: Carry) -> None:
    """With retries=3 a handler is called three times in all, and no fourth time."""
    with opens(saga("s").step("a", called.fail, retries=3).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["!a"] * 3
        assert engine.look(it).state is SagaState.FAILED
        assert engine.look(it).instance.error == "a: ValueError: a is broken"


def test_retries_wait_longer_and_longer(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """The second call waits for the delay, and each further one twice as long as the one before."""
    with opens(saga("s").step("a", called.fail, retries=4, delay="2s").build(), clock=clock) as engine:
        engine.start("s")
        waits = []
        for _ in range(3):
            carrying(engine)
            begun = len(called.calls)
            waited = 0
            while len(called.calls) == begun:
                clock.advance(0.5)
                waited += 1
                carrying(engine)
            waits.append(waited / 2)
    assert waits == [2, 4, 8]


def test_a_savepoint_needs_no_worker(opens: Any, called: Any, carrying: Carry) -> None:
    """A savepoint is passed in the transaction of the step before it."""
    with opens(saga("s").step("a", called.do).savepoint("here").step("b", called.do).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert whats(engine, it, What.DONE) == ["done a", "done here", "done b"]


@pytest.mark.parametrize(("answer", "taken", "skipped"), [(True, "yes", "no"), (0, "no", "yes"), ({}, "no", "yes")])
def test_a_condition_takes_one_branch(
    opens: Any, called: Any, carrying: Carry, answer: Any, taken: str, skipped: str
) -> None:
    """Of the two branches of a condition one runs, by what its predicate returned, and the other is skipped."""
    built = (
        saga("s")
        .condition("if", lambda _: answer, then=step("yes", called.do), otherwise=step("no", called.do))
        .step("z", called.do)
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == [taken, "z"]
        assert engine.look(it).steps[skipped].state is StepState.SKIPPED


def test_a_condition_may_have_no_other_branch(opens: Any, called: Any, carrying: Carry) -> None:
    """Where the predicate says no and there is no else, the saga goes on behind the condition."""
    built = saga("s").condition("if", lambda _: False, then=step("yes", called.do)).step("z", called.do).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["z"]
        assert engine.look(it).state is SagaState.COMPLETED


def test_a_condition_may_be_the_last(opens: Any, called: Any, carrying: Carry) -> None:
    """A saga whose last node is a condition ends with the last step of the branch taken, at any depth."""
    inner = branch().condition("inner", lambda _: False, then=step("x", called.do))
    with opens(saga("s").condition("outer", lambda _: True, then=inner).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert engine.look(it).state is SagaState.COMPLETED


def test_a_join_waits_for_all(opens: Any, called: Any, carrying: Carry) -> None:
    """What stands behind a join runs once, after every branch."""
    built = (
        saga("s")
        .fork("f", {"x": step("a", called.do).step("b", called.do), "y": step("c", called.do)})
        .join("j")
        .step("z", called.do)
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert sorted(called.calls) == ["a", "b", "c", "z"]
        assert called.calls[-1] == "z"
        assert engine.look(it).state is SagaState.COMPLETED


def test_nested_forks(opens: Any, called: Any, carrying: Carry) -> None:
    """A fork inside a fork joins on its own, and then counts as its branch."""
    inner = branch().fork("g", {"u": step("a", called.do), "v": step("b", called.do)}).join("k").step("c", called.do)
    built = saga("s").fork("f", {"x": inner, "y": step("d", called.do)}).join("j").step("z", called.do).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        done = [each.split()[1] for each in whats(engine, it, What.DONE)]
    assert done.index("k") < done.index("c") < done.index("j") < done.index("z")
    assert max(done.index("a"), done.index("b")) < done.index("k")


def test_a_join_of_any_stops_and_undoes_the_others(opens: Any, called: Any, carrying: Carry) -> None:
    """When one branch has arrived, what the others did is compensated before anything behind the join runs."""
    built = (
        saga("s")
        .fork(
            "f",
            {
                "slow": step("a", called.do, on_failure=called.undo).decision("never").step("b", called.do),
                "fast": step("c", called.do, on_failure=called.undo),
            },
        )
        .join("j", how="any")
        .step("z", called.do)
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "c", "-a", "z"]
        assert engine.look(it).state is SagaState.COMPLETED
        assert engine.look(it).steps["never"].state is StepState.SKIPPED
        told = whats(engine, it, What.ROLLBACK_BEGAN, What.ROLLBACK_ENDED, What.COMPENSATED, What.DONE)
    assert told == [
        "done f", "done a", "done c", "rollback_began f", "compensated a", "rollback_ended f", "done j", "done z"
    ]  # fmt: skip


def test_a_join_of_any_does_without_a_branch_that_fails(opens: Any, called: Any, carrying: Carry) -> None:
    """A branch may fail while another can still arrive; its completed steps are compensated, and the saga completes."""
    built = (
        saga("s")
        .fork(
            "f",
            {
                "bad": step("a", called.do, on_failure=called.undo).step("b", called.fail),
                "good": step("c", called.do),
            },
        )
        .join("j", how="any")
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert engine.look(it).state is SagaState.COMPLETED
        assert called.calls.count("-a") == called.calls.count("a")


def test_a_join_of_any_fails_when_all_fail(opens: Any, called: Any, carrying: Carry) -> None:
    """Where no branch can arrive any more, the saga fails and rolls back."""
    built = (
        saga("s")
        .step("a", called.do, on_failure=called.undo)
        .fork("f", {"x": step("b", called.fail), "y": step("c", called.fail)})
        .join("j", how="any")
        .build()
    )
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert engine.look(it).state is SagaState.FAILED
        assert called.calls == ["a", "!b", "!c", "-a"]


def test_two_of_three(opens: Any, called: Any, carrying: Carry) -> None:
    """A join of two goes on with the first two that arrive, and the third is undone."""
    branches = {name: step(name, called.do, on_failure=called.undo) for name in "ab"}
    built = saga("s").fork("f", {**branches, "c": branch().decision("c")}).join("j", how=2).step("z", called.do).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "b", "z"]
        assert engine.look(it).steps["c"].state is StepState.SKIPPED


def test_a_decision_lets_the_saga_go_on(opens: Any, called: Any, carrying: Carry) -> None:
    """A step that waits for a decision runs nothing until it is taken, and then keeps what was decided."""
    with opens(saga("s").decision("may").step("a", called.do).build()) as engine:
        it = engine.start("s")
        assert carrying(engine) == 0
        assert engine.look(it).steps["may"].state is StepState.WAITING
        engine.decide(it, "may", True, {"by": "Ada"})
        carrying(engine)
        assert called.calls == ["a"]
        assert engine.look(it).results()["may"] == {"by": "Ada"}


def test_a_refusal_rolls_back(opens: Any, called: Any, carrying: Carry) -> None:
    """A decision that is refused fails the saga."""
    with opens(saga("s").step("a", called.do, on_failure=called.undo).decision("may").build()) as engine:
        it = engine.start("s")
        carrying(engine)
        engine.decide(it, "may", False, "too dear")
        carrying(engine)
        assert called.calls == ["a", "-a"]
        assert engine.look(it).instance.error == 'may: refused: "too dear"'


def test_no_decision_in_time_rolls_back(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A decision with a time-out that nobody takes fails the saga, and not before."""
    built = saga("s").step("a", called.do, on_failure=called.undo).decision("may", timeout="5d").build()
    with opens(built, clock=clock) as engine:
        it = engine.start("s")
        clock.advance(4.9 * 86400)
        carrying(engine)
        assert engine.look(it).state is SagaState.RUNNING
        clock.advance(5 * 86400)
        carrying(engine)
        assert engine.look(it).instance.error == "may: nobody decided in time"
        assert called.calls == ["a", "-a"]


def test_a_sub_saga_is_a_step(opens: Any, called: Any, carrying: Carry) -> None:
    """A sub-saga runs with the payload of its parent, which goes on with its results."""
    inner = saga("inner").step("b", lambda call: call.payload["x"]).build()
    with opens(saga("s").step("a", called.do).sub_saga("sub", inner).step("c", called.do).build()) as engine:
        it = engine.start("s", {"x": 17})
        carrying(engine)
        assert called.calls == ["a", "c"]
        assert engine.look(it).results()["sub"] == {"b": 17}
        assert engine.look(f"{it}/sub").state is SagaState.COMPLETED


def test_versions_live_side_by_side(opens: Any, called: Any, carrying: Carry) -> None:
    """A new instance gets the latest version, and one that was started earlier keeps its own."""
    old = saga("s", version=1).decision("d").step("old", called.do).build()
    new = saga("s", version=2).decision("d").step("new", called.do).build()
    with opens(old) as engine:
        first = engine.start("s")
    with opens(old, new) as engine:
        second = engine.start("s")
        for each in (first, second):
            engine.decide(each, "d", True)
        carrying(engine)
        assert called.calls == ["old", "new"]


def test_workers_leave_alone_what_they_do_not_know(opens: Any, called: Any, carrying: Carry) -> None:
    """An engine that does not know a version takes no steps of it."""
    old, new = (saga("s", version=each).step("a", called.do).build() for each in (1, 2))
    with opens(old, new) as both, opens(new) as newer:
        both.start("s", version=1)
        assert carrying(newer) == 0
        assert carrying(both) == 1


def test_urgent_sagas_go_first_and_others_age(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A saga with a higher priority goes first, but one that has waited long enough goes before it."""
    order: list[str] = []
    with opens(saga("s").step("a", lambda call: order.append(call.payload)).build(), clock=clock) as engine:
        engine.start("s", "very old", priority=-5)
        clock.advance(1000)
        engine.start("s", "normal")
        engine.start("s", "urgent", priority=3)
        carrying(engine)
    assert order == ["very old", "urgent", "normal"]


def test_a_second_start_of_the_same_id_does_nothing(opens: Any, called: Any, carrying: Carry) -> None:
    """Whoever does not know whether a saga was put in may start it again under the same id."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        assert engine.start("s", id="order 17") == engine.start("s", id="order 17") == "order 17"
        carrying(engine)
        assert called.calls == ["a"]
        assert engine.count() == {SagaState.COMPLETED: 1}
