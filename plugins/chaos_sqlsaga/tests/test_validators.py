"""Rules as validators: what they are told in a run, what they read at its end, and what their findings say."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

import chaos_sqlsaga
from chaos_sqlsaga import SagaEvent, What, promises, record_saga_event
from chaoscore import Event, Fired, Lifted, Moment, Opened, Recorded, Scenario, Severity, Verdict, current_place
from chaoscore.injectors import delay
from chaoscore.testing import FakeClock, check_validator, judge, run_once

STEPS = {"steps": {"pay": promises(retries=2, idempotent=True, compensated=True), "mail": promises(idempotent=False)}}

GOOD: list[tuple[Any, ...]] = [
    ("began", None, 0, STEPS),
    ("started", "pay", 1, {}),
    ("done", "pay", 1, {}),
    ("started", "mail", 1, {}),
    ("failed", "mail", 1, {"last": True}),
    ("rollback_began", None, 0, {}),
    ("compensating", "pay", 1, {}),
    ("compensated", "pay", 1, {}),
    ("rollback_ended", None, 0, {}),
    ("ended", None, 0, {"state": "failed"}),
]

ONCE = ("started", "mail", 1, {"takeover": True})
BROKEN: dict[str, list[tuple[Any, ...]]] = {
    "ends": GOOD[:-1],
    "mirrors": [*GOOD[:8], *GOOD[6:]],
    "forward": [*GOOD[:6], ("started", "pay", 2, {}), *GOOD[6:]],
    "calls": [*GOOD[:2], GOOD[1], *GOOD[2:]],
    "once": [*GOOD[:4], ONCE, *GOOD[4:]],
    "rollback_depth": [*GOOD[:6], GOOD[5], *GOOD[6:]],
    "invariants": [*GOOD[:5], *GOOD[9:]],
}
MAKE: dict[str, Any] = {
    "rollback_depth": partial(chaos_sqlsaga.rollback_depth, 1, rollbacks=1),
    "progress": partial(chaos_sqlsaga.progress, "5s"),
}


def recorded(history: Iterable[tuple[Any, ...]], saga: str = "1", every_s: float = 0.1) -> list[Event]:
    """The events of a run in which *history* was told."""
    return [
        Recorded(
            number * every_s, "saga", 0, 0, "step", None,
            {"saga": saga, "what": what, "step": step, "attempt": attempt, "definition": "order", "worker": "",
             "detail": detail},
        )
        for number, (what, step, attempt, detail) in enumerate(history)
    ]  # fmt: skip


def make(kind: str) -> Any:
    return MAKE.get(kind) or getattr(chaos_sqlsaga, kind)


@pytest.mark.parametrize("kind", BROKEN)
def test_validators_conform(kind: str) -> None:
    """Each validator holds where all is well, finds what is broken, and keeps nothing from one run to the next."""
    check_validator(make(kind), holds=recorded(GOOD), broken=recorded(BROKEN[kind]))


def test_the_validator_of_progress_conforms() -> None:
    """One that moves every 100 ms passes, and one that moves every 6 s does not."""
    check_validator(make("progress"), holds=recorded(GOOD), broken=recorded(GOOD, every_s=6))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_history_that_is_read_is_judged_like_one_that_is_told(kind: str) -> None:
    """What a function of the target returns is judged at the end, with the same findings."""
    rows = {"good": GOOD, "broken": BROKEN[kind]}

    def history(target: str) -> list[SagaEvent]:
        return [
            SagaEvent("1", what, step, attempt=attempt, detail=detail) for what, step, attempt, detail in rows[target]
        ]

    reading = make(kind)(history=history)
    assert judge(reading, target="good") == []
    told = judge(make(kind)(), recorded(BROKEN[kind]))
    read = judge(reading, target="broken")
    assert [(each.step, each.data["rule"]) for each in told] == [(each.step, each.data["rule"]) for each in read] != []


class Growing:
    """A history that has one more event each time that it is read."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = list(rows)
        self.readings = 0

    def read(self) -> list[SagaEvent]:
        self.readings += 1
        rows, self._rows = (self._rows[:5], self._rows[5:])
        now_s = FakeClock().wall()
        return [
            SagaEvent("1", what, step, attempt=attempt, detail=detail, at_s=now_s)
            for what, step, attempt, detail in rows
        ]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_history_that_grows_is_judged_while_it_does(kind: str) -> None:
    """What is read piece by piece, during the run and at its end, brings the same findings."""
    good, broken = Growing(GOOD), Growing(BROKEN[kind])
    assert judge(make(kind)(history=lambda _: good, every="1s")) == []
    assert judge(make(kind)(history=lambda _: broken, every="1s")) != []
    assert good.readings == broken.readings == 2


