"""Plugins of the engine: rollback depth, metrics, audit log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos_sqlsaga.engine import AuditLog, Metrics, RollbackDepth, saga
from chaos_sqlsaga.engine import observers as module
from chaos_sqlsaga.history import SagaEvent, What
from chaoscore import Scenario
from chaoscore.validators import recursion_depth

Carry = Callable[..., Any]


def deep(called: Any, steps: int) -> Any:
    built = saga("s")
    for number in range(steps):
        built.step(f"s{number}", called.do, on_failure=called.undo)
    return built.step("z", called.fail).build()


def test_the_depth_is_that_of_the_deepest_rollback(opens: Any, called: Any, carrying: Carry) -> None:
    """The most that any saga compensated is kept, with its name, and what is over is forgotten."""
    depth = RollbackDepth()
    with opens(deep(called, 4), observers=[depth]) as engine:
        it = engine.start("s")
        carrying(engine, until=lambda task: task.compensating)
        assert depth.of(it) == 1
        carrying(engine, "worker", task=engine.take("worker", again=True))
        assert (depth.most, depth.deepest, depth.of(it)) == (4, it, 0)


def test_repeated_compensations_are_no_depth() -> None:
    """Neither a second call of a compensation nor a takeover counts as one level more."""
    depth = RollbackDepth()
    for attempt, takeover in ((1, False), (1, True), (2, False)):
        depth(SagaEvent("x", What.COMPENSATING, "a", attempt=attempt, detail={"takeover": takeover}))
    assert depth.most == 1


def test_a_scenario_can_judge_the_depth(opens: Any, called: Any, carrying: Carry) -> None:
    """In a run the depth is what `recursion_depth` sees."""
    with opens(deep(called, 4), observers=[RollbackDepth()]) as engine:

        def step(_: object) -> None:
            engine.start("s")
            carrying(engine)

        for limit, passed in ((4, True), (3, False)):
            scenario = Scenario("s").target(object()).step("roll back", step).expect("depth", recursion_depth(limit))
            assert scenario.repeat(2).run(seed=1).passed is passed


def test_metrics_count_and_time(opens: Any, called: Any, carrying: Carry, clock: Any) -> None:
    """Metrics count events and final states, and take the time of attempts and sagas."""
    metrics = Metrics()

    def slow(call: Any) -> None:
        clock.advance(2)

    built = saga("s").step("a", slow).step("b", called.failing(1), retries=2).build()
    with opens(built, clock=clock, observers=[metrics]) as engine:
        for _ in range(3):
            engine.start("s")
        carrying(engine)
    figures = metrics.figures()
    assert figures.events["started"] == 9
    assert figures.ended == {"completed": 3}
    assert figures.step_s.count == 9
    assert abs((figures.step_s.maximum or 0) - 2) < 0.02
    assert abs((figures.saga_s.maximum or 0) - 6) < 0.06


def test_what_is_remembered_is_bounded(monkeypatch: Any) -> None:
    """Sagas that never end do not fill the memory."""
    monkeypatch.setattr(module, "REMEMBERED", 5)
    depth, metrics = RollbackDepth(), Metrics()
    for number in range(20):
        depth(SagaEvent(f"{number}", What.COMPENSATING, "a", attempt=1))
        metrics(SagaEvent(f"{number}", What.STARTED, "a", attempt=1))
    assert len(depth._depths) == len(metrics._began) == 5
    assert depth.of("19") == 1


def test_the_audit_log_has_a_line_for_each_event(opens: Any, called: Any, carrying: Carry, tmp_path: Path) -> None:
    """Every event is one line of JSON, appended to what was there."""
    file = tmp_path / "audit.jsonl"
    file.write_text('{"before": 1}\n')
    log = AuditLog(file)
    with opens(saga("s").step("a", called.do).build(), observers=[log]) as engine:
        it = engine.start("s")
        carrying(engine)
    log.close()
    _, *lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(each["saga"], each["what"], each.get("step")) for each in lines] == [
        (it, "began", None), (it, "started", "a"), (it, "done", "a"), (it, "ended", None),
    ]  # fmt: skip
