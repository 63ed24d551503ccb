"""Hand-made event streams."""

from typing import Any

from chaoscore.events import (
    SCHEMA,
    Ended,
    ErrorInfo,
    Event,
    ExpectationInfo,
    Fired,
    Found,
    InjectionInfo,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    RunStarted,
    StepEnded,
    Stopped,
    Stuck,
    Trouble,
)
from chaoscore.verdict import PRESETS, Severity, Verdict

REAL = ErrorInfo(
    "sqlite3.OperationalError",
    "database is locked",
    where="/srv/ann/shop/jobs.py:41 in claim",
    traceback="Traceback (most recent call last):\n"
    '  File "/srv/ann/shop/jobs.py", line 41, in claim\n'
    "    db.execute(SQL)\n"
    "sqlite3.OperationalError: database is locked\n",
)
INJECTED = ErrorInfo(
    "chaoscore.errors.InjectedError", "injected", injected_by="db.error", where="/srv/ann/shop/jobs.py:39 in claim"
)


def started(**parts: Any) -> RunStarted:
    """Return the first event of a run of two workers, with *parts* in place of its own."""
    values: dict[str, Any] = {
        "at": 0.0,
        "schema": SCHEMA,
        "run_id": "20261120-142001-abc123",
        "scenario": "job-claim",
        "seed": 42,
        "wall": 1795184401.0,
        "workload": "8 iterations, 2 workers",
        "target": "racy queue",
        "steps": ("claim", "finish"),
        "injections": (),
        "expectations": (),
        "thresholds": PRESETS["default"].as_dict(),
        "environment": {"chaoscore": "0.1.0", "python": "CPython 3.11.7"},
        "rerun": "chaoscore run jobs.py --seed 42",
        "rerun_one": "chaoscore run jobs.py --seed 42 --only-iteration {iteration}",
        "workers": 2,
        "iterations": 8,
    }
    return RunStarted(**{**values, **parts})


def iteration(
    number: int,
    outcome: Outcome = Outcome.OK,
    error: ErrorInfo | None = None,
    step: str = "claim",
    took_s: float = 0.01,
) -> list[Event]:
    """Return the end of a step and of its iteration."""
    at, worker = (number + 1) / 10, number % 2
    return [
        StepEnded(at, worker, number, step, outcome, took_s, error),
        IterationEnded(at, worker, number, outcome, took_s),
    ]


def found(message: str = "job 17 assigned to 3 bots", **parts: Any) -> Found:
    """Return a critical finding of the validator ``no-double``, with *parts* in place of its own."""
    values: dict[str, Any] = {
        "at": 0.5,
        "validator": "no-double",
        "severity": Severity.CRITICAL,
        "message": message,
        "verdict": Verdict.FAIL,
    }
    return Found(**{**values, **parts})


def fired(injector: str = "pause", point: str = "before:claim", where: str = "", n: int = 0) -> Fired:
    return Fired(0.2, injector, "delay", point, where, 0, 0, (), n, "5.000 ms")


def trouble(who: str, hook: str, verdict: Verdict = Verdict.UNKNOWN, message: str = "no such process") -> Trouble:
    error = ErrorInfo("ProcessLookupError", message, where="/srv/ann/shop/faults.py:7 in lift")
    return Trouble(0.9, who, hook, error, verdict)


def passing() -> list[Event]:
    """Return a run in which everything is well and the one fault landed."""
    return [
        started(injections=(InjectionInfo("pause", "delay", {"at": None}),)),
        Phase(0.01, "workload"),
        Opened(0.02, "pause"),
        fired(),
        *(event for number in range(8) for event in iteration(number)),
        Lifted(0.95, "pause", 8, 1),
        Ended(1.0),
    ]


def failing() -> list[Event]:
    """Return a run in which much goes wrong."""
    pause = InjectionInfo("pause", "delay", {"at": "before:claim"}, undo="kernel")
    error = InjectionInfo("db.error", "error", {"at": None}, scope="db", undo="kernel")
    silent = InjectionInfo("panic", "panic", {"at": None}, undo="kernel")
    return [
        started(
            injections=(pause, error, silent),
            expectations=(
                ExpectationInfo("no-double", "state_consistency", {}),
                ExpectationInfo("threads", "thread_limit", {"limit": 200}),
            ),
        ),
        Phase(0.01, "workload"),
        *(Opened(0.02, name) for name in ("pause", "db.error", "panic")),
        *(fired(n=n) for n in range(3)),
        fired("db.error", "db.read", "/srv/ann/shop/jobs.py:39 in claim"),
        *(event for number in range(3) for event in iteration(number)),
        *iteration(3, Outcome.FAILED, REAL),
        *iteration(4, Outcome.FAULTED, INJECTED),
        *iteration(5, Outcome.FAILED, REAL),
        Stuck(0.65, 0, 6, "finish", 5.0, '  File "/srv/ann/shop/jobs.py", line 60, in finish\n    lock.acquire()\n'),
        *iteration(6, Outcome.STUCK, step="finish", took_s=5.0),
        found(at=0.71, worker=1, iteration=3, step="claim", active=("pause", "db.error")),
        found("job 9 assigned to 2 bots", at=0.72, worker=0, iteration=5),
        *iteration(7, Outcome.CANCELLED),
        Stopped(0.8, "at the first failure, in iteration 3", Verdict.FAIL),
        Lifted(0.9, "panic", 8, 0),
        Lifted(0.91, "db.error", 8, 1, {"rows": 3}),
        trouble("injector 'pause'", "lift", Verdict.FAIL),
        trouble("reporter 'json'", "follow", Verdict.UNSTABLE, "disk full"),
        Ended(1.0),
    ]
