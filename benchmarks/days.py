"""A day of a shop as events: what a run of 24 hours leaves in its log, made in a second and the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from chaoscore import (
    Ended,
    ErrorInfo,
    Event,
    Fired,
    Found,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    RunStarted,
    Sampled,
    Severity,
    StepEnded,
    Verdict,
    show_seconds,
)
from chaoscore.testing import hostile_run

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
STEPS = ("reserve", "pay")
TRACEBACK = (
    'Traceback (most recent call last):\n  File "shop/api.py", line 31, in reserve\n    worker.call(order)\n'
    '  File "shop/workers.py", line 64, in call\n    raise WorkerLost(order)\n'
)
STACK = 'File "shop/stock.py", line 88, in take\n    self.left -= count\nFile "shop/api.py", line 31, in reserve'
SLOW, DOWN, KILL = "slow database", "payment errors", "kill worker"


def day(length_s: int = DAY_S, per_s: int = 1, *, ended: bool = True) -> Iterator[Event]:
    """
    Yield the events of a run of *length_s* seconds in which everything that happens in 24 hours happens.

    Args:
        length_s: Seconds that the run takes.
        per_s: Iterations each second, of two steps each.
        ended: False: the log breaks off, as that of a run that was killed.
    """
    yield started(length_s)
    for name in ("setup", "steady state", "inject", "workload"):
        yield Phase(0.01, name)
    chance, shop = Random(7), _Shop(length_s)
    iteration = 0
    for second in range(length_s):
        yield from shop.turn(second)
        for part in range(per_s):
            yield from shop.iteration(iteration, second + (part + 0.5) / per_s, chance)
            iteration += 1
        yield Sampled(second + 0.999, 14 + second % 3, second * 0.031, shop.rss_bytes(second), 41 + second % 5)
    if ended:
        yield from shop.close(length_s)
        yield Phase(float(length_s), "teardown")
        yield Ended(float(length_s))


def started(length_s: int) -> RunStarted:
    """Return the first event of that run."""
    model, *_ = hostile_run("")
    assert isinstance(model, RunStarted)
    info, expectation = type(model.injections[0]), type(model.expectations[0])
    return RunStarted(
        at=0.0,
        schema=model.schema,
        run_id="20260302-000000-c0ffee",
        scenario="shop under load",
        seed=7145,
        wall=1_772_409_600.0,
        workload=f"2 workers, for {f'{length_s / HOUR_S:g} h' if length_s >= HOUR_S else show_seconds(length_s)}",
        target="shop",
        steps=STEPS,
        injections=(
            info(SLOW, "sql.delay", {"low_s": 0.05, "high_s": 0.4}, "db", "every other hour", "kernel"),
            info(DOWN, "error", {"exception": "ConnectionError", "probability": 0.2}, None, "8 h to 11 h", "kernel"),
            info(KILL, "process.kill", {"signal": "SIGKILL"}, None, "three times", "journal"),
        ),
        expectations=(
            expectation("stock never negative", "state_consistency", {}),
            expectation("p99 below 1 s", "execution_time", {"limit_s": 1.0}, Severity.WARNING),
            expectation("no thread leak", "thread_limit", {"limit": 64}),
        ),
        thresholds={"min_success_rate": 0.97, "max_p99_s": 1.0},
        environment={"chaoscore": "0.1.0", "python": "3.12.3", "platform": "Linux x86_64"},
        rerun="chaoscore run shop.toml --for 24h --seed 7145",
        rerun_one="chaoscore run shop.toml --seed 7145 --only-iteration {iteration}",
        workers=2,
        run_for_s=float(length_s),
    )


class _Shop:
    """What is open when, and how the shop takes it."""

    def __init__(self, length_s: int) -> None:
        self._unit = length_s // 24 or 1
        self._open: set[str] = set()
        self._fired = dict.fromkeys((SLOW, DOWN, KILL), 0)

    def turn(self, second: int) -> Iterator[Event]:
        """Yield what opens and closes in this second."""
        hour, part = divmod(second, self._unit)
        wanted = {
            SLOW: bool(hour % 2) and part < self._unit / 3,
            DOWN: 8 <= hour < 11,
            KILL: hour in {5, 14, 20} and self._unit / 2 <= part < self._unit / 2 + max(self._unit / 40, 1),
        }
        for name, wants in wanted.items():
            if wants and name not in self._open:
                self._open.add(name)
                yield Opened(float(second), name)
                if name == KILL:
                    yield self._fire(name, "kill", "outside", second + 0.1, 0, f"worker, pid {4000 + hour}")
            elif not wants and name in self._open:
                yield from self._lift(name, second)

    def close(self, second: int) -> Iterator[Event]:
        """Yield the end of what is still open."""
        for name in sorted(self._open):
            yield from self._lift(name, second)

    def iteration(self, number: int, at: float, chance: Random) -> Iterator[Event]:
        """Yield one iteration."""
        worker, took = number % 2, []
        for step in STEPS:
            duration = chance.lognormvariate(-4.2 if step == "pay" else -5.0, 0.45)
            error, outcome = None, Outcome.OK
            if SLOW in self._open and step == "reserve":
                duration += chance.uniform(0.05, 0.4)
                yield self._fire(SLOW, "delay", "sql.execute", at, number, "SELECT stock", worker, step)
            if DOWN in self._open and step == "pay" and chance.random() < 0.2:
                yield self._fire(DOWN, "raise", "payment.call", at, number, "ConnectionError", worker, step)
                if chance.random() < 0.3:
                    outcome = Outcome.FAULTED
                    error = self._error("ConnectionError", "payment: refused by injector", DOWN)
            if KILL in self._open and chance.random() < 0.4:
                duration, outcome = duration + 1.5, Outcome.FAILED
                error = self._error("shop.errors.WorkerLost", f"order {number}: worker {worker} went away", None)
            took.append(duration)
            yield StepEnded(at, worker, number, step, outcome, duration, error)
            if outcome is not Outcome.OK:
                break
        yield IterationEnded(at, worker, number, outcome, sum(took))
        yield from self._judged(number, at, worker, sum(took))

    def _judged(self, number: int, at: float, worker: int, took_s: float) -> Iterator[Event]:
        active = tuple(sorted(self._open))
        if KILL in self._open and number % 29 == 0:
            text = f"stock of item {number % 50} is -{number % 3 + 1}, and must not be below 0"
            where = (worker, number, "reserve", active, STACK)
            yield Found(at, "stock never negative", Severity.CRITICAL, text, Verdict.FAIL, *where)
        if took_s > 1.4:
            text = f"an iteration took {took_s:.2f} s; the limit is 1 s"
            yield Found(at, "p99 below 1 s", Severity.WARNING, text, Verdict.UNSTABLE, worker, number, None, active)

    def rss_bytes(self, second: int) -> int:
        """Return the memory of a process that leaks a little."""
        return int(92e6 + 40e6 * second / (24 * self._unit) + 3e6 * ((second // self._unit) % 3))

    def _fire(
        self, name: str, fault: str, point: str, at: float, number: int, detail: str, worker: int = 0, step: str = ""
    ) -> Fired:
        self._fired[name] += 1
        where = "shop/db.py:41" if point.startswith("sql") else "shop/payment.py:17" if step else detail
        return Fired(at, name, fault, point, where, worker, number, (), self._fired[name], detail, step)

    def _lift(self, name: str, second: int) -> Iterator[Event]:
        self._open.discard(name)
        fired, self._fired[name] = self._fired[name], 0
        yield Lifted(float(second), name, None if name == KILL else fired * 2, fired)

    def _error(self, kind: str, message: str, injected_by: str | None) -> ErrorInfo:
        traceback = "" if injected_by else f"{TRACEBACK}{kind}: {message}"
        return ErrorInfo(kind, message, injected_by, "shop/payment.py:17 in charge", traceback)
