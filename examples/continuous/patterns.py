"""Three ways in which services put work together, each with a point where its parts talk to the outside."""

import asyncio

from chaoscore import amaybe_delay, amaybe_error, record_error, record_event


class Backend:
    """What all of them talk to."""

    name = "backend"

    def setup(self) -> None:
        self.abandoned = 0

    async def call(self, point: str) -> str:
        await amaybe_delay(point)
        await amaybe_error(point)
        return "an answer"

    def goes_on_for_nobody(self) -> str | None:
        return f"{self.abandoned} calls went on for requests that had failed" if self.abandoned else None


async def fan_out(backend: Backend) -> None:
    """Ask four shards at once; the first that fails decides. Who ends the other three?"""
    calls = [asyncio.create_task(backend.call("shard.read")) for _ in range(4)]
    try:
        await asyncio.gather(*calls)
    finally:
        backend.abandoned += sum(not call.done() for call in calls)


async def pipeline(backend: Backend) -> None:
    """Let orders pass two stages, each a task that waits for the one before it. Who hears that a stage has died?"""
    queues: list[asyncio.Queue[str | None]] = [asyncio.Queue() for _ in range(3)]

    async def stage(source: asyncio.Queue[str | None], sink: asyncio.Queue[str | None]) -> None:
        while (order := await source.get()) is not None:
            await sink.put(order + await backend.call("stage.work"))
        await sink.put(None)

    stages = [asyncio.create_task(stage(*queues[n : n + 2])) for n in range(2)]
    try:
        for order in ("first", "second", None):
            await queues[0].put(order)
        while await queues[-1].get() is not None:
            pass
    finally:
        for task in stages:
            task.cancel()
        await asyncio.gather(*stages, return_exceptions=True)


async def retry(backend: Backend) -> None:
    """Call up to five times, and wait twice as long after each failure."""
    for attempt in range(5):
        try:
            await backend.call("remote.call")
            record_event("attempts", attempt + 1)
            return
        except ConnectionResetError as error:
            last = error
            record_error(error)
            await asyncio.sleep(0.001 * 2**attempt)
    raise last
