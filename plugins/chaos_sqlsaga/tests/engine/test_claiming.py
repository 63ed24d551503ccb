"""Leases, fencing tokens, and what becomes of a step whose worker was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from chaos_sqlsaga.engine import SagaState, StepState, branch, saga, step
from chaos_sqlsaga.engine.claiming import MOST_TAKEOVERS
from chaos_sqlsaga.history import What

Carry = Callable[..., Any]
LEASE_S = 10.0


@pytest.fixture
def pair(called: Any) -> Any:
    return (
        saga("s")
        .step("a", called.do, on_failure=called.undo)
        .step("b", called.do, on_failure=called.undo)
        .build()
    )  # fmt: skip


def test_a_step_has_one_worker(opens: Any, pair: Any) -> None:
    """While a worker has a step, no other gets it."""
    with opens(pair) as engine:
        engine.start("s")
        assert engine.take("one") is not None
        assert engine.take("two") is None


def test_a_lost_step_is_taken_over_after_its_lease(
    opens: Any, pair: Any, called: Any, carrying: Carry, clock: Any
) -> None:
    """A step whose worker says nothing is taken over when the lease ends, not before, and repeats the attempt."""
    with opens(pair, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        engine.take("dead")
        clock.advance(LEASE_S - 0.1)
        assert carrying(engine) == 0
        clock.advance(0.2)
        carrying(engine)
        assert called.calls == ["a", "b"]
        started = [each for each in engine.history(it) if each.what is What.STARTED and each.step == "a"]
        assert [(each.attempt, each.detail.get("takeover", False)) for each in started] == [(1, False), (1, True)]
        assert engine.look(it).state is SagaState.COMPLETED


def test_the_result_of_a_zombie_is_rejected(opens: Any, pair: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A worker that comes back after its step was taken over, done or not, cannot store its result."""
    with opens(pair, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        zombie = engine.take("zombie")
        clock.advance(LEASE_S + 1)
        heir = engine.take("heir")
        assert engine.finish(zombie, "stale") is None
        assert engine.renew(zombie) is False
        carrying(engine, "heir", task=heir)
        assert engine.finish(zombie, "stale") is None
        assert engine.fail(zombie, ValueError("stale")) is None
        look = engine.look(it)
        assert look.results()["a"] == "a done"
        assert look.state is SagaState.COMPLETED
        assert [each.what for each in engine.history(it)].count(What.REJECTED) == 3


def test_the_same_worker_can_be_its_own_zombie(opens: Any, pair: Any, clock: Any) -> None:
    """A token tells two times apart that one worker had the same step."""
    with opens(pair, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        first = engine.take("one")
        clock.advance(LEASE_S + 1)
        second = engine.take("one")
        assert second.token > first.token
        engine.finish(second, "new")
        engine.finish(first, "stale")
        assert engine.look(it).results()["a"] == "new"


def test_a_renewed_lease_lasts_longer(opens: Any, pair: Any, carrying: Carry, clock: Any) -> None:
    """A worker that renews its lease keeps its step."""
    with opens(pair, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        task = engine.take("slow")
        for _ in range(3):
            clock.advance(LEASE_S - 1)
            assert engine.renew(task) is True
        assert carrying(engine) == 0
        assert engine.finish(task, "done") is not None
        assert engine.look(it).results()["a"] == "done"


def test_what_is_not_idempotent_is_called_once(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A lost step that is not idempotent is never called again: it has failed, and is compensated to be sure."""
    built = (
        saga("s")
        .step("a", called.do, on_failure=called.undo)
        .step("b", called.do, on_failure=called.undo, idempotent=False)
        .build()
    )
    with opens(built, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        carrying(engine, "dead", until=lambda task: task.call.step == "b")
        clock.advance(LEASE_S + 1)
        carrying(engine)
        assert called.calls == ["a", "-b", "-a"]
        assert engine.look(it).state is SagaState.FAILED
        [failed] = [each for each in engine.history(it) if each.what is What.FAILED]
        assert (failed.step, failed.detail["unknown"], failed.detail["last"]) == ("b", True, True)


def test_a_lost_compensation_is_repeated(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """A compensation whose worker was lost is called again, and that does not count against its retries."""
    built = saga("s").step("a", called.do, on_failure=called.undo, compensation_retries=1).step("b", called.fail)
    with opens(built.build(), clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        for worker in ("dead", "dead too"):
            carrying(engine, worker, until=lambda task: task.compensating)
            clock.advance(LEASE_S + 1)
        carrying(engine)
        assert called.calls == ["a", "!b", "-a"]
        assert engine.look(it).state is SagaState.FAILED


def test_a_lost_step_of_a_saga_that_fails_is_not_repeated(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """When a sibling has failed, a lost step is not called again, but compensated, as nobody knows what it did."""
    built = (
        saga("s")
        .fork("f", {"x": step("a", called.do, on_failure=called.undo), "y": branch().decision("d")})
        .join("j")
        .build()
    )
    with opens(built, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        engine.take("dead")
        engine.decide(it, "d", False)
        assert carrying(engine) == 0
        clock.advance(LEASE_S + 1)
        carrying(engine)
        assert called.calls == ["-a"]
        assert engine.look(it).state is SagaState.FAILED


def test_a_step_that_kills_its_workers_is_given_up(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """An attempt that has lost too many workers has failed."""
    with opens(saga("s").step("a", called.do, on_failure=called.undo).build(), clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        taken = 0
        while engine.take(f"victim {taken}") is not None and engine.look(it).steps["a"].state is StepState.RUNNING:
            taken += 1
            clock.advance(LEASE_S + 1)
        assert taken == MOST_TAKEOVERS + 1
        clock.advance(LEASE_S + 1)
        carrying(engine)
        assert called.calls == ["-a"]
        assert engine.look(it).state is SagaState.FAILED


def test_many_take_each_step_once(opens: Any, called: Any) -> None:
    """Many who take at once get every step once."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        wanted = {engine.start("s") for _ in range(40)}
        got: list[str] = []

        def take(name: str) -> None:
            while (task := engine.take(name)) is not None:
                got.append(task.call.saga)

        threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        while (task := engine.take("late")) is not None:  # those that were locked when the others looked
            got.append(task.call.saga)
    assert sorted(got) == sorted(wanted)


# -- replies that are lost


def test_a_result_may_be_brought_twice(opens: Any, pair: Any, carrying: Carry) -> None:
    """A worker that does not know whether its result was stored brings it again, and gets the step that follows."""
    with opens(pair) as engine:
        it = engine.start("s")
        task = engine.take("w")
        following = engine.finish(task, "done")
        assert engine.finish(task, "done") == following
        assert following.call.step == "b"
        carrying(engine, "w", task=following)
        assert [each.what for each in engine.history(it)].count(What.DONE) == 2
        assert engine.look(it).state is SagaState.COMPLETED


@pytest.mark.parametrize("delay", [0, "1s"])
def test_a_failure_may_be_brought_twice(opens: Any, called: Any, carrying: Carry, clock: Any, delay: Any) -> None:
    """A failure that is brought again counts once, whether the next call is due at once or later."""
    with opens(saga("s").step("a", called.failing(1), retries=2, delay=delay).build(), clock=clock) as engine:
        it = engine.start("s")
        task = engine.take("w")
        following = engine.fail(task, ValueError("first"))
        assert engine.fail(task, ValueError("first")) == following
        clock.advance(2)
        carrying(engine, "w", task=following)
        assert [each.what for each in engine.history(it)].count(What.FAILED) == 1
        assert engine.look(it).state is SagaState.COMPLETED


def test_what_was_taken_unheard_comes_first(opens: Any, pair: Any) -> None:
    """A worker that heard nothing of what it took gets it when it asks again, without a second call being counted."""
    with opens(pair) as engine:
        it = engine.start("s")
        unheard = engine.take("w")
        engine.start("s")
        assert engine.take("w", again=True) == unheard
        assert engine.look(it).steps["a"].attempt == 1


# -- clocks


def test_a_clock_that_goes_back_moves_nothing(opens: Any, pair: Any, carrying: Carry, clock: Any) -> None:
    """Whoever sets the wall clock back while an engine runs moves neither leases nor events."""
    with opens(pair, clock=clock, lease=LEASE_S) as engine:
        it = engine.start("s")
        engine.take("dead")
        clock.wall_s -= 86400
        clock.advance(LEASE_S + 1)
        carrying(engine)
        assert engine.look(it).state is SagaState.COMPLETED
        times = [each.at_s for each in engine.history(it)]
        assert times == sorted(times)


def test_nothing_waits_for_a_clock_that_went_back(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """An engine that starts with a clock set back by a day takes what is due, and what a lost worker of before held."""
    built = saga("s").step("a", called.do).build()
    with opens(built, clock=clock, lease=LEASE_S) as before:
        lost, waiting = before.start("s"), before.start("s")
        before.take("dead")
    clock.wall_s -= 86400
    with opens(built, clock=clock, lease=LEASE_S) as after:
        carrying(after)
        assert after.look(waiting).state is SagaState.COMPLETED
        assert after.look(lost).state is SagaState.COMPLETED


def test_leases_have_a_range(opens: Any, pair: Any) -> None:
    """A lease too short to be renewed, or longer than a clock is believed, is refused."""
    for lease in (0.01, "2h"):
        with pytest.raises(ValueError, match="lease is 50 ms to 1 h"):
            opens(pair, lease=lease)
