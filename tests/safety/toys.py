"""A plugin whose fault is a file: it is in effect while the file is there, so whoever looks can tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T", str, bytes)

PLUGIN = '''
import os, signal, sys, time
from contextlib import ExitStack, contextmanager
from pathlib import Path
import attrs
from chaoscore import Evidence, Undo, hookimpl


class Switch:
    """Removes the files; where the arguments say so it raises, exits, hangs, lies, is slow, or fails a few times."""

    def undo(self, args):
        path, bad = Path(args["path"]), args.get("bad", "")
        if bad == "raises" or bad == "fails twice" and len(tries(path)) < 2:
            tries(path, "x")
            raise OSError("stuck switch")
        if bad == "exits":
            raise SystemExit("so there")
        if bad == "hangs":
            time.sleep(60)
        if bad == "lies":
            return "switched off"
        if bad == "slow":
            time.sleep(0.3)
        was_on = path.exists()
        for each in (path, wire(path)):
            each.unlink(missing_ok=True)
        return "switched off" if was_on else "it was off"

    def in_effect(self, args):
        return Path(args["path"]).exists() or wire(Path(args["path"])).exists()


def wire(path):
    return path.with_suffix(".wire")


def tries(path, more=""):
    """Return what was noted of earlier tries, beside the folder of the toys, and note one more."""
    note = path.parent.parent / "tries"
    with note.open("a+") as file:
        file.write(more)
        file.seek(0)
        return file.read()


@attrs.frozen
class Toys:
    """Switches toys on.

    Attributes:
        folder: Where they are.
        count: How many.
        bad: What the undo of the second does wrong; with "all ", of each.
        trip: What happens on the way, as "raise intent", "kill wire" or "stop toy", at the second.
        shared: All of them are one target.
        pause_s: Seconds that each takes.
    """

    kind = "toy.switch"
    undo = Undo.JOURNAL
    folder: str
    count: int = 3
    bad: str = ""
    trip: str = ""
    shared: bool = False
    pause_s: float = 0.0

    @contextmanager
    def open(self, site):
        with ExitStack() as stack:
            for number in range(self.count):
                path = Path(self.folder) / f"toy-{number}"
                bad = self.bad.removeprefix("all ") if number == 1 or self.bad.startswith("all ") else ""
                args = {"path": str(path), "bad": bad}
                target = "toys" if self.shared else str(path)
                stack.enter_context(site.undoing("toy.switch", args, target=target, manual=f"rm {path}"))
                self.stumble(number, "intent")
                wire(path).touch()
                self.stumble(number, "wire")
                path.touch()
                self.stumble(number, "toy")
                wire(path).unlink()
                time.sleep(self.pause_s)
            yield self.opened(site)

    def stumble(self, number, place):
        how, _, where = self.trip.partition(" ")
        if number == 1 and where == place:
            if how == "raise":
                raise OSError(f"tripped after the {place}")
            os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSTOP)

    def opened(self, site):
        class Opened:
            def evidence(opened):
                return Evidence(fired=self.count)
        return Opened()


@hookimpl
def chaos_injectors():
    return (Toys,)


@hookimpl
def chaos_undos():
    return {"toy.switch": Switch()}
'''

PROGRAM = """
import asyncio, ctypes, json, os, signal, sys, threading, time
from chaoscore import Scenario, window
from chaoscore.executor import Options, guard, run
from chaoscore.safety import undo
from toys_plugin import Toys

how = json.loads(sys.argv[1])
guard.LEASE_S, undo.PAUSES_S = how["lease_s"], (0.01, 0.02, 0.03)
signal.alarm(90)  # whatever becomes of the test
body = compile(how["body"], "body", "exec")

def work(target):
    print("step", flush=True)
    exec(body)

async def awork(target):
    work(target)

when = window(every="20ms", for_="10ms") if how["windowed"] else None
chaos = Scenario("toys").target(object()).step("work", awork if how["async"] else work)
chaos = chaos.inject("toys", Toys(**how["toys"]), window=when).run_for("60s").limit(**how["limits"])
report = run(chaos, Options(handle_signals=True))
print("end", report.interrupted, int(report.exit_code), flush=True)
print("\\n".join(f"{each.who}: {each.error.message}" for each in report.troubles), flush=True)
"""

SCENARIO = """
import sys, time
from pathlib import Path
from chaoscore import Scenario, maybe_delay, window
from chaoscore.injectors import delay
sys.path.insert(0, {site!r})
from toys_plugin import Toys

def work(target):
    maybe_delay()
    Path({begun!r}).touch()
    time.sleep(0.001)

