"""Faults aimed at sagas: they strike where they say, prove it, and land nowhere else."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

import chaos_sqlsaga
from chaos_sqlsaga import What
from chaos_sqlsaga.engine import Call, Definition, Engine, Processes, SagaState, Threads, saga
from chaos_sqlsaga.engine.errors import DatabaseError
from chaos_sqlsaga.faults.corrupting import PutBack
from chaoscore import Injector, Scenario, point
from chaoscore.testing import Recording, check_injector, run_once, site
from tests.services.databases import Database

INSERT, SELECT = "INSERT INTO saga_event VALUES (?)", "SELECT 1"
CALL = {"saga": "1", "definition": "order", "step": "pay", "attempt": 1, "worker": "w"}
OTHER = {**CALL, "step": "mail"}


def visits(*points: str, **tags: Any) -> Callable[[object], None]:
    """A step that passes these points, as the engine does."""

    def step(target: object) -> None:
        for name in points:
            point(name, **tags)

    return step


STATEMENT, COMMIT = ("saga.statement", "saga.executed"), ("saga.commit", "saga.committed")
INJECTORS: list[tuple[Callable[[], Injector], Any, Any]] = [
    (
        partial(chaos_sqlsaga.statement_error, matching="INSERT *"),
        visits(*STATEMENT, statement=INSERT),
        visits(*STATEMENT, statement=SELECT),
    ),
    (
        partial(chaos_sqlsaga.statement_error, executed=True, nth=1, matching="insert  into *"),
        visits(*STATEMENT, statement=INSERT),
        visits("saga.statement", statement=INSERT),
    ),
    (
        partial(chaos_sqlsaga.slow_statement, "1ms", "2ms"),
        visits(*STATEMENT, statement=SELECT),
        visits(*COMMIT, statement="COMMIT"),
    ),
    (chaos_sqlsaga.commit_error, visits(*COMMIT, statement="COMMIT"), visits(*STATEMENT, statement=SELECT)),
    (
        partial(chaos_sqlsaga.commit_error, True, nth=1),
        visits(*COMMIT, statement="COMMIT"),
        visits("saga.commit", statement="COMMIT"),
    ),
    (partial(chaos_sqlsaga.handler_error, step="pay"), visits("saga.handler", **CALL), visits("saga.handler", **OTHER)),
    (
        partial(chaos_sqlsaga.handler_error, done=True, definition="o*"),
        visits("saga.handled", **CALL),
        visits("saga.handler", **CALL),
    ),
    (chaos_sqlsaga.compensation_error, visits("saga.compensation", **CALL), visits("saga.handler", **CALL)),
    (
        partial(chaos_sqlsaga.compensation_error, done=True, nth=1),
        visits("saga.compensated", **CALL),
        visits("saga.compensation", **CALL),
    ),
    (partial(chaos_sqlsaga.lease_error, step="pay"), visits("saga.lease", **CALL), visits("saga.lease", **OTHER)),
]


@pytest.mark.parametrize(("make", "strike", "idle"), INJECTORS)
def test_injectors_at_points_conform(make: Callable[[], Injector], strike: Any, idle: Any) -> None:
    """Faults of statements, commits and calls strike, prove it, and land nowhere where there is no occasion."""
    check_injector(make, strike=strike, idle=idle)


# -- on the engine itself


def ship(call: Call) -> str:
    if call.payload == "refused":
        raise ValueError("no such address")
    return "on its way"


ORDER = (
    saga("order")
    .step("pay", lambda call: "paid", on_failure=lambda call: None, retries=3)
    .step("ship", ship, on_failure=lambda call: None, retries=3)
    .build()
)


@attrs.define(slots=False)
class Shop:
    """An engine with one worker, which a step of the run starts."""

    dsn: str
    payload: str = "ok"
    definition: Definition = ORDER
    state: SagaState | None = None
    lease: str = "300ms"

    def setup(self) -> None:
        self.engine = Engine(self.dsn, [self.definition], lease=self.lease)

    def teardown(self) -> None:
        self.engine.close()

    def order(self) -> None:
        """Run one saga to its end."""
        with Threads(self.engine, 1):
            self.state = ended(self.engine, started(self.engine, self.payload))

    def events(self, what: What) -> list[Any]:
        with closing(Engine(self.dsn, [self.definition])) as engine:
            return [each for each in engine.history() if each.what is what]


def started(engine: Engine, payload: str) -> str:
    """Put an order in, as a client does: again where the database said no, under the same id."""
    for _ in range(100):
        try:
            return engine.start("order", payload, id="the-order")
        except DatabaseError:
            continue
    raise AssertionError("the order could not be put in")


def ended(engine: Engine, order: str) -> SagaState:
    """Wait for an order as a client does: the database may say no meanwhile."""
    for _ in range(100):
        try:
            return engine.wait(order, "60s").state
        except DatabaseError:
            continue
    raise AssertionError("the database never says yes")


def run(shop: Shop, injector: Injector) -> Recording:
    recording = run_once(Shop.order, target=shop, inject=injector, expect=chaos_sqlsaga.invariants(history=read))
    assert (recording.report.findings, recording.report.troubles) == ((), ())
    return recording


def read(shop: Shop) -> Any:
    return shop.engine.history()


def fired(recording: Recording) -> int:
    return sum(each.fired or 0 for each in recording.report.injections)


@pytest.mark.parametrize(
    "injector",
    [
        chaos_sqlsaga.statement_error(nth=7),
        chaos_sqlsaga.statement_error(nth=9, executed=True),
        chaos_sqlsaga.statement_error(matching="UPDATE *", nth=1),
        chaos_sqlsaga.commit_error(nth=2),
        chaos_sqlsaga.commit_error(True, nth=2),
        chaos_sqlsaga.commit_error(True, probability=0.3),
        chaos_sqlsaga.slow_statement("1ms", "3ms", probability=0.5),
    ],
)
def test_the_engine_survives_its_database(database: Database, injector: Injector) -> None:
    """Whatever a statement or a commit does, the saga completes, and no rule is broken."""
    shop = Shop(database.dsn)
    recording = run(shop, injector)
    assert fired(recording) >= 1
    assert shop.state is SagaState.COMPLETED


@pytest.mark.parametrize("done", [False, True])
def test_a_handler_that_fails_is_called_again(database: Database, done: bool) -> None:
    """A fault before or after a handler is the failure of that call, and the next one succeeds."""
    shop = Shop(database.dsn)
    assert fired(run(shop, chaos_sqlsaga.handler_error(step="ship", nth=1, done=done))) == 1
    assert shop.state is SagaState.COMPLETED
    assert [(each.step, each.attempt) for each in shop.events(What.FAILED)] == [("ship", 1)]


@pytest.mark.parametrize("done", [False, True])
def test_a_compensation_that_fails_is_called_again(database: Database, done: bool) -> None:
    """A fault before or after a compensation makes it be called again, and the saga ends rolled back."""
    shop = Shop(database.dsn, "refused")
    assert fired(run(shop, chaos_sqlsaga.compensation_error(nth=1, done=done))) == 1
    assert shop.state is SagaState.FAILED
    assert [(each.step, each.attempt) for each in shop.events(What.COMPENSATED)] == [("pay", 2)]


def test_a_lease_that_is_not_renewed_is_lost(sqlite_database: Database) -> None:
    """Where no renewal succeeds, a long step is taken over by the other worker, and its first result is rejected."""
    done: list[int] = []

    def work(call: Call) -> None:
        done.append(1)
        if len(done) == 1:
            wait_for(lambda: len(done) == 2)

    definition = saga("order").step("pay", work).build()
    shop = Shop(sqlite_database.dsn, definition=definition, lease="100ms")

    def step(shop: Shop) -> None:
        with Threads(shop.engine, 2):
            shop.state = ended(shop.engine, started(shop.engine, "ok"))

    recording = run_once(step, target=shop, inject=chaos_sqlsaga.lease_error())
    assert fired(recording) >= 1
    assert shop.state is SagaState.COMPLETED
    assert len(done) == 2
    assert [each.detail["takeover"] for each in shop.events(What.STARTED) if each.detail] == [True]


def wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    import time

    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.005)


# -- connections


def test_a_connection_that_is_cut_is_replaced(postgres_database: Database) -> None:
    """A connection that is cut under a statement is lost, and the saga completes on another one."""
    shop = Shop(postgres_database.dsn)
    assert fired(run(shop, chaos_sqlsaga.sever(nth=6))) >= 1
    assert shop.state is SagaState.COMPLETED


def test_the_cut_conforms(postgres_database: Database) -> None:
    """It strikes at connections that have a socket, proves it, and strikes nowhere else."""

    def strike(_: object) -> None:
        with closing(postgres_database.connect()) as connection:
            point("saga.statement", statement=SELECT, connection=connection)

    def idle(_: object) -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            point("saga.statement", statement=SELECT, connection=connection)

    check_injector(chaos_sqlsaga.sever, strike=strike, idle=idle, iterations=3)


# -- rows


class Rows:
    """A target with a table of steps."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.run(
            "DROP TABLE IF EXISTS saga_step",
            "CREATE TABLE saga_step (instance text, name text, state text)",
            "INSERT INTO saga_step VALUES ('1', 'pay', 'completed'), ('1', 'ship', 'failed')",
        )

    def states(self) -> list[str]:
        return [state for (state,) in self.database.run("SELECT state FROM saga_step ORDER BY name")]

    def is_corrupt(self) -> bool:
        return self.states() != ["completed", "failed"]


