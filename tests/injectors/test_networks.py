"""Network faults for code that says which host and port it is about to talk to."""

import asyncio
import errno
import re
from contextlib import suppress
from typing import Any

import pytest

from chaoscore.errors import is_injected
from chaoscore.events import Outcome
from chaoscore.injectors import network
from chaoscore.points import amaybe_network_chaos, maybe_delay, maybe_network_chaos, point
from tests.runs import Finished, HandClock, finish, ran, scenario

HOSTS = [("db", 5432), ("db", 5433), ("cache", 6379), ("10.0.0.7", 5432), ("10.1.0.7", 80), ("::1", 80)]


def connect(target: Any) -> None:
    """Knock at every host, and go on whatever happens."""
    for host, number in HOSTS:
        with suppress(ConnectionRefusedError):
            maybe_network_chaos(host, number)


async def aconnect(target: Any) -> None:
    for host, number in HOSTS:
        with suppress(ConnectionRefusedError):
            await amaybe_network_chaos(host, number)


def names(run: Finished) -> list[str]:
    assert set(run.outcomes) == {Outcome.OK}
    return run.points


@pytest.mark.parametrize("step", [connect, aconnect])
@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        ((), ["db:5432", "db:5433", "cache:6379", "10.0.0.7:5432", "10.1.0.7:80", "::1:80"]),
        (("db",), ["db:5432", "db:5433"]),
        (("db", 5432), ["db:5432"]),
        (("*", 5432), ["db:5432", "10.0.0.7:5432"]),
        (("10.0.*",), ["10.0.0.7:5432"]),
        (("10.?.0.7",), ["10.0.0.7:5432", "10.1.0.7:80"]),
        (("::1",), ["::1:80"]),
        (("*a*", None), ["cache:6379"]),
        (("d",), []),
        (("db", 543), []),
    ],
)
def test_rules(step: Any, rule: tuple[Any, ...], struck: list[str]) -> None:
    """A rule strikes at the hosts that its glob matches and at its port, and nowhere else."""
    run = ran(step, network(*rule, refuse=1))
    assert names(run) == struck
    assert (run.lifted().asked, run.lifted().fired) == (len(struck), len(struck))


def test_several_rules() -> None:
    """Several rules all act, in order, until one raises."""
    clock = HandClock()
    trial = scenario(connect, network(delay="1s"), network("db", delay="2s"), network("cache", refuse=1))
    run = finish(trial, clock=clock)
    assert clock.slept == [1, 2, 1, 2, 1, 1, 1, 1]
    assert [fired.fault for fired in run.fired if fired.point == "cache:6379"] == ["delay", "refuse"]


def test_scope_does_not_look_at_hosts() -> None:
    """A rule in a scope strikes at its hosts, whose dots name no component."""
    run = finish(scenario(connect, network("10.0.*", refuse=1), scope="orders"))
    assert names(run) == ["10.0.0.7:5432"]


def test_refuse() -> None:
    """A refused connection fails as the kernel's does, at once."""
    clock, caught = HandClock(), []

    def step(target: Any) -> None:
        try:
            maybe_network_chaos("db", 5432)
        except ConnectionRefusedError as error:
            caught.append(error)

    run = ran(step, network("db", refuse=1), clock=clock)
    assert is_injected(caught[0])
    assert (caught[0].errno, str(caught[0])) == (
        errno.ECONNREFUSED,
        f"[Errno {errno.ECONNREFUSED}] injected: connection to db:5432 refused",
    )
    assert (clock.slept, run.fired[0].fault) == ([], "refuse")


def test_drop() -> None:
    """A dropped connection says nothing for a while, and then times out."""
    clock = HandClock()

    async def awaited(target: Any) -> None:
        await amaybe_network_chaos("db", 1)

    for each in (lambda target: maybe_network_chaos("db", 1), awaited):
        run = ran(each, network("db", drop=1, drop_after="3s"), clock=clock)
        (info,) = run.errors
        assert info is not None
        assert (info.type, info.message, info.injected_by) == ("TimeoutError", "injected: no answer from db:1", "it")
        assert run.fired[0].fault == "drop"
    assert clock.slept == [3, 3]


def test_delay() -> None:
    """A delay takes at least what it says and at most the jitter more."""
    clock = HandClock()
    run = ran(lambda target: maybe_network_chaos("db", 1), network("db", delay=1, jitter=0.5), repeat=200, clock=clock)
    assert len(run.fired) == 200
    assert all(1 <= each < 1.5 for each in clock.slept)
    assert max(clock.slept) - min(clock.slept) > 0.4


def test_shares() -> None:
    """Drops come before refusals and these before delays, each as often as it says."""

    def step(target: Any) -> None:
        for _ in range(1000):
            try:
                maybe_network_chaos("db", 1)
            except OSError:
                continue

    run = ran(step, network(drop=0.2, refuse=0.5, delay=1, drop_after=0), clock=HandClock())
    counts = {kind: sum(fired.fault == kind for fired in run.fired) for kind in ("drop", "refuse", "delay")}
    assert 160 < counts["drop"] < 240
    assert 350 < counts["refuse"] < 450
    assert sum(counts.values()) == 1000


def test_the_loop_goes_on() -> None:
    """While one task waits for a dropped connection, others run."""
    order: list[str] = []

    async def step(target: Any) -> None:
        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        try:
            await amaybe_network_chaos("db", 1)
        except TimeoutError:
            order.append("timed out")
        await task

    ran(step, network(drop=1, drop_after="5ms"))
    assert order == ["other", "timed out"]


@pytest.mark.parametrize("injector", [network(refuse="0%", delay=1), network("other", refuse=1)])
def test_evidence_absent(injector: Any) -> None:
    """A rule that is never reached by a connection has no evidence, whatever other points are."""

    def step(target: Any) -> None:
        maybe_delay()
        point("db:5432")

    run = ran(step, injector)
    assert (run.lifted().asked, run.lifted().fired) == (0, 0)


@pytest.mark.parametrize(
    ("args", "how", "kind", "text"),
    [
        ((), {}, ValueError, "network does nothing; give it delay=, jitter=, refuse= or drop="),
        (("db", 0), {"refuse": 1}, ValueError, "port must be a whole number from 1 to 65535, not 0"),
        (("db", 65536), {"refuse": 1}, ValueError, "port must be a whole number from 1 to 65535"),
        (("db", "5432"), {"refuse": 1}, ValueError, "port must be a whole number from 1 to 65535, not '5432'"),
        (("db", True), {"refuse": 1}, ValueError, "port must be a whole number"),
        ((5432,), {"refuse": 1}, TypeError, "a glob is text such as 'db.*', not 5432"),
        ((None,), {"refuse": 1}, TypeError, "a glob is text"),
        (("",), {"refuse": 1}, ValueError, "a glob must not be empty"),
        (("db",), {"refuse": 5}, ValueError, "between 0 and 1"),
        (("db",), {"delay": "slow"}, ValueError, "'slow' is not a duration"),
    ],
)
def test_refused(args: tuple[Any, ...], how: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A wrong rule, and one that does nothing, cannot be built."""
    with pytest.raises(kind, match=re.escape(text)):
        network(*args, **how)