def test_a_history_that_does_not_grow_is_not_read_again() -> None:
    """With every=, a history that cannot be read again is an error that says what it should be."""
    with pytest.raises(TypeError, match="such as Tail"):
        judge(chaos_sqlsaga.ends(history=lambda _: [], every="1s"))


def test_a_finding_names_instance_step_and_the_faults_of_its_time() -> None:
    """A finding names the saga, the step, the injectors that were open while it lived, and how often they struck."""
    events: list[Event] = [
        Opened(0.0, "early"), Lifted(0.5, "early"),
        Opened(0.8, "slow"), Opened(0.9, "panic"),
        *(later(each, 1.0) for each in recorded(BROKEN["calls"])),
    ]  # fmt: skip
    events.insert(6, Fired(1.05, "panic", "panic", "saga.handler", "", 0, 0, (), 0))
    [found] = judge(chaos_sqlsaga.calls(), events)
    assert found.message.startswith("saga 1 (order), step 'pay': it was called (attempt 1) while attempt 1 ran")
    assert found.message.endswith("; active meanwhile: panic (1 x), slow")
    assert found.step == "pay"
    assert found.data["active"] == ["panic", "slow"]
    assert found.data["struck"] == {"panic": 1}


def later(event: Event, by_s: float) -> Recorded:
    assert isinstance(event, Recorded)
    return Recorded(event.at + by_s, event.name, 0, 0, event.step, None, event.detail)


def test_a_saga_that_stands_still_is_found_while_the_run_goes_on() -> None:
    """A saga that has not moved for longer than the limit is found at a look during the run, once."""
    clock = FakeClock()
    found = judge(chaos_sqlsaga.progress("5s"), [*recorded(GOOD[:3]), Opened(9.0, "x")], clock=clock)
    assert [(each.step, each.data["rule"]) for each in found] == [("pay", "progress")]
    assert "nothing happened for 8.8 s after done of 'pay', at most 5 s allowed" in found[0].message


def test_a_run_that_tells_of_no_saga_is_not_green() -> None:
    """Where nobody told of any saga, the run is unknown, and the error says what to do."""
    recording = run_once(expect=chaos_sqlsaga.ends())
    assert recording.report.verdict is Verdict.UNKNOWN
    assert "record_saga_event" in recording.report.troubles[0].error.message


def test_what_code_tells_in_a_run_is_judged() -> None:
    """A double call that a step's code tells of with `record_saga_event` is found in the run."""

    def step(target: object) -> None:
        for what, name, attempt, detail in BROKEN["calls"]:
            record_saga_event("o-1", what, name, attempt=attempt, definition="order", **detail)

    scenario = Scenario("mine").target(object()).step("buy", step).inject("slow", delay("1ms", at="before:buy"))
    report = scenario.expect("called as promised", chaos_sqlsaga.calls()).run()
    assert report.verdict is Verdict.FAIL
    assert "saga o-1 (order), step 'pay'" in report.findings[0].first.message


def test_what_is_no_event_is_refused_where_it_is_told() -> None:
    """A word that stands for no event is an error in the code that says it, in a run or outside one."""
    with pytest.raises(ValueError, match="payed"):
        record_saga_event("1", "payed")


def test_findings_are_bounded_and_counted() -> None:
    """A hundred findings are shown, and the last says how many there are."""
    events = [each for number in range(150) for each in recorded(GOOD[:-1], str(number))]
    found = judge(chaos_sqlsaga.ends(), events)
    assert len(found) == 101
    assert found[-1].message == "... and 50 more, 150 in all"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: chaos_sqlsaga.progress("0s"),
        lambda: chaos_sqlsaga.rollback_depth(0),
        lambda: chaos_sqlsaga.ends(every="1s"),
        lambda: chaos_sqlsaga.ends(history=lambda _: [], every="0s"),
        lambda: chaos_sqlsaga.ends(history="no function"),  # type: ignore[arg-type]
        lambda: chaos_sqlsaga.queue_empty(None),  # type: ignore[arg-type]
        lambda: chaos_sqlsaga.consistent(list, every=0),
    ],
)
def test_wrong_parameters_are_refused(wrong: Any) -> None:
    """What cannot be meant cannot be built."""
    with pytest.raises((TypeError, ValueError)):
        wrong()


