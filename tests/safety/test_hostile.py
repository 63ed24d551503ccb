"""Parts that never return and ignore their cancellation: they hold up neither the run nor the undo of the others."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.safety.toys import Toybox, ended, until

PROGRAM = """
import asyncio, signal, sys, time
from contextlib import asynccontextmanager, contextmanager
from chaoscore import Evidence, Moment, Scenario, Severity, Undo
from chaoscore.executor import Options, guard, life, run
from toys_plugin import Toys

folder, hook, how = sys.argv[1:]
guard.LEASE_S, life.OVERDUE_S = 0.3, 0.2
signal.alarm(60)  # whatever becomes of the test

def plain():
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass

async def task():
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            pass

async def blocking():
    print("blocking", flush=True)
    plain()

def never(name):
    return {"plain": plain, "task": task, "blocking": blocking}[how] if hook == name else nothing

def nothing():
    pass

async def maybe(name):
    if hook == name:
        await never(name)()

class Target:
    pass

for name in ("setup", "teardown"):
    if hook == name:
        setattr(Target, name, staticmethod(never(name)))

class Hostile:
    kind, undo = "hostile", Undo.KERNEL

    def open(self, site):
        return self.plainly() if how == "plain" else self.later()

    @contextmanager
    def plainly(self):
        never("open")()
        yield Opened()
        never("lift")()

    @asynccontextmanager
    async def later(self):
        await maybe("open")
        yield Opened()
        await maybe("lift")

class Opened:
    def evidence(self):
        return never("evidence")() or Evidence(fired=1)

class Validator:
    kind, severity = "hostile", Severity.CRITICAL

    def start(self, scene):
        return Checker()

class Checker:
    moments, every_s = frozenset(Moment), 0.01

    def check(self, moment):
        return never(f"check {moment}")()

    def conclude(self):
        return never("conclude")()

if how != "plain":
    async def evidence(self):
        await maybe("evidence")
        return Evidence(fired=1)
    Opened.evidence = evidence

chaos = Scenario("hostile").target(Target()).step("work", lambda _: time.sleep(0.2))
chaos = chaos.inject("toys", Toys(folder)).inject("hostile", Hostile()).expect("hostile", Validator())
report = run(chaos.repeat(3).limit(hook="300ms", drain="50ms"), Options(handle_signals=True))
print("end", report.interrupted, int(report.exit_code), flush=True)
for each in report.troubles:
    print(each.who, each.hook, each.error.message, flush=True)
"""

CASES = [
    ("open", "plain", 3),
    ("evidence", "plain", 3),
    ("lift", "plain", 6),
    ("check during", "plain", 3),
    ("setup", "plain", 3),
    ("teardown", "plain", 3),
    ("setup", "task", 3),
    ("open", "task", 3),
    ("lift", "task", 6),
    ("check after", "task", 3),
]
"""Which hook never returns, in a thread or as a task, and the exit code of such a run."""


def hostile(box: Toybox, hook: str, how: str) -> subprocess.Popen[str]:
    """Start a run in which that *hook* never returns."""
    program = Path(box.program).with_name("hostile.py")
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(box.toys), hook, how]
    return box.adopt(subprocess.Popen(command, env=box.environment, stdout=subprocess.PIPE, text=True))


@pytest.mark.parametrize(("hook", "how", "code"), CASES)
def test_a_hook_that_never_returns_holds_up_nothing(box: Toybox, hook: str, how: str, code: int) -> None:
    """It is given up, told, and left behind; the toys are off, and the run ends by itself."""
    child = hostile(box, hook, how)
    said = ended(child)
    assert child.returncode == 0
    assert said[0] == f"end None {code}"
    assert [line for line in said if f"{hook.partition(' ')[0]} did not return within 0.3 s and was given up" in line]
    assert box.healed()


@pytest.mark.parametrize("hook", ["open", "lift"])
def test_a_hook_that_blocks_the_loop_loses_the_lease(box: Toybox, hook: str) -> None:
    """Nothing in the run can go on then: the watchdog undoes, and three signals end the process."""
    child = hostile(box, hook, "blocking")
    assert child.stdout is not None
    assert child.stdout.readline() == "blocking\n"
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    assert box.healed()
    assert child.poll() is None
    for _ in range(3):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    assert until(lambda: child.poll() is not None)
    assert child.returncode == 143
