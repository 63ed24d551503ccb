"""Names that cannot be resolved."""

import asyncio
import socket
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

import pytest

import chaos_patch
from chaos_patch.points import PATCHES
from chaoscore import Report, Scenario, SystemClock, Verdict

NAME = "orders.invalid"


class HandClock(SystemClock):
    """Writes down for how long it should have slept, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.slept.append(seconds)


def run(step: Any, injector: Any, **options: Any) -> Report:
    report = Scenario("dns").target(object()).step("step", step).inject("dns", injector).run(seed=1, **options)
    assert PATCHES.armed == ()
    return report


CALLS = {
    "getaddrinfo": lambda: socket.getaddrinfo(NAME, 80),
    "keywords": lambda: socket.getaddrinfo(host=NAME.upper(), port=80),
    "bytes": lambda: socket.getaddrinfo(NAME.encode(), 80),
    "gethostbyname": lambda: socket.gethostbyname(NAME),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex(NAME),
    "create_connection": lambda: socket.create_connection((NAME, 80), timeout=1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("error", ["EAI_NONAME", "EAI_AGAIN", "EAI_FAIL"])
def test_a_name_is_not_resolved(call: Any, error: Any) -> None:
    """Whatever asks for a name that matches gets the resolver's own error, with the number asked for."""

    def step(_: object) -> None:
        with pytest.raises(socket.gaierror, match=rf"(?i)injected: {NAME} cannot be resolved") as caught:
            call()
        assert caught.value.errno == getattr(socket, error)

    report = run(step, chaos_patch.dns("*.invalid", fail=1, error=error))
    assert (report.verdict, report.injections[0].fired) == (Verdict.PASS, 1), report.errors


def test_urllib_is_reached() -> None:
    """A client that knows nothing of it fails as it does without a resolver."""

    def step(_: object) -> None:
        with pytest.raises(urllib.error.URLError, match="cannot be resolved"):
            urllib.request.urlopen(f"http://{NAME}/", timeout=1)

    assert run(step, chaos_patch.dns(fail=1)).verdict is Verdict.PASS


def test_asyncio_is_reached() -> None:
    """A connection of asyncio, which resolves in a thread, fails as well, and waits without blocking the loop."""

    async def step(_: object) -> None:
        with pytest.raises(socket.gaierror, match="cannot be resolved"):
            await asyncio.open_connection(NAME, 80)

    assert run(step, chaos_patch.dns(fail=1)).injections[0].fired == 1
    clock = HandClock()

    async def localhost(_: object) -> None:
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)

    assert run(localhost, chaos_patch.dns("localhost", delay="2s", jitter="1s"), clock=clock).verdict is Verdict.PASS
    [slept] = clock.slept
    assert 2 <= slept <= 3


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo", None, "localhost"])
def test_addresses_and_other_names_are_left_alone(host: str | None) -> None:
    """An address needs no resolution, and neither it nor a name that does not match is struck."""

    def step(_: object) -> None:
        with suppress(socket.gaierror):
            socket.getaddrinfo(host, 80)

    report = run(step, chaos_patch.dns("*.invalid" if host == "localhost" else "*", fail=1))
    assert (report.injections[0].asked, report.injections[0].fired) == (1, 0)
    assert report.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "patch.dns does nothing; give it fail=, delay= or jitter="),
        ({"host": "", "fail": 1}, "host is text with something in it"),
        ({"fail": 1, "error": "EAI_WHAT"}, "error is one of EAI_NONAME, EAI_AGAIN, EAI_FAIL, not 'EAI_WHAT'"),
        ({"fail": 7}, "between 0 and 1"),
        ({"delay": "long"}, "long"),
        ({"delay": 1, "on_loop": "x"}, "on_loop is 'refuse' or 'block'"),
    ],
)
def test_a_wrong_value_cannot_be_built(options: dict[str, Any], problem: str) -> None:
    """A value out of range is refused with what is expected."""
    with pytest.raises((ValueError, TypeError), match=problem):
        chaos_patch.dns(**options)
