"""All workers of a run, and the watch that lets no step hold them up for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping

from chaoscore.events import Outcome, Stuck
from chaoscore.executor.running import LiveRun
from chaoscore.executor.workers import Flight, TaskWorker, ThreadWorker, Worker
from chaoscore.safety.state import lever

GRACE_S = 0.5
"""How long a step that was told to end may take to do so before its worker is replaced."""


class Crew:
    """
    The workers of a run.

    A scenario of plain steps is driven by threads alone, so that a step costs no switch; as soon as one step is `async
    def`, workers are tasks.
    """

    def __init__(self, run: LiveRun, size: int) -> None:
        self._run, self._size = run, size
        self._loop = asyncio.get_running_loop()
        self._kind: type[Worker] = TaskWorker if any(step.is_async for step in run.steps) else ThreadWorker
        self._live: set[Worker] = set()
        self._changed = threading.Lock()
        self._finished = asyncio.Event()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Return those at work."""
        with self._changed:
            return tuple(self._live)

    @property
    def in_flight(self) -> int:
        """Return how many of them have a step under way."""
        return sum(each.flight is not None for each in self.workers)

    def start(self) -> None:
        """Let all begin."""
        workers = [self._worker(number) for number in range(self._size)]
        self._live.update(workers)
        for worker in workers:
            worker.start()

    async def finished(self) -> None:
        """Return when no worker is left."""
        await self._finished.wait()

    def replace(self, worker: Worker, outcome: Outcome) -> None:
        """Leave *worker* and its step behind, and let another take its number; called by the watch's thread."""
        successor = self._worker(worker.number)
        with self._changed:
            self._live.add(successor)
        worker.abandon(outcome)
        self._loop.call_soon_threadsafe(successor.start)

    def _worker(self, number: int) -> Worker:
        return self._kind(number, self._run, self._left, self._loop)

    def _left(self, worker: Worker) -> None:
        with self._changed:
            self._live.discard(worker)
            last = not self._live
        if last:
            self._loop.call_soon_threadsafe(self._finished.set)


class Watch:
    """
    Looks at every step under way, in a thread of its own, so that it also sees a step that blocks the loop.

    A step past its limit is reported with its stack and told to end; one that does not is left behind and its worker
    replaced.
    """

    def __init__(
        self, crew: Crew, run: LiveRun, limits_s: Mapping[str, float], stop: Callable[[str], None], armed: bool
    ) -> None:
        """
        Prepare to watch.

        Args:
            crew: Whose steps.
            run: Their run.
            limits_s: For each step, how long it may take.
            stop: Interrupts the run, when the stop lever is pulled.
            armed: Whether there are faults that the lever would stop.
        """
        self._crew, self._run, self._limits_s = crew, run, limits_s
        self._stop, self._armed = stop, armed
        self._loop = asyncio.get_running_loop()
        self._tick_s = min(0.1, max(0.005, min(limits_s.values()) / 20))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="chaoscore-watch", daemon=True)
        self._drain: tuple[float, float, Outcome] | None = None
        self._heard = False

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._thread.join()

    def drain(self, grace_s: float, outcome: Outcome) -> None:
        """Give the steps under way *grace_s* more, then give them up as *outcome*."""
        self._drain = (self._run.now() + grace_s, grace_s, outcome)

    def wait(self) -> None:
        """Take back a `drain`: let the steps under way go on for now."""
        self._drain = None

    def _serve(self) -> None:
        while not self._closing.wait(self._tick_s):
            self._run.emit()  # shows what steps have put into the stream meanwhile
            if self._armed and lever().exists():
                self._armed = False
                self._stop("`chaoscore stop`")
            for worker in self._crew.workers:
                flight = worker.flight
                if flight is not None:
                    self._look(worker, flight)

    def _look(self, worker: Worker, flight: Flight) -> None:
        now, limit_s = self._run.now(), self._limits_s[flight.step.name]
        if flight.given_up is not None:
            if now - flight.given_up_at > GRACE_S:
                self._insist(worker, flight)
        elif now - flight.began > limit_s:
            self._give_up(worker, flight, limit_s, Outcome.STUCK)
        elif self._drain is not None and now > self._drain[0]:
            self._give_up(worker, flight, self._drain[1], self._drain[2])

    def _give_up(self, worker: Worker, flight: Flight, limit_s: float, outcome: Outcome) -> None:
        if outcome is Outcome.STUCK:
            place, at = flight.place, self._run.elapsed_s()
            self._run.emit(Stuck(at, worker.number, place.iteration, flight.step.name, limit_s, worker.stack()))
        flight.given_up_at = self._run.now()
        flight.given_up = outcome
        self._heard = False
        worker.interrupt()
        self._loop.call_soon_threadsafe(self._hear)

    def _insist(self, worker: Worker, flight: Flight) -> None:
        """The step did not end. Where it blocks the loop, nothing else can run: end it there. Else leave it behind."""
        if isinstance(worker, TaskWorker) and not self._heard:
            flight.given_up_at = self._run.now()
            worker.unblock()
        else:
            assert flight.given_up is not None
            self._crew.replace(worker, flight.given_up)

    def _hear(self) -> None:
        self._heard = True
