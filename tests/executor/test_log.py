"""The run's own log records."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from chaoscore import Scenario, Site, Undo, maybe_error
from chaoscore.injectors import error


def test_records_carry_scenario_iteration_and_step(caplog: pytest.LogCaptureFixture) -> None:
    """Also those about a fault, which is logged by the worker that it struck."""
    logger = logging.getLogger("test.own")
    caplog.set_level(logging.DEBUG, logger="test.own")
    chaos = Scenario("logged").target(object()).step("work", lambda _: maybe_error()).inject("e", error("OSError"))
    report = chaos.repeat(2).run(logger=logger)
    fired = [record for record in caplog.records if "'e': error at maybe_error" in record.getMessage()]
    assert [(record.scenario, record.iteration, record.step) for record in fired] == [  # type: ignore[attr-defined]
        ("logged", 0, "work"),
        ("logged", 1, "work"),
    ]
    assert {record.run_id for record in caplog.records} == {report.run_id}  # type: ignore[attr-defined]


def test_an_injector_logs_under_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    """`Site.log` is a logger whose records name the injection."""
    caplog.set_level(logging.INFO, logger="chaoscore")

    class Talker:
        kind: ClassVar[str] = "talker"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            site.log.info("hello")
            yield None

    Scenario("s").target(object()).step("work", lambda _: None).inject("talk", Talker()).run()
    assert [record.part for record in caplog.records if record.message == "hello"] == ["talk"]  # type: ignore[attr-defined]


def test_runs_leave_no_loggers_behind() -> None:
    """A process that runs for ever does not grow by a logger a run."""
    before = set(logging.Logger.manager.loggerDict)
    chaos: Any = Scenario("s").target(object()).step("work", lambda _: None)
    for _ in range(3):
        chaos.run()
    assert set(logging.Logger.manager.loggerDict) == before
