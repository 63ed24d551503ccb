"""Nothing is lost and nothing doubled, whatever the threads do: counts, faults, and arming in the middle of it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from chaos_failpoint import Failpoint, arm, armed, disarm, failpoint, failpoints
from chaos_failpoint.arming import Arming
from chaos_failpoint.handles import NO_LULL
from chaoscore.testing import run_once

THREADS = 8


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    """The interpreter switches threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    """Let *work* happen in so many threads that begin together, and see that none of them raises."""
    together, errors = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        together.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - it is shown below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []


@pytest.mark.parametrize(
    ("terms", "fires"),
    [
        ("0%yield", 0),
        ("100*yield", 100),
        ("1000+50*yield->7*off->3*yield", 53),
        ("50%200*yield", 200),
        ("yield", None),
        ("90%off->yield", "some"),
    ],
)
def test_hits_and_faults_are_exact(fp: Failpoint, terms: str, fires: int | str | None) -> None:
    """Eight threads, 40,000 hits: each one is counted once, and no fault is lost or doubled."""
    hits = 5_000

    def work(number: int) -> None:
        for _ in range(hits):
            if fp.armed:
                fp.hit()

    with armed("db.commit", terms, scope="process") as it:
        in_threads(work)
    total = THREADS * hits
    assert it.hits == total
    assert it.waiting == 0
    if fires == "some":
        assert 0.08 * total < it.fired < 0.12 * total
    else:
        assert it.fired == (total if fires is None else fires)


@pytest.mark.parametrize("terms", ["0%yield", "10%300*yield", "200*yield"])
def test_without_a_gil(fp: Failpoint, monkeypatch: pytest.MonkeyPatch, terms: str) -> None:
    """Where hits must not be counted without a lock, as on free-threaded builds, everything is counted with one."""
    for module in ("arming", "engine"):
        monkeypatch.setattr(f"chaos_failpoint.{module}.LULLS", False)

    def work(number: int) -> None:
        for _ in range(1_000):
            fp.hit()

    with armed("db.commit", terms, scope="process") as it:
        in_threads(work)
        assert fp._lull is NO_LULL
    assert it.hits == THREADS * 1_000
    assert it.fired == {"0%yield": 0, "10%300*yield": 300, "200*yield": 200}[terms]


def test_values_are_handed_out_once(fp: Failpoint) -> None:
    """Of ``1000*return(1)``, eight threads get exactly 1,000 values."""
    got: list[int] = []

    def work(number: int) -> None:
        got.extend(1 for _ in range(2_000) if fp.hit() is not None)

    with armed("db.commit", "30%1000*return(1)", scope="process"):
        in_threads(work)
    assert len(got) == 1_000


def test_hits_are_exact_in_a_run(fp: Failpoint) -> None:
    """In a run with eight workers each hit is counted once as well, and every fault has its event."""
    recording = run_once(
        lambda _: [fp.hit() for _ in range(500)] and None,
        inject=failpoints("*", "2%yield"),
        repeat=64,
        workers=THREADS,
    )
    (injection,) = recording.report.injections
    assert injection.asked == 64 * 500
    assert injection.fired == sum(type(each).__name__ == "Fired" for each in recording.events)
    assert fp.hits == 64 * 500


@pytest.mark.parametrize("hits", [40_000, pytest.param(125_000, marks=pytest.mark.slow)])
def test_arming_in_the_middle(fp: Failpoint, hits: int) -> None:
    """While eight threads and fifty tasks hit, two others arm and disarm in mixed order: nothing is lost or doubled."""
    over = threading.Event()
    blocks: list[Arming] = []
    got: list[int] = []

    def toggle(number: int) -> None:
        while not over.is_set():
            first = armed("db.commit", "20%return(1)", scope="process")
            second = armed("db.commit", "3*return(1)", scope="process")
            blocks.extend([first.__enter__(), second.__enter__()])
            first.__exit__(None, None, None)
            second.__exit__(None, None, None)

    async def tasks() -> None:
        async def hit() -> None:
            got.extend([1 for _ in range(50) if fp.armed and await fp.ahit() is not None])

        await asyncio.gather(*(hit() for _ in range(50)))

    def work(number: int) -> None:
        if number == 0:
            asyncio.run(tasks())
        got.extend(1 for _ in range(hits) if fp.armed and fp.hit() is not None)

    togglers = [threading.Thread(target=toggle, args=(number,)) for number in range(2)]
    for each in togglers:
        each.start()
    try:
        in_threads(work)
    finally:
        over.set()
        for each in togglers:
            each.join()
    assert not fp.armed
    assert len(got) == sum(each.fired for each in blocks) > 0


def test_paused_threads_are_counted(fp: Failpoint) -> None:
    """Those who are held are counted while they are, and nobody is left over."""
    arm("db.commit", "pause")
    threads = [threading.Thread(target=fp.hit) for _ in range(THREADS)]
    for each in threads:
        each.start()
    fp.wait_until_fired(THREADS)
    assert fp.waiting == THREADS
    disarm("db.commit")
    for each in threads:
        each.join()
    assert fp.waiting == 0


def test_declaring_in_many_threads() -> None:
    """Many threads that reach a one-line failpoint for the first time declare one, and only one."""
    found: list[object] = []

    def reach(number: int) -> None:
        found.extend(failpoint.hit(f"cold.{each}") for each in range(100))

    in_threads(reach)
    from chaos_failpoint import registry

    assert sorted(registry.HANDLES) == sorted(f"cold.{each}" for each in range(100))
