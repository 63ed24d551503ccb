"""What a scenario provides is there before the target, and gone after it, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar

import pytest

from chaoscore import ExitCode, Phase, Scenario, Site, Undo, Verdict
from tests.executor.parts import Collect, Diary, Door, PlannedError


class Shelf:
    """A provider that gives a text."""

    kind: ClassVar[str] = "shelf"
    undo: Undo = Undo.KERNEL

    def __init__(self, diary: Diary, name: str, is_async: bool = False) -> None:
        self.diary, self.name, self.is_async = diary, name, is_async

    def open(self, site: Site) -> Any:
        """Return what notes when it is made and taken away."""
        return self._aopen() if self.is_async else self._open(site)

    @contextmanager
    def _open(self, site: Site) -> Iterator[str]:
        self.diary.note(f"make {self.name}, {site.injection} beside {sorted(site.provided)}")
        try:
            yield f"what {self.name} made"
        finally:
            self.diary.note(f"take {self.name} away")

    @asynccontextmanager
    async def _aopen(self) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        self.diary.note(f"make {self.name}")
        try:
            yield f"what {self.name} made"
        finally:
            await asyncio.sleep(0)
            self.diary.note(f"take {self.name} away")


class Taker:
    """A target that takes what is called `shelf`."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary

    def setup(self, shelf: str, *, other: str = "nothing") -> None:
        self.diary.note(f"setup with {shelf} and {other}")

    def teardown(self) -> None:
        self.diary.note("teardown")


def scenario(diary: Diary, target: Any = None) -> Scenario:
    taker = Taker(diary) if target is None else target
    return Scenario("shelf").target(taker).step("work", lambda _: diary.note("step"))


def test_it_is_there_before_the_target_and_gone_after_it() -> None:
    """Providers are opened in order before the target is set up, each sees the ones before it, and the last is taken
    away first, after the teardown."""
    diary = Diary()
    report = (
        scenario(diary)
        .inject("door", Door(diary, "d"))
        .provide("shelf", Shelf(diary, "s"))
        .provide("unused", Shelf(diary, "u"))
        .run()
    )
    assert diary.lines == [
        "make s, shelf beside []",
        "make u, unused beside ['shelf']",
        "setup with what s made and nothing",
        "open d",
        "step",
        "evidence d",
        "lift d",
        "teardown",
        "take u away",
        "take s away",
    ]
    assert (report.verdict, report.exit_code) == (Verdict.PASS, ExitCode.OK)


def test_a_setup_gets_what_it_has_parameters_for() -> None:
    """A parameter with a default is passed as well where something of its name is provided."""
    diary = Diary()
    scenario(diary).provide("shelf", Shelf(diary, "s", is_async=True)).provide("other", Shelf(diary, "o")).run()
    assert "setup with what s made and what o made" in diary.lines


def test_an_async_setup_gets_it_too() -> None:
    """What is provided is passed to a setup that is `async def`."""
    seen: list[str] = []

    class Async:
        async def setup(self, shelf: str) -> None:
            await asyncio.sleep(0)
            seen.append(shelf)

    scenario(Diary(), Async()).provide("shelf", Shelf(Diary(), "s")).run()
    assert seen == ["what s made"]


def test_injectors_see_what_is_provided() -> None:
    """The site of an injector has what providers gave, by their names, and the injector's scope."""
    seen: list[Any] = []

    class Looks:
        kind: ClassVar[str] = "looks"
        undo: ClassVar[Undo] = Undo.PROVIDED

        @contextmanager
        def open(self, site: Site) -> Iterator[None]:
            seen.append((dict(site.provided), site.scope))
            site.landed("looks", "here", "")
            yield

    report = scenario(Diary()).provide("shelf", Shelf(Diary(), "s")).inject("eye", Looks(), scope="db").run()
    assert seen == [({"shelf": "what s made"}, "db")]
    assert report.verdict is Verdict.PASS


def test_it_is_there_without_any_fault() -> None:
    """A run that injects nothing, for comparison, provides all the same: the target needs it."""
    diary = Diary()
    scenario(diary).provide("shelf", Shelf(diary, "s")).inject("door", Door(diary, "d")).run(inject=False)
    assert diary.of("make", "setup", "open", "take") == [
        "make s, shelf beside []",
        "setup with what s made and nothing",
        "take s away",
    ]


