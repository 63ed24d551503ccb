"""One run, start to finish."""

from __future__ import annotations

import asyncio

from chaoscore.context import running_loop
from chaoscore.errors import BlockingCallError
from chaoscore.executor.life import Execution
from chaoscore.executor.options import Options
from chaoscore.executor.signals import interrupting
from chaoscore.report import Report
from chaoscore.spec import Spec

__all__ = ["Options", "arun", "run"]


def run(spec: Spec, options: Options) -> Report:
    """
    Run *spec* on an event loop of its own.

    Raises:
        BlockingCallError: An event loop runs in this thread already.
        KeyboardInterrupt: Ctrl-C, where *options* leave signals alone; every fault is lifted by then.
    """
    if running_loop() is not None:
        raise BlockingCallError("Scenario.run", "scenario.arun")
    with asyncio.Runner() as runner:
        return runner.run(arun(spec, options))


async def arun(spec: Spec, options: Options) -> Report:
    """
    Run *spec* on the running event loop.

    Raises:
        asyncio.CancelledError: The caller was cancelled; every fault is lifted by then.
    """
    execution = Execution(spec, options)
    life = asyncio.create_task(execution.live(), name=f"chaoscore-run-{execution.run_id}")
    cancelled: asyncio.CancelledError | None = None
    with interrupting(execution, options.handle_signals):
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
