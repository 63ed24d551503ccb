import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from chaoscore import Event, Sampled, Scenario, maybe_delay
from chaoscore.executor import sampling
from chaoscore.executor.sampling import sample
from chaoscore.injectors import delay
from chaoscore.testing.runs import recorded

linux = pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux tells")


@linux
def test_memory_threads_and_descriptors_are_counted(tmp_path: Path) -> None:
    """What is held on purpose is seen, and is gone when it is let go of."""
    before = sample(0.0)
    release = threading.Event()
    waiting = [threading.Thread(target=release.wait) for _ in range(3)]
    files = [(tmp_path / str(number)).open("w") for number in range(5)]
    for thread in waiting:
        thread.start()
    held = b"x" * (64 << 20)
    during = sample(1.5)
    release.set()
    for thread in waiting:
        thread.join()
    for file in files:
        file.close()
    assert during.at == 1.5
    assert during.threads - before.threads == 3
    assert (before.descriptors or 0) + 5 == during.descriptors
    assert (during.rss_bytes or 0) - (before.rss_bytes or 0) > len(held) // 2
    until = time.monotonic() + 30
    while sample(2.0).threads > before.threads and time.monotonic() < until:
        time.sleep(0.001)  # a thread that has been joined takes a moment to leave the kernel
    assert sample(2.0).threads == before.threads


def test_processor_time_only_grows() -> None:
    """The time that was used up to a moment contains the time up to an earlier one."""
    first = sample(0.0)
    sum(range(3_000_000))
    assert sample(1.0).cpu_s > first.cpu_s > 0


def test_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without /proc and /dev/fd there are the threads that Python knows, and None for the rest."""
    monkeypatch.setattr(sampling, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(sampling, "_DESCRIPTORS", tmp_path / "none")
    found = sample(0.0)
    assert (found.rss_bytes, found.descriptors) == (None, None)
    assert found.threads == threading.active_count()


class Ear:
    """Counts the samples that it hears of, and lets whoever waits know after three."""

    kind: ClassVar[str] = "ear"

    def __init__(self) -> None:
        self.samples, self.enough = 0, threading.Event()

    def follow(self, events: Sequence[Event]) -> None:
        self.samples += sum(isinstance(each, Sampled) for each in events)
        if self.samples >= 3:
            self.enough.set()


def test_a_run_samples_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again while the workload runs, the stream tells what the process holds."""
    monkeypatch.setattr("chaoscore.executor.life.EVERY_S", 0.01)
    ear = Ear()
    heard = Scenario("sampled").target(ear).step("wait", lambda ear: ear.enough.wait(30)).repeat(1)
    heard.expect("heard", lambda ear: ear.samples >= 3).run(reporters=[ear])
    assert ear.samples >= 3


class Listener:
    """Lets whoever waits know when a sample says so."""

    kind: ClassVar[str] = "listener"

    def __init__(self, in_flight: int, asked: dict[str, int]) -> None:
        self.wanted, self.heard = (in_flight, asked), threading.Event()

    def follow(self, events: Sequence[Event]) -> None:
        if any(isinstance(each, Sampled) and (each.in_flight, each.asked) == self.wanted for each in events):
            self.heard.set()


def test_a_sample_tells_what_is_in_flight_and_how_often_injectors_were_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the steps of two workers wait after five asks each, two iterations are in flight and ten asks counted."""
    monkeypatch.setattr("chaoscore.executor.life.EVERY_S", 0.01)
    listener = Listener(2, {"slow": 10})

    def ask_and_wait(listener: Listener) -> None:
        for _ in range(5):
            maybe_delay()
        listener.heard.wait(30)

    scenario = Scenario("sampled").target(listener).step("wait", ask_and_wait).workers(2).repeat(2)
    scenario.inject("slow", delay(0, probability=0)).run(reporters=[listener])
    assert listener.heard.is_set()


def test_a_short_run_has_no_samples() -> None:
    """A run of less than a second says nothing of it."""
    recording = recorded(Scenario("short").target(object()).step("pass", lambda target: None).repeat(3))
    assert recording.of(Sampled) == []
