"""A million calls while two togglers arm and disarm: none is lost, none is doubled, and everything is put back."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from chaos_patch.engine import AttributeSeat, Call, CodeSeat, Patches, Seat

THREADS, TASKS = 8, 50
CALLS_IN_THREADS, CALLS_IN_TASKS = 120_000, 1_000
ROUNDS = 40
"""How often each toggler arms and disarms everything, at least."""

PLACES = threading.local()
"""Where the thread that runs a function counts that it did."""


def plain(number: int) -> int:
    PLACES.runs += 1
    return number + 1


class Service:
    def __init__(self, offset: int) -> None:
        self.offset = offset

    def method(self, number: int) -> int:
        PLACES.runs += 1
        return number + self.offset

    @staticmethod
    def static(number: int) -> int:
        PLACES.runs += 1
        return number + 1


def generator(number: int) -> Iterator[int]:
    PLACES.runs += 1
    yield number
    yield number + 1


async def coroutine(number: int) -> int:
    PLACES.runs += 1
    if number % 8 == 0:
        await asyncio.sleep(0)
    return number + 1


async def asynchronous_generator(number: int) -> AsyncIterator[int]:
    PLACES.runs += 1
    yield number
    if number % 8 == 0:
        await asyncio.sleep(0)
    yield number + 1


class Balanced:
    """A hook that counts beginnings and ends, which must come out even."""

    def __init__(self) -> None:
        self.began = self.ended = 0

    def before(self, ticket: Any, call: Call) -> None:
        self.began += 1

    async def abefore(self, ticket: Any, call: Call) -> None:
        self.began += 1

    def value(self, ticket: Any, call: Call) -> None:
        return

    def after(self, ticket: Any, call: Call) -> None:
        self.ended += 1

    async def aafter(self, ticket: Any, call: Call) -> None:
        self.ended += 1


class Toggler(threading.Thread):
    """Puts its own hook on each of the seats and takes it away, in another order than it came."""

    def __init__(self, patches: Patches, seats: list[Seat], backwards: bool) -> None:
        super().__init__()
        self.patches, self.seats, self.backwards = patches, seats, backwards
        self.hook, self.over, self.rounds = Balanced(), threading.Event(), 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.over.is_set():
                arms = [self.patches.arm(seat, self.hook) for seat in self.seats]
                for armed in reversed(arms) if self.backwards else arms:
                    armed.disarm()
                self.rounds += 1
        except BaseException as failure:  # noqa: BLE001 - the test raises it
            self.failure = failure


class Load:
    """What the threads and tasks do, and what came of it."""

    def __init__(self, togglers: list[Toggler]) -> None:
        self.togglers = togglers
        self.made: list[int] = []
        self.ran: list[int] = []
        self.wrong: list[Any] = []

    def goes_on(self) -> bool:
        """Tell whether the patches have not changed often enough yet."""
        return any(each.rounds < ROUNDS and each.is_alive() for each in self.togglers)

    def in_thread(self, calls: list[Callable[[int], int]], counted: int) -> None:
        """Make the calls in turn, of which the first *counted* can count that they ran."""
        PLACES.runs = number = 0
        while number < CALLS_IN_THREADS // len(calls) or self.goes_on():
            for call in calls:
                if call(number) != number + 1:
                    self.wrong.append((call, number))
            number += 1
        self.made.append(number * counted)
        self.ran.append(PLACES.runs)

    async def in_tasks(self) -> None:
        PLACES.runs = 0
        await asyncio.gather(*(self.in_task() for _ in range(TASKS)))
        self.ran.append(PLACES.runs)

    async def in_task(self) -> None:
        number = 0
        while number < CALLS_IN_TASKS or self.goes_on():
            if await coroutine(number) != number + 1:
                self.wrong.append(("coroutine", number))
            if [each async for each in asynchronous_generator(number)] != [number, number + 1]:
                self.wrong.append(("asynchronous generator", number))
            number += 1
        self.made.append(2 * number)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_switches")
def test_no_call_is_lost_or_doubled() -> None:
    """8 threads and 50 tasks make over a million calls while two togglers change the patches in mixed order."""
    home = ModuleType("patched_stress")
    home_names = vars(home)
    home_names["absolute"] = abs
    functions: list[Any] = [plain, Service.method, Service.static, generator, coroutine, asynchronous_generator]
    codes = [each.__code__ for each in functions]
    seats: list[Seat] = [*map(CodeSeat, functions), AttributeSeat(home, "absolute")]
    patches = Patches(lambda: True)
    calls: list[Callable[[int], int]] = [
        plain,
        Service(1).method,
        Service.static,
        lambda number: list(generator(number))[1],
        lambda number: home_names["absolute"](-number) + 1,
    ]
    togglers = [Toggler(patches, seats, False), Toggler(patches, seats[::-1], True)]
    load = Load(togglers)
    workers = [threading.Thread(target=load.in_thread, args=(calls, len(calls) - 1)) for _ in range(THREADS)]
    for each in (*togglers, *workers):
        each.start()
    asyncio.run(load.in_tasks())
    for worker in workers:
        worker.join()
    for toggler in togglers:
        toggler.over.set()
        toggler.join()
        assert toggler.failure is None, toggler.failure

    assert sum(load.made) + THREADS * CALLS_IN_THREADS // len(calls) >= 1_000_000
    assert load.wrong == []
    assert sum(load.ran) == sum(load.made)
    assert all(toggler.rounds >= ROUNDS for toggler in togglers)
    assert all(toggler.hook.began == toggler.hook.ended > 0 for toggler in togglers)
    assert [each.__code__ for each in functions] == codes
    assert all(each.__code__ is code for each, code in zip(functions, codes, strict=True))
    assert home_names["absolute"] is abs
    assert patches.armed == ()
