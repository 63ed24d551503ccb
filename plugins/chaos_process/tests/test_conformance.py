"""The plugin's parts keep what every run relies on."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from chaos_process import child_limit, cpu, fd_limit, kill, limit, memory, memory_limit, pause, system
from chaos_process.process import State
from chaoscore import Injector, Validator
from chaoscore.testing import check_injector, check_validator

pytestmark = pytest.mark.usefixtures("installed")

VICTIM = "import os, sys; os.write(1, b'r'); os.read(0, 1)"


class Victim:
    """A target that has a process of its own."""

    name = "victim"

    def setup(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", VICTIM, "victim-of-conformance"]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.popen.stdout is not None
        self.popen.stdout.read(1)
        found = system.look_up(self.popen.pid)
        assert found is not None
        self.process = found
        self.files = system.soft_and_hard(found, "open_files")[0]

    @property
    def pid(self) -> int:
        return self.popen.pid

    def teardown(self) -> None:
        self.popen.kill()
        self.popen.communicate()


def is_stopped(victim: Victim) -> bool:
    return system.state(victim.process) is State.STOPPED


def is_limited(victim: Victim) -> bool:
    return system.soft_and_hard(victim.process, "open_files")[0] != victim.files


def idle(target: object) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("make", "in_effect", "wrong"),
    [
        (lambda: cpu(0.5, 1), None, [{"load": 0}, {"processes": 0}, {"processes": 1000}]),
        (lambda: memory("2MiB"), None, [{"size": "1kB"}, {"max_share": 0}]),
        (lambda: kill(of="target"), None, [{"signal": "STOP"}]),
        pytest.param(
            lambda: pause(of="target"),
            is_stopped,
            [{"pid": 5}, {"match": "("}, {"pick": 2}, {"of": "self"}],
            marks=pytest.mark.slow,  # each of its many runs has a watchdog
        ),
        pytest.param(
            lambda: limit(open_files=16, of="target"),
            is_limited,
            [{"open_files": "4"}, {"address_space": "+4"}],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["cpu", "memory", "kill", "pause", "limit"],
)
def test_injectors_conform(make: Callable[[], Injector], in_effect: Any, wrong: Any) -> None:
    """Every injector strikes, proves it, refuses wrong values and is lifted on every way out."""
    check_injector(make, target=Victim, in_effect=in_effect, wrong=wrong, iterations=2)


class Leaky(Victim):
    """A target that uses a lot of this process when it is told to."""

    def leak(self) -> None:
        if "held" in vars(self):
            return
        self.held = bytearray(os.urandom(1 << 20) * 64)
        self.files_held = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
        command = [sys.executable, "-I", "-S", "-c", VICTIM]
        self.children = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(10)]

    def teardown(self) -> None:
        super().teardown()
        for descriptor in getattr(self, "files_held", ()):
            os.close(descriptor)
        for child in getattr(self, "children", ()):
            child.kill()
            child.communicate()
        self.__dict__.clear()


def room(extra: int) -> str:
    return f"{(system.rss_bytes(system.this_process()) + extra) // 1024}KiB"


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (memory_limit, [{"limit": "1"}, {"every": 0}]),
        (fd_limit, [{"limit": 0}, {"of": "children"}]),
        (child_limit, [{"growth": -1}]),
    ],
    ids=["memory", "files", "children"],
)
def test_validators_conform(make: Callable[..., Validator], wrong: Any) -> None:
    """Every validator holds where all is well, finds what is broken, starts anew and does not guess."""
    others = len(psutil.Process().children(recursive=True))  # servers of other tests, whose children come and go
    limits: dict[Any, Any] = {memory_limit: room(32 << 20), fd_limit: 100, child_limit: others + 3}
    most = limits[make]
    check_validator(lambda: make(most), holds=idle, broken=Leaky.leak, target=Leaky, wrong=wrong, iterations=2)