def test_one_that_cannot_be_made_ends_the_run_before_the_target() -> None:
    """Where a provider fails, those before it are taken away, the target is neither set up nor torn down, and the run
    is unknown."""
    diary, collect = Diary("make u, unused beside ['shelf']"), Collect()
    report = (
        scenario(diary)
        .provide("shelf", Shelf(diary, "s"))
        .provide("unused", Shelf(diary, "u"))
        .run(reporters=[collect])
    )
    assert diary.lines == ["make s, shelf beside []", "make u, unused beside ['shelf']", "take s away"]
    assert [phase.name for phase in collect.of(Phase)] == ["setup"]
    assert report.verdict is Verdict.UNKNOWN
    [trouble] = report.troubles
    assert (trouble.who, trouble.hook) == ("provider 'unused'", "open")
    assert "PlannedError" in trouble.error.type


@pytest.mark.parametrize("failing", ["setup with what s made and nothing", "step", "teardown", "open d", "lift d"])
def test_it_is_taken_away_whatever_fails(failing: str) -> None:
    """What was made is taken away last, whichever hook or step raises."""
    diary = Diary(failing)
    scenario(diary).provide("shelf", Shelf(diary, "s")).inject("door", Door(diary, "d")).run()
    assert diary.lines[-1] == "take s away"
    assert failing in diary.lines


def test_one_that_cannot_be_taken_away_is_told() -> None:
    """A provider that fails to take its thing away keeps no other from it, and the exit code says what is left."""
    diary = Diary("take u away")
    report = scenario(diary).provide("shelf", Shelf(diary, "s")).provide("unused", Shelf(diary, "u")).run()
    assert diary.lines[-2:] == ["take u away", "take s away"]
    assert report.verdict is Verdict.FAIL
    assert report.exit_code is ExitCode.FAULTS_LEFT


def test_one_that_never_returns_is_given_up() -> None:
    """A provider that hangs is given up at the deadline of hooks; one that comes back takes its thing away itself."""
    diary, go_on, gone = Diary(), threading.Event(), threading.Event()

    class Hangs:
        kind: ClassVar[str] = "hangs"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[None]:
            go_on.wait(30)
            try:
                yield
            finally:
                gone.set()

    report = scenario(diary).provide("shelf", Hangs()).limit(hook="50ms").run()
    assert report.verdict is Verdict.UNKNOWN
    assert "did not return" in report.troubles[0].error.message
    assert diary.lines == []
    go_on.set()
    assert gone.wait(30)


def test_a_run_that_is_interrupted_meanwhile_makes_no_more() -> None:
    """A run that is cancelled while something is made finishes making it, takes it away, and sets nothing up."""
    diary = Diary()
    reached, go_on = threading.Event(), threading.Event()

    class Slow(Shelf):
        @contextmanager
        def _open(self, site: Site) -> Iterator[str]:
            reached.set()
            assert go_on.wait(30)
            with super()._open(site) as made:
                yield made

    async def cancelled() -> None:
        run = asyncio.create_task(
            scenario(diary).provide("shelf", Slow(diary, "s")).provide("more", Shelf(diary, "m")).arun()
        )
        assert await asyncio.to_thread(reached.wait, 30)
        run.cancel()
        await asyncio.sleep(0.01)  # the run hears of it on the loop
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    assert diary.lines == ["make s, shelf beside []", "take s away"]


def test_a_provider_has_no_fault_to_tell_of() -> None:
    """A provider that says a fault landed is wrong, and the run is unknown."""

    class Boasts:
        kind: ClassVar[str] = "boasts"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[None]:
            site.landed("boasts", "here", "")
            yield

    report = scenario(Diary()).provide("shelf", Boasts()).run()
    assert "a provider brings no fault" in report.troubles[0].error.message


def test_what_a_provider_raises_is_its_own() -> None:
    """The error of a provider is told with its text, as that of any hook."""
    error = PlannedError("the shelf is full")

    class Full:
        kind: ClassVar[str] = "full"
        undo: ClassVar[Undo] = Undo.KERNEL

        def open(self, site: Site) -> Any:
            raise error

    report = scenario(Diary()).provide("shelf", Full()).run()
    assert report.troubles[0].error.message == "the shelf is full"
