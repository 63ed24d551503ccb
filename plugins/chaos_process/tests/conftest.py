"""Real processes to strike, a run's site to strike from, and a look at what a test leaves."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from typing import Any
from zlib import crc32

import pytest

from chaos_process import plugin, system
from chaos_process.process import Process
from chaos_process.waiting import wait_until
from chaoscore import Scene, Site, SystemClock

PATIENCE_S = 20.0
LOGGER = logging.getLogger("chaos_process.tests")


class Spawned:
    """A small Python process, in a process group of its own, which does one thing for each line that it is told."""

    def __init__(self, code: str, each_line: str, tag: str) -> None:
        program = f"import os, signal, sys\n{code}\nprint('ready', flush=True)\nfor line in sys.stdin:\n"
        program += f"    {each_line}\n    print('done', flush=True)\n"
        self.popen = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, tag],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert self._said() == b"ready\n"
        found = system.look_up(self.pid)
        assert found is not None
        self.process = found

    @property
    def pid(self) -> int:
        return self.popen.pid

    def tell(self) -> None:
        """Let it do its thing once, and wait until that is done."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(b"\n")
        assert self._said() == b"done\n"

    def kill(self) -> None:
        """End it without reaping it: it is a zombie then."""
        os.kill(self.pid, signal.SIGKILL)
        assert wait_until(lambda: system.state(self.process).ended, PATIENCE_S)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE_S)
        for pipe in (self.popen.stdin, self.popen.stdout):
            assert pipe is not None
            pipe.close()

    def _said(self) -> bytes:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline()


Spawn = Callable[..., Spawned]


@pytest.fixture
def tag(request: pytest.FixtureRequest) -> str:
    """What marks the processes of one test: other tests may have processes of their own under this one."""
    return f"target-of-{request.node.name}"


@pytest.fixture
def spawn(tag: str) -> Iterator[Spawn]:
    """Start processes, and end them with the test."""
    spawned: list[Spawned] = []

    def start(code: str = "", each_line: str = "pass", tag: str = tag) -> Spawned:
        spawned.append(Spawned(code, each_line, tag))
        return spawned[-1]

    yield start
    for each in spawned:
        each.end()


class Landed(list[tuple[str, str, str]]):
    """What the open fault told the run."""

    @property
    def places(self) -> list[str]:
        return [where for _, where, _ in self]


@pytest.fixture
def landed() -> Landed:
    return Landed()


@pytest.fixture
def site(landed: Landed) -> Site:
    return make_site(landed)


@contextmanager
def undoing(undo: str, args: Mapping[str, Any], *, target: str, manual: str) -> Iterator[None]:
    """Hold a fault as a run does: its undo gets what would be on disk, and is not believed."""
    written = json.loads(json.dumps(dict(args)))
    action = plugin.chaos_undos()[undo]
    try:
        yield
    finally:
        action.undo(written)
        if action.in_effect(written):
            raise StillInEffectError(f"{target}: {manual}")


class StillInEffectError(Exception):
    """What a run says of a fault that its undo did not take back."""


def make_site(landed: Landed, **parts: Any) -> Site:
    clock = SystemClock()
    started = clock.monotonic()
    values: dict[str, Any] = {
        "injection": "stress",
        "scenario": "orders",
        "run_id": "run-1",
        "seed": 7,
        "target": None,
        "clock": clock,
        "log": LOGGER,
        "draw": lambda *identity: crc32(repr(identity).encode()) / 2**32,
        "landed": lambda kind, where, detail: landed.append((kind, where, detail)),
        "elapsed_s": lambda: clock.monotonic() - started,
        "share": 1.0,
        "resolve": lambda host, port: host,
        "undoing": undoing,
    }
    return Site(**(values | parts))


@pytest.fixture
def site_of(landed: Landed) -> Callable[..., Site]:
    """Return a site with some of its parts replaced."""
    return lambda **parts: make_site(landed, **parts)


class Elapsed:
    """Time as the run tells it: a test moves it."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def scene_of(elapsed: Elapsed) -> Callable[[object], Scene]:
    """Return what a validator sees of a run against a target."""

    def scene(target: object) -> Scene:
        return Scene(
            expectation="usage",
            scenario="orders",
            target=target,
            clock=SystemClock(),
            elapsed_s=elapsed,
            progress=None,  # type: ignore[arg-type]  # these validators do not ask
            log=LOGGER,
        )

    return scene


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test ends with the processes that it began with."""
    before = {each.pid for each in system.descendants(system.this_process())}
    yield
    assert [left(each) for each in system.descendants(system.this_process()) if each.pid not in before] == []


def left(process: Process) -> str:
    return f"{process}: {system.state(process)}, {system.command_line(process)}"


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a run writes down is out of the way of other runs."""
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def installed() -> None:
    """Leave out a test of faults that a watchdog undoes: it finds their undo only where the plugin is installed."""
    if not entry_points(group="chaoscore", name="process"):
        pytest.skip("cannot run here: this plugin is not installed")


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], bool]:
    """Wait for something that the operating system does in its own time."""
    return lambda true: wait_until(true, PATIENCE_S)
