"""One run, start to finish."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from chaoscore.context import running_loop
from chaoscore.errors import BlockingCallError
from chaoscore.executor.life import Execution
from chaoscore.executor.options import Options
from chaoscore.executor.signals import ENDING, default_interrupt, interrupting
from chaoscore.report import Report
from chaoscore.safety.permission import check_start
from chaoscore.spec import Spec

__all__ = ["Options", "arun", "run"]

CLOSE_S = 1.0
"""How long what a scenario left on the loop may take to end; a task that ignores its cancellation is left behind."""


def run(spec: Spec, options: Options) -> Report:
    """
    Run *spec* on an event loop of its own.

    Raises:
        BlockingCallError: An event loop runs in this thread already.
        ProductionError: The environment is named production.
        LeverPulledError: `chaoscore stop` forbids injecting.
        FaultsLeftError: A run that died left faults behind.
        KeyboardInterrupt: Ctrl-C, where *options* leave signals alone; every fault is lifted by then.
    """
    if running_loop() is not None:
        raise BlockingCallError("Scenario.run", "scenario.arun")
    own = ENDING if options.handle_signals else default_interrupt()
    loop = asyncio.new_event_loop()
    try:
        report = loop.run_until_complete(_run(spec, options, own))
    finally:
        _close(loop)
    if report.interrupted == "SIGINT" and not options.handle_signals:
        raise KeyboardInterrupt
    return report


async def arun(spec: Spec, options: Options) -> Report:
    """
    Run *spec* on the running event loop.

    Raises:
        asyncio.CancelledError: The caller was cancelled; every fault is lifted by then.
    """
    return await _run(spec, options, ENDING if options.handle_signals else ())


async def _run(spec: Spec, options: Options, signals: Sequence[str]) -> Report:
    if spec.injections and options.inject:
        check_start(options.production)
    execution = Execution(spec, options)
    life = asyncio.create_task(execution.live(), name=f"chaoscore-run-{execution.run_id}")
    cancelled: asyncio.CancelledError | None = None
    with interrupting(execution, signals, impatient=options.handle_signals):
        while not life.done():
            try:
                await asyncio.shield(life)
            except asyncio.CancelledError as error:
                if life.cancelled():
                    raise
                cancelled = error
                execution.interrupt("cancelled")
    if cancelled is not None:
        raise cancelled
    return life.result()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close *loop* as `asyncio.run` does, but without waiting for ever for what will not end."""
    loop.set_exception_handler(lambda *_: None)  # the report has told what would not end
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=CLOSE_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
        with suppress(TimeoutError):
            loop.run_until_complete(asyncio.wait_for(loop.shutdown_default_executor(), CLOSE_S))
    finally:
        loop.close()
