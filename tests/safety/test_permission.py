"""What a run may do at all: production, the lever, what was left behind, addresses, limits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chaoscore import ChaosError, ExitCode, Scenario, Site, Undo, maybe_delay, pull_lever, window
from chaoscore.errors import FaultsLeftError, ForbiddenTargetError, LeverPulledError, ProductionError, ScenarioError
from chaoscore.injectors import delay
from chaoscore.safety.journal import Journal
from chaoscore.safety.permission import both, check_start, network, resolve
from chaoscore.safety.records import Header


def harmless() -> Scenario:
    """Return a scenario with a fault that lands."""
    chaos = Scenario("harmless").target(object()).step("work", lambda _: maybe_delay())
    return chaos.inject("slow", delay("1us"))


def test_production_is_refused_unless_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable names the environment; without faults there is nothing to refuse."""
    monkeypatch.setenv("CHAOSCORE_ENVIRONMENT", "Production")
    with pytest.raises(ProductionError, match="--production"):
        harmless().run()
    assert harmless().run(production=True).passed
    assert harmless().run(inject=False).passed
    monkeypatch.setenv("CHAOSCORE_ENVIRONMENT", "staging")
    assert harmless().run().passed


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("prod", True),
        ("PRD", True),
        ("prod-eu-1", True),
        ("eu_production", True),
        ("live2", True),
        ("pre-production", False),
        ("non-prod", False),
        ("products", False),
        ("", False),
    ],
)
def test_production_has_many_names(name: str, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of the name decides, wherever it stands, and not a part of another word."""
    monkeypatch.setenv("CHAOSCORE_ENVIRONMENT", name)
    with pytest.raises(ProductionError) if refused else nullcontext():
        check_start(production=False)


def test_a_pulled_lever_blocks_new_runs(own_state: Path) -> None:
    """Until it is released."""
    own_state.mkdir()
    (own_state / "stop").touch()
    with pytest.raises(LeverPulledError, match="--release"):
        harmless().run()
    (own_state / "stop").unlink()
    assert harmless().run().passed


def test_the_lever_can_be_pulled_from_python(own_state: Path) -> None:
    """`pull_lever` does what `chaoscore stop` does, once or twice, in a state directory that is its owner's alone."""
    assert pull_lever() == pull_lever() == own_state / "stop"
    assert own_state.stat().st_mode & 0o077 == 0
    with pytest.raises(LeverPulledError):
        harmless().run()


def test_a_lever_pulled_during_a_run_ends_it(own_state: Path) -> None:
    """The run lifts its faults and says why it ended."""
    own_state.mkdir()
    lifted = []

    class Door:
        kind: ClassVar[str] = "door"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            yield None
            lifted.append(site.elapsed_s())

    def work(_: Any) -> None:
        (own_state / "stop").touch()
        time.sleep(0.001)

    chaos = Scenario("pulled").target(object()).step("work", work).inject("door", Door()).run_for("30s")
    report = chaos.run()
    assert report.interrupted is not None
    assert "chaoscore stop" in report.interrupted
    assert len(lifted) == 1
    assert lifted[0] < 5
    assert report.exit_code is ExitCode.UNKNOWN


def test_a_lever_pulled_between_openings_blocks_the_next(own_state: Path) -> None:
    """It is looked at before every fault is opened, not only at the start of a run."""
    own_state.mkdir()

    class Pulls:
        kind: ClassVar[str] = "pulls"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            (own_state / "stop").touch()
            yield None

    report = harmless().inject("pulls", Pulls()).inject("late", delay("1us")).run()
    assert [each.info.name for each in report.injections if each.opened] == ["slow", "pulls"]
    assert report.exit_code is ExitCode.UNKNOWN


def test_a_run_refuses_to_start_over_what_was_left_behind() -> None:
    """What is in effect would falsify it; the error names the run and the command that heals."""
    journal = Journal.create("dead-run", "orders")
    journal.intend("slow", "toy.undo", {}, target="toy", manual="switch it off")
    header = journal.read().header
    data = journal.path.read_bytes()
    journal.path.write_bytes(data.replace(b'"started":%d' % header.started, b'"started":%d' % (header.started + 1)))
    with pytest.raises(FaultsLeftError, match=r"dead-run \(1 open\).*chaoscore recover"):
        harmless().run()
    assert isinstance(header, Header)


def test_loopback_is_allowed_by_any_of_its_names() -> None:
    """Names are resolved, and what they stand for counts."""
    assert resolve("localhost", 80, ()) in ("127.0.0.1", "::1")
    assert resolve("127.8.9.10", 80, ()) == "127.8.9.10"
    assert resolve("::1", 80, ()) == "::1"


def test_other_addresses_need_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a loopback address and for another one is refused as a whole."""
    with pytest.raises(ForbiddenTargetError, match="--allow"):
        resolve("192.0.2.1", 80, ())
    assert resolve("192.0.2.1", 80, [network("192.0.2.0/24")]) == "192.0.2.1"

    def rebinding(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 0, 0, "", ("127.0.0.1", 80)), (socket.AF_INET, 0, 0, "", ("192.0.2.7", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(ForbiddenTargetError, match=r"192\.0\.2\.7"):
        resolve("both.example", 80, ())


def test_a_name_that_stands_for_another_address_by_then_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it stood for in the plan does not count; the injector gets an address, so nobody asks a third time."""
    addresses = iter(["127.0.0.1", "192.0.2.7", "127.0.0.1"])

    def rebinding(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 0, 0, "", (next(addresses), 80))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert resolve("rebinding.example", 80, ()) == "127.0.0.1"
    injector = Aimed("rebinding.example")
    report = aimed(injector).run()
    assert report.exit_code is ExitCode.UNKNOWN
    assert "192.0.2.7" in report.troubles[0].error.message
    assert injector.address is None
    aimed(injector).run()
    assert injector.address == "127.0.0.1"


def test_a_name_that_does_not_resolve_is_refused() -> None:
    """It is not taken for harmless."""
    with pytest.raises(ForbiddenTargetError, match="does not resolve"):
        resolve("nowhere.invalid", 80, ())


def test_scenario_and_command_line_must_agree() -> None:
    """Neither alone opens a network."""
    assert both(["10.1.0.0/16"], []) == ()
    assert both([], ["10.1.0.0/16"]) == ()
    assert both(["10.1.2.0/24", "192.0.2.1"], ["10.1.0.0/16"]) == (network("10.1.2.0/24"),)
    assert both(["10.0.0.0/8"], ["10.1.0.0/16"]) == ()
    assert both(["::1"], ["10.1.0.0/16"]) == ()


def test_a_wrong_address_is_told_where_it_stands() -> None:
    """The error names the scenario and how an address is written."""
    with pytest.raises(ScenarioError, match=r"'wrong', allow: 'not an address'.*10\.1\.0\.0/16"):
        Scenario("wrong").allow("not an address")


class Aimed:
    """An injector that asks where it may go, and how many targets it may take."""

    kind: ClassVar[str] = "aimed"
    undo: ClassVar[Undo] = Undo.KERNEL

    def __init__(self, host: str = "127.0.0.1", count: int | None = None) -> None:
        self.host, self.count = host, count
        self.address: str | None = None
        self.chosen: tuple[int, ...] = ()

    @contextmanager
    def open(self, site: Site) -> Iterator[object]:
        """Resolve, choose, and say that something landed."""
        self.address = site.resolve(self.host, 5432)
        self.chosen = site.choose(range(10), count=self.count)
        site.landed("aim", self.address, "")
        yield None


def aimed(injector: Aimed) -> Scenario:
    """Return a scenario with that injector alone."""
    return Scenario("aimed").target(object()).step("work", lambda _: None).inject("aim", injector)


def test_a_run_goes_only_where_both_allow() -> None:
    """The injector gets the address, or the run is unknown and the fault not injected."""
    inside = Aimed("192.0.2.1")
    chaos = aimed(inside).allow("192.0.2.0/24")
    assert chaos.run().exit_code is ExitCode.UNKNOWN
    assert inside.address is None
    assert chaos.run(allow=["192.0.2.1"]).exit_code is ExitCode.UNKNOWN  # narrower than what the scenario asks for
    assert chaos.run(allow=["192.0.0.0/16"]).passed
    assert inside.address == "192.0.2.1"


def test_the_share_of_targets_is_a_limit_of_the_core() -> None:
    """No injector gets more of the candidates than the scenario permits; the choice follows the seed."""
    injector = Aimed()
    aimed(injector).limit(share="30%").run(seed=7)
    first = injector.chosen
    assert len(first) == 3
    aimed(injector).limit(share="30%").run(seed=7)
    assert injector.chosen == first
    greedy = aimed(Aimed(count=4)).limit(share="30%").run()
    assert "would exceed the limit of 30%" in greedy.troubles[0].error.message
    assert aimed(Aimed(count=1)).limit(share="5%").run().exit_code is ExitCode.UNKNOWN


def test_the_number_of_open_injectors_is_limited() -> None:
    """The third is not opened, and the run does not pretend that it was."""
    chaos = harmless().inject("b", delay("1us")).inject("c", delay("1us")).limit(faults=2)
    report = chaos.run()
    assert report.exit_code is ExitCode.UNKNOWN
    assert "would exceed the limit of 2" in report.troubles[0].error.message


def test_the_whole_run_is_limited_in_time() -> None:
    """Whatever the workload says, and whatever a step does."""
    released = threading.Event()
    chaos = Scenario("long").target(object()).step("work", lambda _: released.wait(30)).limit(run="30ms", drain="20ms")
    report = chaos.run()
    released.set()
    assert report.interrupted is not None
    assert "limit of 0.03 s" in report.interrupted


def test_an_undo_without_a_journal_is_refused() -> None:
    """An injector that asks for one must say that it needs the watchdog."""

    class Undeclared(Aimed):
        kind: ClassVar[str] = "undeclared"

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            with site.undoing("toy.undo", {}, target="toy", manual="m"):
                yield None

    report = aimed(Undeclared()).run()
    assert "Undo.JOURNAL" in report.troubles[0].error.message


def test_an_unknown_undo_action_is_refused_before_anything_is_applied() -> None:
    """With the name that was meant, if there is one."""
    applied = []

    class Journaled(Aimed):
        kind: ClassVar[str] = "journaled"
        undo: ClassVar[Undo] = Undo.JOURNAL

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            with site.undoing("doctor.markr", {}, target="toy", manual="m"):
                applied.append(1)
                yield None

    report = aimed(Journaled()).run()
    assert "did you mean 'doctor.marker'" in report.troubles[0].error.message
    assert applied == []


def test_a_run_without_journalled_faults_starts_no_watchdog(own_state: Path) -> None:
    """Nor does it write to the state directory: the mechanism costs it nothing."""
    harmless().inject("timed", delay("1us"), window=window("1ms")).repeat(10).run()
    assert not own_state.exists()


def test_every_refusal_is_an_error_of_the_framework() -> None:
    """One `except ChaosError` catches them all."""
    for kind in (ProductionError, LeverPulledError, FaultsLeftError, ForbiddenTargetError):
        assert issubclass(kind, ChaosError)