@pytest.mark.slow
def test_the_corruption_conforms(database: Database) -> None:
    """A corrupted row says something else while the fault is open, and what it said before on every way out."""
    make = partial(chaos_sqlsaga.corrupt_row, plain(database))
    check_injector(make, target=partial(Rows, database), in_effect=Rows.is_corrupt, iterations=2)


def plain(database: Database) -> str:
    """The dsn without its password, which libpq then takes from the environment."""
    return " ".join(word for word in database.dsn.split(" ") if not word.startswith("password="))


@pytest.fixture(autouse=True)
def password(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libpq finds the password that dsns of journals must not have."""
    if "database" in request.fixturenames:
        found = request.getfixturevalue("database").dsn.partition("password=")[2].partition(" ")[0]
        if found:
            monkeypatch.setenv("PGPASSWORD", found)


def test_what_others_wrote_since_stays(database: Database) -> None:
    """A row that somebody has changed since is left alone when the fault is lifted, and that is said."""
    rows = Rows(database)
    with chaos_sqlsaga.corrupt_row(plain(database)).open(site(rows)):
        assert rows.states() == ["failed", "failed"]
        database.run("UPDATE saga_step SET state = 'skipped' WHERE name = 'pay'")
    assert rows.states() == ["skipped", "failed"]
    args = {
        "dsn": plain(database), "table": "saga_step", "column": "state", "key": {"instance": "1", "name": "pay"},
        "before": "completed", "after": "failed",
    }  # fmt: skip
    assert PutBack().undo(args) == "saga_step 1/pay is gone, or somebody has changed it since"
    assert not PutBack().in_effect(args)


def test_nulls_are_corrupted_and_put_back(sqlite_database: Database) -> None:
    """A column that is null, or is made null, is put back as well."""
    rows = Rows(sqlite_database)
    with chaos_sqlsaga.corrupt_row(sqlite_database.dsn, to=None, where="name = 'pay'").open(site(rows)):
        assert rows.states() == [None, "failed"]
    assert not rows.is_corrupt()


def test_where_there_is_no_row_it_says_so(sqlite_database: Database) -> None:
    """Without a row that could be corrupted, opening fails, and says what to do."""
    Rows(sqlite_database)
    injector = chaos_sqlsaga.corrupt_row(sqlite_database.dsn, where="name = 'nobody'")
    with pytest.raises(chaos_sqlsaga.NoRowError, match="window"), injector.open(site()):
        pass


@pytest.mark.parametrize("dsn", ["postgresql://me:secret@db/orders", "host=db password=secret"])
def test_a_password_is_kept_out_of_the_journal(dsn: str) -> None:
    """A dsn with a password is refused, without showing it."""
    with pytest.raises(chaos_sqlsaga.SecretError) as refused:
        chaos_sqlsaga.corrupt_row(dsn)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("wrong", [{"table": "a; DROP TABLE b"}, {"column": "x y"}, {"key": ""}, {"count": 0}])
def test_names_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    """Only names of tables and columns become part of a statement."""
    with pytest.raises((TypeError, ValueError)):
        chaos_sqlsaga.corrupt_row("orders.db", **wrong)


def test_a_corrupted_row_is_found_by_the_check_of_the_rows(sqlite_database: Database) -> None:
    """A row of a saga that has ended and says something else than its history is found while the fault is open."""
    shop = Shop(sqlite_database.dsn)
    shop.setup()
    with Threads(shop.engine, 1):
        shop.engine.wait(shop.engine.start("order"))
    shop.teardown()
    scenario = (
        Scenario("corrupt")
        .target(shop)
        .step("wait", lambda shop: wait_for(lambda: looked(shop)))
        .inject("corrupt", chaos_sqlsaga.corrupt_row(sqlite_database.dsn, where="name = 'pay'"))
        .expect("rows", chaos_sqlsaga.consistent(shown_books, every="10ms"))
    )
    report = scenario.run()
    assert "step 'pay': the database has it as 'failed', its history as 'completed'" in report.findings[0].first.message
    assert report.findings[0].first.active == ("corrupt",)
    assert sqlite_database.run("SELECT DISTINCT state FROM saga_step") == [("completed",)]


LOOKS: list[int] = []


def shown_books(shop: Shop) -> Iterator[chaos_sqlsaga.Book]:
    yield from chaos_sqlsaga.books(shop.engine)
    LOOKS.append(1)


def looked(shop: Shop) -> bool:
    return len(LOOKS) >= 2


# -- worker processes


def slow_order() -> tuple[Definition, ...]:
    """What the worker processes run: it is imported there."""
    return chaos_sqlsaga.mortal([ORDER], os.environ["MORTAL_FOLDER"])


@contextmanager
def workers(dsn: str, folder: Path) -> Iterator[Processes]:
    with Processes(
        dsn, "plugins.chaos_sqlsaga.tests.test_faults:slow_order", 1, options={"lease": "200ms"}
    ) as processes:
        yield processes


@pytest.mark.slow
def test_a_worker_dies_between_handler_and_commit(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is ordered to dies when its handler has returned, its step is taken over, and that is told."""
    folder = tmp_path / "orders"
    folder.mkdir()
    monkeypatch.setenv("MORTAL_FOLDER", str(folder))
    shop = Shop(sqlite_database.dsn)

    def step(shop: Shop) -> None:
        wait_for((folder / "order").exists)
        with workers(shop.dsn, folder):
            shop.state = ended(shop.engine, started(shop.engine, "ok"))

    kill = chaos_sqlsaga.kill_worker(str(folder), every="10ms", step="ship", most=1)
    recording = run_once(step, target=shop, inject=kill, expect=chaos_sqlsaga.invariants(history=read))
    assert recording.report.findings == ()
    assert shop.state is SagaState.COMPLETED
    [injection] = recording.report.injections
    assert injection.fired == 1
    assert [each["step"] for each in injection.detail["killed"]] == ["ship"]
    assert [each.step for each in shop.events(What.STARTED) if each.detail.get("takeover")] == ["ship"]
    assert list(folder.iterdir()) == []


def dying(folder: Path) -> Callable[[object], None]:
    """A step in which a process takes the order and dies of it, as a worker would."""

    def step(_: object) -> None:
        wait_for((folder / "order").exists)
        [mortal] = chaos_sqlsaga.mortal([ORDER], folder)
        pid = os.fork()
        if pid == 0:
            mortal.nodes[0].handler(Call(saga="1", step="pay", attempt=1, payload=None, results={}))  # type: ignore[union-attr]
            os._exit(1)
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == 9

    return step


@pytest.mark.slow
def test_the_killer_conforms() -> None:
    """It kills who takes its orders, proves it, leaves nothing in the folder, and kills nobody where nobody does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = partial(chaos_sqlsaga.kill_worker, name, every="1ms", step="p*")
        check_injector(make, strike=dying(folder), iterations=2)
        assert list(folder.iterdir()) == []


def test_a_run_does_not_kill_itself(tmp_path: Path) -> None:
    """Handlers that run in the process of the run take no order."""
    (tmp_path / "order").write_text(json.dumps({"step": "*", "never": os.getpid(), "number": 1}))
    [mortal] = chaos_sqlsaga.mortal([ORDER], tmp_path)
    call = Call(saga="1", step="pay", attempt=1, payload=None, results={})
    assert mortal.nodes[0].handler(call) == "paid"  # type: ignore[union-attr]
    assert (tmp_path / "order").exists()


def test_without_mortals_it_does_not_open(tmp_path: Path) -> None:
    """Where nobody listens, opening fails, and says how to let workers listen."""
    injector = chaos_sqlsaga.kill_worker(str(tmp_path / "nowhere"))
    with pytest.raises(chaos_sqlsaga.NoMortalsError, match="mortal"), injector.open(site()):
        pass
