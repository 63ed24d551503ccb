"""One ordered stream of events, and reporters that fail or hang."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, ClassVar

from chaoscore import Event, IterationEnded, Phase, Scenario, Verdict
from chaoscore.executor import stream as streams
from chaoscore.executor.stream import Delivery, Stream
from tests.executor.parts import Collect, Diary


def test_handlers_see_every_event_once_and_one_at_a_time() -> None:
    """Eight threads emit; no event is lost or shown twice, and two are never shown at once."""
    stream, inside = Stream(), threading.Lock()
    seen: list[Phase] = []

    def handler(event: Phase) -> None:
        assert inside.acquire(blocking=False)
        seen.append(event)
        inside.release()

    stream.subscribe(handler)
    events = [[Phase(float(n), f"{worker}") for n in range(2_000)] for worker in range(8)]

    def emit(mine: list[Phase]) -> None:
        for event in mine:
            stream.emit(event)

    threads = [threading.Thread(target=emit, args=(mine,)) for mine in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.flush()
    assert len(seen) == 16_000
    for worker in range(8):
        assert [event for event in seen if event.name == str(worker)] == events[worker]


def test_an_event_emitted_by_a_handler_follows_the_one_it_is_about() -> None:
    """A finding comes after what was found."""
    stream = Stream()
    seen: list[str] = []

    def answer(event: Phase) -> None:
        if event.name == "question":
            stream.emit(Phase(1.0, "answer"))

    stream.subscribe(answer, (Phase,))
    stream.subscribe(lambda event: seen.append(event.name))
    stream.emit(Phase(0.0, "question"), Phase(2.0, "next"))
    assert seen == ["question", "next", "answer"]


def test_a_handler_sees_the_types_it_asked_for() -> None:
    """Others cost it nothing."""
    stream = Stream()
    seen: list[Event] = []
    stream.subscribe(seen.append, (IterationEnded,))
    stream.emit(Phase(0.0, "x"))
    assert seen == []


def work(_: Any) -> None:
    """Do nothing."""


def test_a_reporter_that_raises_harms_neither_the_run_nor_the_others() -> None:
    """Its failure is in the report as trouble, and the other reporter has everything."""
    diary = Diary("follow bad")
    bad, good = Collect(diary, "bad"), Collect(diary, "good")
    report = Scenario("s").target(object()).step("work", work).repeat(50).run(reporters=[bad, good])
    assert report.verdict is Verdict.UNSTABLE
    assert report.troubles[0].who == "reporter 'collect'"
    assert len(good.of(IterationEnded)) == 50
    assert len(good.reports) == 1


def test_a_full_disk_is_told_with_what_the_system_said() -> None:
    """A reporter that cannot write is trouble that names the reason; the iterations are all there."""

    class Full(Collect):
        kind: ClassVar[str] = "full"

        def report(self, report: Any) -> None:
            with open("/dev/full", "w") as file:  # noqa: PTH123 - a device, not a path of ours
                file.write("x" * 100_000)

    report = Scenario("s").target(object()).step("work", work).repeat(5).run(reporters=[Full()])
    assert "No space left on device" in report.troubles[0].error.message
    assert report.iterations.ok == 5


def test_a_reporter_that_hangs_is_given_up() -> None:
    """The run ends, and says which reporter did not return."""
    released = threading.Event()

    class Hung(Collect):
        kind: ClassVar[str] = "hung"

        def report(self, report: Any) -> None:
            released.wait()

    report = Scenario("s").target(object()).step("work", work).limit(hook="50ms").run(reporters=[Hung()])
    released.set()
    assert "did not return within 0.05 s" in report.troubles[0].error.message


def test_a_reporter_that_lags_holds_the_run_before_memory_grows(monkeypatch: Any) -> None:
    """The backlog has a bound; when it is full the run waits, and a reporter that never catches up is dropped."""
    monkeypatch.setattr(streams, "BACKLOG", 10)
    monkeypatch.setattr(streams, "LAG", 5)
    released = threading.Event()
    most = 0

    class Slow:
        kind: ClassVar[str] = "slow"

        def follow(self, events: Sequence[Event]) -> None:
            released.wait()

    delivery = Delivery(Slow(), deadline_s=0.05)
    stream = Stream()
    stream.deliver_to([delivery])
    for n in range(100):
        stream.emit(Phase(float(n), "x"))
        most = max(most, len(delivery.backlog))
    released.set()
    delivery.finish(None)
    assert most <= 11
    assert delivery.failure is not None
    assert delivery.failure[0] == "follow"


def test_a_run_gives_way_to_a_reporter_that_lags_a_little(monkeypatch: Any) -> None:
    """It stands back once for each batch; the reporter, when it goes on, gets all events in order and in batches."""
    monkeypatch.setattr(streams, "BATCH", 10)
    monkeypatch.setattr(streams, "LAG", 20)
    released = threading.Event()
    batches: list[Sequence[Event]] = []
    stood_back: list[int] = []

    class Slow:
        kind: ClassVar[str] = "slow"

        def follow(self, events: Sequence[Event]) -> None:
            released.wait()
            batches.append(events)

    class Watched(Delivery):
        def give_way(self) -> None:
            stood_back.append(len(self.backlog))
            super().give_way()

    delivery = Watched(Slow(), deadline_s=60)
    stream = Stream()
    stream.deliver_to([delivery])
    events = [Phase(float(n), "x") for n in range(100)]
    for event in events:
        stream.emit(event)
    released.set()
    delivery.finish(None)
    assert delivery.failure is None
    assert 5 <= len(stood_back) <= 10  # 100 events in steps of a batch; which of them was taken first is a race
    assert [event for batch in batches for event in batch] == events
    assert max(len(batch) for batch in batches) == 10
