"""Signals and cancellations: a real process, a real signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = textwrap.dedent(
    """
    import sys, threading, time
    from contextlib import contextmanager
    from chaoscore import Scenario, Undo
    from chaoscore.executor import Options, run

    class Target:
        def setup(self): pass
        def teardown(self): print("teardown", flush=True)

    class Door:
        kind, undo = "door", Undo.KERNEL
        @contextmanager
        def open(self, site):
            try:
                yield None
            finally:
                print("lift", flush=True)
                time.sleep(float(sys.argv[2]))
                print("lifted", flush=True)

    def work(target):
        print("step", flush=True)
        {body}

    chaos = Scenario("s").target(Target()).step("work", work).inject("door", Door()).run_for("60s").limit(drain="50ms")
    try:
        report = run(chaos, Options(handle_signals=sys.argv[1] == "cli"))
    except KeyboardInterrupt:
        print("KeyboardInterrupt", flush=True)
    else:
        print(report.interrupted, int(report.exit_code), report.iterations.cancelled, flush=True)
    """
)


def interrupt(
    tmp_path: Path, body: str, signals: list[signal.Signals], how: str = "cli", lift_s: str = "0"
) -> list[str]:
    """Start the program, send it *signals*, the further ones while it lifts, and return what it then printed."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("{body}", body))
    child = subprocess.Popen([sys.executable, program, how, lift_s], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "step\n"
        child.send_signal(signals[0])
        lines = []
        for line in child.stdout:
            lines.append(line.strip())
            if line == "lift\n":
                for number in signals[1:]:
                    child.send_signal(number)
        assert child.wait(20) == 0
        return [line for line in lines if line != "step"]
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize("body", ["time.sleep(0.001)", "time.sleep(60)", "while True: pass"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_good_order(tmp_path: Path, body: str, number: signal.Signals, code: int) -> None:
    """Lift, tear down, report with the signal's exit code; whether the step returns, sleeps or spins."""
    lines = interrupt(tmp_path, body, [number])
    assert lines[:3] == ["lift", "lifted", "teardown"]
    assert lines[3].startswith(f"{number.name} {code}")


def test_further_signals_do_not_skip_the_undo(tmp_path: Path) -> None:
    """Two more while a fault is being lifted: it is lifted all the same."""
    lines = interrupt(tmp_path, "time.sleep(0.001)", [signal.SIGINT] * 3, lift_s="0.1")
    assert lines[:3] == ["lift", "lifted", "teardown"]


def test_ctrl_c_in_a_program_raises_when_all_is_undone(tmp_path: Path) -> None:
    """`Scenario.run` in the main thread raises `KeyboardInterrupt`, as a program expects, but lifts first."""
    assert interrupt(tmp_path, "time.sleep(0.001)", [signal.SIGINT] * 2, how="api", lift_s="0.05") == [
        "lift",
        "lifted",
        "teardown",
        "KeyboardInterrupt",
    ]