# -- the queue, and the rows


class Shop:
    """A target with something left to do, and with books."""

    def __init__(self) -> None:
        self.left: Any = 0
        self.state = "failed"

    def serve(self) -> None: ...

    def leave_work(self) -> None:
        self.left = {"running": 2, "dlq": 0}

    def forge(self) -> None:
        self.state = "completed"

    def books(self) -> list[chaos_sqlsaga.Book]:
        history = [SagaEvent("1", what, step, attempt=attempt, detail=detail) for what, step, attempt, detail in GOOD]
        return [chaos_sqlsaga.Book("1", self.state, {"pay": "rolled_back", "mail": "failed"}, history)]


def test_the_check_of_the_queue_conforms() -> None:
    """An empty queue passes, and what is left in it is found."""
    make = partial(chaos_sqlsaga.queue_empty, lambda shop: shop.left)
    check_validator(make, holds=Shop.serve, broken=Shop.leave_work, target=Shop)


def test_the_check_of_the_rows_conforms() -> None:
    """Rows that say what the history says pass, and others are found."""
    make = partial(chaos_sqlsaga.consistent, Shop.books)
    check_validator(make, holds=Shop.serve, broken=Shop.forge, target=Shop)


def test_the_queue_may_take_its_time() -> None:
    """A queue that is empty within the time that it has passes; what is still there afterwards is counted by kind."""
    looks = iter([3, 2, 0])
    assert judge(chaos_sqlsaga.queue_empty(lambda _: next(looks), within="1s")) == []
    [found] = judge(chaos_sqlsaga.queue_empty(lambda _: {"running": 2, "dlq": 0}, within="1s"))
    assert found.message == "the queue is not empty after 1 s: 2 running"


@pytest.mark.parametrize(
    ("state", "steps", "text"),
    [
        (
            "completed",
            {"pay": "rolled_back", "mail": "failed"},
            "has it as 'completed', and by its history it is 'failed'",
        ),
        ("running", {"pay": "rolled_back", "mail": "failed"}, "has it as 'running', and by its history it is 'failed'"),
        ("failed", {"pay": "completed", "mail": "failed"}, "has it as 'completed', its history as 'rolled_back'"),
        ("failed", {"pay": "rolled_back"}, "has it as 'not there', its history as 'failed'"),
        ("failed", {"pay": "rolled_back", "mail": "failed", "ship": "completed"}, "'ship': the database has it as"),
    ],
)
def test_rows_that_contradict_the_history_are_found(state: str, steps: dict[str, str], text: str) -> None:
    """A saga or a step that stands elsewhere than its history says is found, and named."""
    shop = Shop()
    [book] = shop.books()
    [found] = judge(chaos_sqlsaga.consistent(lambda _: [chaos_sqlsaga.Book("1", state, steps, book.history)]))
    assert text in found.message


def test_rows_that_nobody_told_of_are_found() -> None:
    """A saga in the database without a history is found."""
    [found] = judge(chaos_sqlsaga.consistent(lambda _: [chaos_sqlsaga.Book("9", "completed", {}, [])]))
    assert found.message == "saga 9: the database has it as 'completed', and nothing is told of it"


# -- other engines' tables


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The table of an engine that uses words of its own."""
    path = tmp_path / "orders.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, order_id, verb, activity, try, at)")
        words = {"began": "NEW", "started": "CALL", "done": "OK", "compensating": "UNDO", "compensated": "UNDONE"}
        rows = [(7, words.get(what, what), step, attempt, 1e9) for what, step, attempt, _ in GOOD]
        rows.insert(1, (7, "NOTE", None, 0, 1e9))
        connection.executemany("INSERT INTO log (order_id, verb, activity, try, at) VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany("UPDATE log SET verb = ? WHERE verb = ?", [("LOST", "failed")])
    connection.close()
    return path


QUERY = """
    SELECT order_id AS saga, verb AS what, activity AS step, try AS attempt, at AS at_s, 'order' AS definition,
           CASE verb WHEN 'ended' THEN '{"state": "failed"}' WHEN 'LOST' THEN '{"last": true}' END AS detail
    FROM log ORDER BY id
