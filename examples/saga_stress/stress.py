"""The stress test as a scenario: everything that is broken, and everything that must hold."""

import attrs
import network
import workflows
from orders import LEASE_S, Shop

import chaos_failpoint
import chaos_patch
import chaos_process
import chaos_sqlsaga
from chaoscore import Duration, Scenario
from chaoscore.validators import no_infinite_loop, thread_limit

FAILPOINTS = "3%raise(ConnectionError, 'no answer')"
DEPTH = 9
LOOK_S = 0.1


@attrs.frozen(kw_only=True)
class Stress:
    """
    What the stress test can be told.

    Attributes:
        dsn: PostgreSQL; None: SQLite.
        toxiproxy: With a dsn: the server of the proxy in front of it, such as ``"embedded"``; None: no proxy.
        failpoints: The terms of the failpoints in the workflows.
        run_for: How long orders come in.
        workers: Threads that carry them on.
        processes: Worker processes beside them, some of which are killed.
        clients: Orders under way at the same time.
        orders: Most orders in all; None: as many as there is time for.
    """

    dsn: str | None = None
    toxiproxy: str | None = None
    failpoints: str = FAILPOINTS
    run_for: Duration = "60s"
    workers: int = 5
    processes: int = 0
    clients: int = 10
    orders: int | None = None

    def scenario(self, shop: Shop | None = None) -> Scenario:
        """The scenario, on this shop or on one of its own."""
        shop = shop or Shop(self.dsn, self.workers, self.processes)
        scenario = Scenario("saga-stress").target(shop).step("order", Shop.order)
        scenario = self.breaking(scenario).workers(self.clients).run_for(self.run_for)
        if self.orders is not None:
            scenario = scenario.repeat(self.orders)
        return expecting(scenario, shop.patience_s).continue_on_failure().limit(drain="60s", step="90s", hook="120s")

    def breaking(self, scenario: Scenario) -> Scenario:
        """Everything that is broken."""
        handlers = f"{workflows.__name__}:Handlers.*"
        scenario = (
            scenario.inject("panic", chaos_patch.panic(handlers, probability=0.05))
            .inject("delay", chaos_patch.delay(handlers, "1ms", "50ms", probability=0.17))
            .inject("failpoints", chaos_failpoint.failpoints("shop.*", self.failpoints))
            .inject("compensation", chaos_sqlsaga.compensation_error(probability=0.05))
            .inject("stall", chaos_patch.delay(handlers, 1.2 * LEASE_S, 1.5 * LEASE_S, probability=0.003))
            .inject("lease", chaos_sqlsaga.lease_error(probability=0.7))
            .inject("commit-lost", chaos_sqlsaga.commit_error(True, probability=0.01))
            .inject("commit-fails", chaos_sqlsaga.commit_error(probability=0.01))
            .inject("slow-sql", chaos_sqlsaga.slow_statement("1ms", "5ms", probability=0.01))
        )
        if self.dsn:
            scenario = scenario.inject("sever", chaos_sqlsaga.sever(probability=0.0005))
        if self.dsn and self.toxiproxy:
            scenario = network.behind_proxy(scenario, self.dsn, self.toxiproxy)
        if self.processes:
            scenario = scenario.inject("kill", chaos_sqlsaga.kill_worker(Shop.orders, every="500ms"))
        return scenario


def expecting(scenario: Scenario, patience_s: float) -> Scenario:
    """The scenario with everything that must hold."""
    return (
        scenario.expect("80 to 90 % of the orders are completed", Shop.success)
        .expect(
            "every saga keeps its promises", chaos_sqlsaga.invariants(history=Shop.tail, every="1s", stuck=patience_s)
        )
        .expect(
            "rollback depth below 10", chaos_sqlsaga.rollback_depth(DEPTH, rollbacks=1, history=Shop.tail, every="1s")
        )
        .expect("nothing is left in the queue", chaos_sqlsaga.queue_empty(Shop.left, within=patience_s))
        .expect("rows and history agree", chaos_sqlsaga.consistent(Shop.books))
        .expect("the world is what the history says", Shop.world)
        .expect("no endless loop", no_infinite_loop("60s"))
        .expect("no thread is leaked", thread_limit(200, growth=10))
        .expect("no file is leaked", chaos_process.fd_limit(growth=20, every=LOOK_S))
        .expect("no memory is leaked", chaos_process.memory_limit(growth="64MiB", every=LOOK_S))
    )


scenario = Stress().scenario()
