"""The one ordered stream of events, and how it reaches the reporters."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from chaoscore.errors import DeadlineError
from chaoscore.events import Event
from chaoscore.protocols import Follows, Reporter, Reports
from chaoscore.report import Report

Handler = Callable[[Any], None]

BACKLOG = 100_000
"""Events a reporter may lag behind before the run waits for it: about 20 MB."""

BATCH_S = 0.05
BATCH = 1_000
"""A reporter gets its events so often, or when there are so many: a fast run must not pile them up for it."""

LAG = 2_000
GIVE_WAY_S = 0.02
"""
A run that is so many events ahead of a reporter, and again with each batch more, stands back until that has taken some,
for so long at most: enough for one that had no turn on a busy machine, and little of a burden where it is stuck.
"""


class Stream:
    """
    Takes events from any thread and shows each to its handlers before the next.

    Handlers run in a thread that emits, so that what they decide (a failure, a broken limit) takes effect at once. They
    must be quick and must not raise. No thread waits for another: while one shows events, the others leave theirs in
    the queue for it. With a lock that they wait for, four busy workers hand each other the interpreter at every event,
    at four times the cost.

    Reporters get the events later, in batches, each in a thread of its own.
    """

    def __init__(self) -> None:
        self._queue: deque[Event] = deque()
        self._showing = threading.Lock()
        self._handlers: dict[type[Event], tuple[Handler, ...]] = {}
        self._everything: tuple[Handler, ...] = ()
        self._deliveries: tuple[Delivery, ...] = ()

    def subscribe(self, handler: Handler, types: Iterable[type[Event]] | None = None) -> None:
        """Show events of *types*, or all, to *handler* from now on."""
        if types is None:
            self._everything += (handler,)
        for kind in types or ():
            self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

    def deliver_to(self, deliveries: Iterable[Delivery]) -> None:
        """Pass events on to reporters from now on."""
        self._deliveries = tuple(each for each in deliveries if isinstance(each.reporter, Follows))

    def put(self, event: Event) -> None:
        """
        Append *event* and leave showing it to the next `emit`.

        For what happens inside a step: its stack may be all but used up, and an interruption may hit it at any moment.
        """
        self._queue.append(event)
        if len(self._queue) > BACKLOG:  # steps that put more than the watch can show have to wait
            self.emit()

    def emit(self, *events: Event) -> None:
        """Append *events* to the stream; a handler may emit as well."""
        queue, showing = self._queue, self._showing
        queue.extend(events)
        # Whoever fails to acquire left its events before the holder looked again, so nothing stays behind.
        while queue and showing.acquire(blocking=len(queue) > BACKLOG):
            try:
                while queue:
                    self._show(queue.popleft())
            finally:
                showing.release()
        for delivery in self._deliveries:
            if len(delivery.backlog) > delivery.patience:
                delivery.give_way()

    def flush(self) -> None:
        """Return when all that was emitted has been shown."""
        with self._showing:
            while self._queue:
                self._show(self._queue.popleft())

    def _show(self, event: Event) -> None:
        for delivery in self._deliveries:
            delivery.backlog.append(event)
            if len(delivery.backlog) == BATCH:
                delivery.hurry()
        for handler in self._everything:
            handler(event)
        for handler in self._handlers.get(type(event), ()):
            handler(event)


class Delivery:
    """
    Brings the stream to one reporter, in a thread of its own, and cuts it off if it fails or hangs.

    Attributes:
        backlog: Events that the reporter has not seen yet.
        patience: How many there may be before `give_way` is called.
        failure: What its hook raised, with the hook's name, once it did.
    """

    def __init__(self, reporter: Reporter, deadline_s: float) -> None:
        self.reporter = reporter
        self.who = f"reporter {getattr(reporter, 'kind', type(reporter).__name__)!r}"
        self.backlog: deque[Event] = deque()
        self.patience = LAG
        self.failure: tuple[str, BaseException] | None = None
        self._deadline_s = deadline_s
        self._closing = False
        self._awake = threading.Event()
        self.hurry = self._awake.set
        self._room = threading.Event()
        self._report: Report | None = None
        self._thread = threading.Thread(target=self._serve, name=f"chaoscore-{self.who}", daemon=True)
        self._thread.start()

    def give_way(self) -> None:
        """Let the reporter have a turn: for a moment, or, if it is too far behind, until it has caught up."""
        if len(self.backlog) > BACKLOG:
            self.wait_for_room()
        else:
            self.patience = min(len(self.backlog) + BATCH, BACKLOG)
            self._room.clear()
            self._room.wait(GIVE_WAY_S)

    def wait_for_room(self) -> None:
        """Hold the emitting thread until the reporter has caught up, or give the reporter up."""
        self._room.clear()
        if self.failure is None and not self._room.wait(self._deadline_s):
            self._give_up("follow")

    def finish(self, report: Report | None) -> None:
        """Let the reporter see the rest and the *report*; returns when it has, or when it is given up."""
        self._report = report
        self._closing = True
        self._awake.set()
        self._thread.join(self._deadline_s)
        if self._thread.is_alive():
            self._give_up("report")

    def _serve(self) -> None:
        hook = "follow"
        try:
            if isinstance(self.reporter, Follows):
                self._pump(self.reporter.follow)
            while not self._closing:
                self._rest(None)
            hook = "report"
            if self._report is not None and isinstance(self.reporter, Reports):
                self.reporter.report(self._report)
        except BaseException as error:  # noqa: BLE001 - recorded as the reporter's failure, and the run goes on
            self._fail(hook, error)

    def _pump(self, follow: Callable[[Sequence[Event]], None]) -> None:
        closing = False
        while not closing:
            closing = self._closing or self._rest(BATCH_S)
            for size in _slices(len(self.backlog)):
                batch = [self.backlog.popleft() for _ in range(size)]
                self.patience = LAG
                self._room.set()
                if self.failure is not None:
                    return
                follow(batch)

    def _rest(self, seconds: float | None) -> bool:
        """Wait until there is something to do; tell whether it is the last."""
        self._awake.wait(seconds)
        self._awake.clear()
        return self._closing

    def _give_up(self, hook: str) -> None:
        self._fail(hook, DeadlineError(self.who, hook, self._deadline_s))

    def _fail(self, hook: str, error: BaseException) -> None:
        if self.failure is None:
            self.failure = (hook, error)
        self.backlog = deque(maxlen=0)  # swallows what nobody will read
        self._room.set()


def _slices(count: int) -> Iterator[int]:
    """Yield the sizes of the batches in which *count* events are handed over; one at least, as a sign of life."""
    while count > BATCH:
        yield BATCH
        count -= BATCH
    yield count