"""
WORDS: dict[Any, Any] = {
    "NEW": What.BEGAN, "CALL": "started", "OK": "done", "UNDO": "compensating", "UNDONE": "compensated",
    "LOST": "failed", "NOTE": None,
}  # fmt: skip


def test_the_tables_of_another_engine_are_judged(log: Path) -> None:
    """A query that maps columns and words makes a history, which is judged by what its steps promise."""
    history = chaos_sqlsaga.sql_history(QUERY, sqlite3.connect, words=WORDS, steps={"order": STEPS["steps"]})
    events = list(history(log))
    assert [(each.saga, str(each.what), each.step, each.attempt) for each in events] == [
        ("7", what, step, attempt) for what, step, attempt, _ in GOOD
    ]
    assert judge(chaos_sqlsaga.invariants(history=history), target=log) == []
    with sqlite3.connect(log) as connection:
        connection.execute("DELETE FROM log WHERE verb LIKE 'UNDO%'")
    connection.close()
    [found] = judge(chaos_sqlsaga.invariants(history=history), target=log)
    assert "step 'pay': it was completed, the saga ended failed, and it was never compensated" in found.message


def test_a_query_without_the_columns_is_an_error(log: Path) -> None:
    """A query that lacks a column says which, and what it has."""
    history = chaos_sqlsaga.sql_history("SELECT order_id AS saga, verb FROM log", sqlite3.connect)
    with pytest.raises(chaos_sqlsaga.ColumnsError, match=r"no column 'what'; it returns saga, verb"):
        list(history(log))


def test_a_word_that_stands_for_nothing_is_an_error(log: Path) -> None:
    """A row whose word nobody explained is an error that names it."""
    history = chaos_sqlsaga.sql_history(QUERY, sqlite3.connect, words={"NEW": "began", "NOTE": None})
    with pytest.raises(chaos_sqlsaga.WordError, match="'CALL' stands for no event"):
        list(history(log))


def test_it_looks_while_workers_tell() -> None:
    """Looks of the run and events of many workers do not get in each other's way."""

    def step(target: object) -> None:
        place = current_place()
        for number in range(100):
            for what, name, attempt, detail in GOOD[:3]:  # none of them ends, so that each look has many to look at
                record_saga_event(f"{place.iteration if place else 0}-{number}", what, name, attempt=attempt, **detail)

    scenario = Scenario("busy").target(object()).step("tell", step).workers(4).repeat(40)
    report = (
        scenario.expect("moves", chaos_sqlsaga.progress("4ms")).inject("slow", delay("0ms", at="before:tell")).run()
    )
    assert report.troubles == ()
    assert "nothing happened for" in report.findings[0].first.message


def test_what_a_look_finds_is_told_when_the_run_ends_meanwhile() -> None:
    """A look that is cancelled because the workload is over loses nothing of what it found."""
    reading, ended = threading.Event(), threading.Event()

    class Slow(Growing):
        def read(self) -> list[SagaEvent]:
            if self.readings == 0:
                reading.set()
                ended.wait(30)
            return super().read() + super().read()

    def step(target: object) -> None:
        assert reading.wait(30)

    class After:
        """Is asked when the workload is over."""

        kind: ClassVar[str] = "after"
        severity = Severity.CRITICAL

        def start(self, scene: object) -> Any:
            return self

        moments = frozenset({Moment.AFTER})
        every_s = 1.0

        def check(self, moment: Moment) -> None:
            ended.set()

    slow = Slow(BROKEN["calls"])
    scenario = Scenario("ends").target(object()).step("wait", step).expect("first", After())
    report = scenario.expect("calls", chaos_sqlsaga.calls(history=lambda _: slow, every="1ms")).run()
    assert report.troubles == ()
    assert ["while attempt 1 ran" in each.first.message for each in report.findings] == [True]
