"""The plugin's injectors keep what every run relies on."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chaos_patch
from chaoscore import Injector, SystemClock
from chaoscore.testing import check_injector

HERE = __name__


def function(number: int = 1) -> int:
    return number


async def coroutine(number: int = 1) -> int:
    return number


def call(_: object) -> None:
    try:
        function()
    except BaseException:  # noqa: BLE001 - what it lets out is not the question here
        return


async def acall(_: object) -> None:
    try:
        await coroutine()
    except Exception:  # noqa: BLE001 - as above
        return


FUNCTION, COROUTINE = f"{HERE}:function", f"{HERE}:coroutine"
PATCHES: list[tuple[Callable[[], Injector], Any]] = [
    (lambda: chaos_patch.error(FUNCTION), call),
    (lambda: chaos_patch.error(COROUTINE, "ConnectionError", probability=0.7), acall),
    (lambda: chaos_patch.after(FUNCTION), call),
    (lambda: chaos_patch.after(COROUTINE), acall),
    (lambda: chaos_patch.panic(FUNCTION), call),
    (lambda: chaos_patch.delay(FUNCTION, "1ms", "5ms"), call),
    (lambda: chaos_patch.delay(COROUTINE, "1ms", "5ms"), acall),
    (lambda: chaos_patch.timeout(FUNCTION, "1ms"), call),
    (lambda: chaos_patch.corrupt(FUNCTION, "bitflip"), call),
    (lambda: chaos_patch.corrupt(COROUTINE, "none"), acall),
    (lambda: chaos_patch.cancel(FUNCTION), call),
    (lambda: chaos_patch.error(f"{HERE}:func*"), call),
    (lambda: chaos_patch.error("time:localtime"), lambda _: local()),
]


def local() -> None:
    try:
        time.localtime()
    except Exception:  # noqa: BLE001 - as above
        return


@pytest.mark.parametrize(("make", "strike"), PATCHES, ids=lambda value: getattr(value, "__name__", ""))
def test_an_injector_that_patches_keeps_its_promises(make: Callable[[], Injector], strike: Any) -> None:
    """It declares itself, refuses wrong values, strikes, proves it, is repeatable, and is lifted on every way out."""
    check_injector(make, strike=strike, wrong=[{"target": "no_such_module:function"}, {"most": 0}])


def patched(_: object) -> bool:
    from chaos_patch.points import PATCHES as ALL

    return bool(ALL.armed)


def test_a_patch_is_in_effect_while_it_is_open() -> None:
    """The function is patched while the injector is open, and at no other time."""
    check_injector(lambda: chaos_patch.error(FUNCTION), strike=call, in_effect=patched)


def test_the_resolver_keeps_its_promises() -> None:
    """Names fail while the injector is open, with evidence, and never otherwise."""

    def resolve(_: object) -> None:
        try:
            socket.getaddrinfo("orders.invalid", 80)
        except socket.gaierror:
            return

    check_injector(
        lambda: chaos_patch.dns("*.invalid", fail=1), strike=resolve, wrong=[{"host": ""}], in_effect=patched
    )


def test_descriptors_keep_their_promises() -> None:
    """The limit is lower while the injector is open, and what it was afterwards."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    check_injector(
        lambda: chaos_patch.descriptors(64),
        in_effect=lambda _: resource.getrlimit(resource.RLIMIT_NOFILE)[0] < soft,
        wrong=[{"left": -1}],
        iterations=3,
    )


def test_the_clock_keeps_its_promises() -> None:
    """The clock is wrong while the injector is open, and right afterwards."""
    check_injector(
        lambda: chaos_patch.clock("90d"),
        in_effect=lambda _: time.time() - Path("/proc/self/stat").stat().st_mtime > 80 * 24 * 3600,
        wrong=[{"offset": 0}],
        iterations=3,
        clock=SystemClock,
    )


def start(_: object) -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", "import os; os.getpid()"], check=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: chaos_patch.file_size("1MiB"),
        pytest.param(
            lambda: chaos_patch.syscall("getpid", delay="1ms"),
            marks=pytest.mark.skipif(shutil.which("strace") is None, reason="cannot run here: no strace"),
        ),
    ],
)
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="cannot run here: needs Linux")
@pytest.mark.slow
def test_faults_of_children_keep_their_promises(make: Callable[[], Injector]) -> None:
    """Children begin under the fault while the injector is open, with evidence, and none otherwise."""
    check_injector(make, strike=start, iterations=2, in_effect=patched, clock=SystemClock)
    assert os.getpid()
