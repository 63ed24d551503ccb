"""A plugin whose fault is a file: it is in effect while the file is there, so whoever looks can tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLUGIN = '''
import json, os, time
from contextlib import ExitStack, contextmanager
from pathlib import Path
import attrs
from chaoscore import Evidence, Undo, hookimpl

class Switch:
    """Removes the file; where the arguments say so it raises, hangs or lies instead."""
    def undo(self, args):
        path = Path(args["path"])
        if args.get("bad") == "raises":
            raise OSError("stuck switch")
        if args.get("bad") == "hangs":
            time.sleep(60)
        if args.get("bad") == "lies":
            return "switched off"
        if not path.exists():
            return "it was off"
        path.unlink()
        return "switched off"
    def in_effect(self, args):
        return Path(args["path"]).exists()

@attrs.frozen
class Toys:
    """Switches toys on.

    Attributes:
        folder: Where they are.
        count: How many.
        bad: What the undo does wrong.
    """
    kind = "toy.switch"
    undo = Undo.JOURNAL
    folder: str
    count: int = 3
    bad: str = ""

    @contextmanager
    def open(self, site):
        with ExitStack() as stack:
            for number in range(self.count):
                path = Path(self.folder) / f"toy-{number}"
                args = {"path": str(path), "bad": self.bad if number == 1 else ""}
                stack.enter_context(site.undoing("toy.switch", args, target=str(path), manual=f"rm {path}"))
                path.touch()
            yield self.opened(site)

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
import sys, time
from chaoscore import Scenario, window
from chaoscore.executor import Options, guard, run
from toys_plugin import Toys

folder, lease_s, bad, windowed = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4] == "windowed"
guard.LEASE_S = guard.Guard.__init__.__defaults__  # shown in a traceback, never used
guard.Guard.__init__.__defaults__ = (lease_s,)
when = window(every="20ms", for_="10ms") if windowed else None
chaos = Scenario("toys").target(object()).step("work", lambda _: (print("step", flush=True), time.sleep(0.001)))
chaos = chaos.inject("toys", Toys(folder, bad=bad), window=when).run_for("60s").limit(drain="50ms", hook="5s")
report = run(chaos, Options(handle_signals=True))
print("end", report.interrupted, int(report.exit_code), flush=True)
print("\\n".join(f"{each.who}: {each.error.message}" for each in report.troubles), flush=True)
"""


class Toybox:
    """A folder with the plugin installed beside it, and runs that switch toys on."""

    def __init__(self, tmp_path: Path) -> None:
        self.toys, self.site, self.state = tmp_path / "toys", tmp_path / "site", tmp_path / "state"
        info = self.site / "chaos_toys-1.0.dist-info"
        for folder in (self.toys, info):
            folder.mkdir(parents=True)
        (self.site / "toys_plugin.py").write_text(textwrap.dedent(PLUGIN))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-toys\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[chaoscore]\ntoys = toys_plugin\n")
        self.program = tmp_path / "program.py"
        self.program.write_text(PROGRAM)

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes a child find the plugin and the state directory."""
        path = os.pathsep.join([str(self.site), *(each for each in sys.path if each), str(Path.cwd())])
        return {**os.environ, "PYTHONPATH": path, "CHAOSCORE_STATE_DIR": str(self.state)}

    def start(self, *, lease_s: float = 10, bad: str = "", windowed: bool = False) -> subprocess.Popen[str]:
        """Start a run."""
        how = [str(self.toys), str(lease_s), bad, "windowed" if windowed else "whole"]
        return subprocess.Popen(
            [sys.executable, str(self.program), *how], stdout=subprocess.PIPE, text=True, env=self.environment
        )

    def on(self) -> list[str]:
        """Return the toys that are switched on."""
        return sorted(path.name for path in self.toys.iterdir())

    def journals(self) -> list[Path]:
        """Return the journals there are."""
        return sorted((self.state / "journals").glob("*.jsonl"))

    def records(self) -> list[dict[str, Any]]:
        """Return what all journals say."""
        lines = [line for path in self.journals() for line in path.read_bytes().partition(b"\0")[0].splitlines()]
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


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Wait until *condition* holds; False if it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