toys = Scenario("toys").target(object()).step("work", work).run_for("60s").limit(drain="50ms", hook="5s")
toys = toys.inject("slow", delay("1us"))
whole = toys.inject("toys", Toys({toys!r}))
windowed = toys.inject("toys", Toys({toys!r}), window=window(every="20ms", for_="10ms"))
many = toys.inject("toys", Toys({toys!r}, 200, pause_s=0.02))
"""

LIMITS = {"drain": "50ms", "hook": "5s"}


class Toybox:
    """A folder with the plugin installed beside it, and runs that switch toys on."""

    def __init__(self, tmp_path: Path) -> None:
        self.toys, self.site, self.state = tmp_path / "toys", tmp_path / "site", tmp_path / "state"
        self.begun, self.tries = tmp_path / "begun", tmp_path / "tries"
        self._children: list[subprocess.Popen[Any]] = []
        info = self.site / "chaos_toys-1.0.dist-info"
        for folder in (self.toys, info):
            folder.mkdir(parents=True)
        (self.site / "toys_plugin.py").write_text(textwrap.dedent(PLUGIN))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-toys\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[chaoscore]\ntoys = toys_plugin\n")
        self.program, self.scenario = tmp_path / "program.py", tmp_path / "scenario.py"
        self.program.write_text(PROGRAM)
        places = {"site": str(self.site), "begun": str(self.begun), "toys": str(self.toys)}
        self.scenario.write_text(SCENARIO.format(**places))

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes a child find the plugin and the state directory."""
        path = os.pathsep.join([str(self.site), *(each for each in sys.path if each), str(Path.cwd())])
        return {**os.environ, "PYTHONPATH": path, "CHAOSCORE_STATE_DIR": str(self.state)}

    def start(
        self,
        *,
        lease_s: float = 10,
        windowed: bool = False,
        body: str = "time.sleep(0.001)",
        is_async: bool = False,
        limits: Mapping[str, str] = LIMITS,
        **toys: object,
    ) -> subprocess.Popen[str]:
        """Start a run whose step does what *body* says, while *toys* are on."""
        how = {"lease_s": lease_s, "windowed": windowed, "body": body, "async": is_async, "limits": dict(limits)}
        how["toys"] = {"folder": str(self.toys), **toys}
        command = [sys.executable, str(self.program), json.dumps(how)]
        return self.adopt(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment))

    def command(self, *words: str, scenario: str = "whole") -> list[str]:
        """Return the command line that runs the scenario of that name."""
        return [sys.executable, "-m", "chaoscore", "run", f"{self.scenario}:{scenario}", *words]

    def call(self, command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        """Start *command* and wait for the first step of its run; the output goes nowhere unless *how* says where."""
        self.begun.unlink(missing_ok=True)
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        child = self.adopt(subprocess.Popen(command, env=self.environment, **{**nowhere, **how}))
        assert until(lambda: self.begun.exists() or child.poll() is not None)
        return child

    def adopt(self, child: subprocess.Popen[T]) -> subprocess.Popen[T]:
        """Have *child* ended with the test, and return it."""
        self._children.append(child)
        return child

    def output(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run *command* to its end."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def end(self) -> None:
        """End what a test that failed has left running, or stopped."""
        for child in self._children:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream is not None:
                    stream.close()

    def on(self) -> list[str]:
        """Return the toys that are switched on."""
        return sorted(path.name for path in self.toys.iterdir())

    def journals(self) -> list[Path]:
        """Return the journals there are."""
        return sorted((self.state / "journals").glob("*.jsonl"))

    def records(self) -> list[dict[str, Any]]:
        """Return what all journals say."""
        lines = [line for path in self.journals() for line in said(path).partition(b"\0")[0].splitlines()]
        return [json.loads(line) for line in lines]

    def watchdogs(self) -> list[int]:
        """Return the watchdogs that are alive, by what their command line says."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"chaoscore.safety.watchdog" in line and str(self.state).encode() in line:
                    found.append(int(entry.name))
        return found

    def healed(self) -> bool:
        """Wait until no toy is on, no journal is left and no watchdog is at work; tell whether it came to that."""
        return until(lambda: not (self.on() or self.journals() or self.watchdogs()))


def said(path: Path) -> bytes:
    """Return what a journal says: nothing, when whoever undid the last of its faults has just removed it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def started(box: Toybox, **how: Any) -> subprocess.Popen[str]:
    """Start a run and wait for its first step."""
    child = box.start(**how)
    assert child.stdout is not None
    assert child.stdout.readline() == "step\n"
    return child


def ended(child: subprocess.Popen[str]) -> list[str]:
    """Wait for the end of a run and return what it said last."""
    assert child.stdout is not None
    with child.stdout:
        lines = [line.strip() for line in child.stdout if line != "step\n"]
    child.wait(20)
    return [line for line in lines if line]


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Wait until *condition* holds; False if it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
