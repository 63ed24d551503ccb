"""The plugin's parts in whole runs."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from chaos_process import child_limit, cpu, fd_limit, kill, limit, memory, memory_limit, pause, system
from chaos_process.process import State
from chaoscore import ExitCode, Scenario, Verdict, window

WORKER = "import sys\nfor line in sys.stdin: print(open('/dev/null') and 'done', flush=True)"


class Worker:
    """A system under test that has a process of its own, and starts it again when it has ended."""

    def __init__(self) -> None:
        self.started = 0

    def setup(self) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WORKER, "worker-of-a-scenario"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.started += 1
        found = system.look_up(self.popen.pid)
        assert found is not None
        self.process = found

    @property
    def pid(self) -> int:
        return self.popen.pid

    def teardown(self) -> None:
        self.state = system.state(self.process)
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            assert pipe is not None
            pipe.close()

    def work(self) -> None:
        """Let the process do its thing, or a new one if it is gone."""
        if self.popen.poll() is not None:
            self.teardown()
            self.setup()
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(b"\n")
        if self.popen.stdout.readline() != b"done\n":
            raise RuntimeError("no answer")


def scenario(worker: Worker, step: Callable[[Worker], object] = Worker.work) -> Scenario:
    return Scenario("worker").target(worker).step("work", step).repeat(20)


def idle(worker: Worker) -> None:
    time.sleep(0.001)


def test_stress_does_not_break_a_sound_worker() -> None:
    """Under CPU stress and memory pressure a worker within its limits passes, and both faults are proved."""
    worker = Worker()
    report = (
        scenario(worker)
        .inject("cpu", cpu(0.5, 1))
        .inject("memory", memory("8MiB"))
        .expect("memory", memory_limit("256MiB", of="target"))
        .expect("files", fd_limit(16, of="target"))
        .expect("children", child_limit(0, of="target"))
        .run(seed=1)
    )
    assert report.verdict is Verdict.PASS, report
    assert [each.fired for each in report.injections] == [1, 1]
    assert worker.state is State.ALIVE


@pytest.mark.usefixtures("installed")
def test_a_paused_worker_goes_on_after_the_run() -> None:
    """The worker stands while the fault is open, and is continued before the target is torn down."""
    worker, states = Worker(), set[State]()
    report = (
        scenario(worker, lambda it: states.add(system.state(it.process)))
        .inject("frozen", pause(of="target"))
        .run(seed=1)
    )
    assert report.verdict is Verdict.PASS, report
    assert states == {State.STOPPED}
    assert worker.state is State.ALIVE


def test_a_killed_worker_is_started_again() -> None:
    """Killing the worker fails no more than the call that it was in: the next one starts it again."""
    worker = Worker()
    report = scenario(worker).inject("crash", kill(match="worker-of-a-scenario")).continue_on_failure().run(seed=1)
    assert worker.started == 2
    assert [each.fired for each in report.injections] == [1]
    assert report.iterations.ok >= 19


@pytest.mark.usefixtures("installed")
def test_a_worker_that_runs_out_of_files_is_found() -> None:
    """A worker that cannot open a file any more fails its step, and has its limit back after the run."""
    worker = Worker()
    report = scenario(worker).inject("files", limit(open_files="+0", of="target")).run(seed=1)
    assert report.verdict is not Verdict.PASS
    assert report.iterations.failed >= 1
    assert report.iterations.ok == 0


@pytest.mark.parametrize(
    "validator",
    [memory_limit("1MiB", of="target"), fd_limit(1, of="target"), child_limit(0), memory_limit("1MiB")],
    ids=["memory", "files", "children", "own memory"],
)
def test_a_limit_that_is_exceeded_fails_the_run(validator: Any) -> None:
    """A worker beyond its limit fails the run, with a finding that says by how much."""
    report = scenario(Worker(), idle).inject("cpu", cpu(0.5, 1)).expect("limit", validator).run(seed=1)
    assert report.verdict is Verdict.FAIL, report
    assert "at most" in report.findings[0].first.message


def test_a_run_that_strikes_nothing_is_not_green() -> None:
    """Where no process matches, nothing landed, and the exit code says so."""
    report = scenario(Worker()).inject("crash", kill(match="no such worker")).run(seed=1)
    assert report.verdict is not Verdict.PASS
    assert report.exit_code is ExitCode.NOTHING_HAPPENED
    assert "no descendant" in str(report.injections[0].detail)


def test_a_process_that_must_not_be_struck_ends_the_run() -> None:
    """Asking for this process itself is an error of the injector, and the run is unknown."""
    own = system.this_process()
    report = scenario(Worker()).inject("own", pause(pid=own.pid, started=own.create_time)).run(seed=1)
    assert report.verdict is Verdict.UNKNOWN
    assert any("the process that runs the scenario" in each.error.message for each in report.troubles)


def test_faults_come_and_go_with_their_window() -> None:
    """A window that opens several times starts and ends the children each time, and each time is evidence."""
    worker = Worker()
    report = (
        scenario(worker, idle)
        .repeat(400)
        .inject("cpu", cpu(0.5, 1), window=window(every="150ms", for_="100ms"))
        .run(seed=1)
    )
    [injection] = report.injections
    assert injection.fired == injection.opened >= 1


@pytest.mark.usefixtures("installed")
def test_the_watchdog_is_neither_struck_nor_counted() -> None:
    """The run's own watchdog is no child of the target's, and is not killed with "all" children."""
    worker = Worker()
    before = len(psutil.Process().children(recursive=True))  # servers of other tests in this session
    report = (
        scenario(worker, idle)
        .inject("frozen", pause(of="target"))
        .inject("crash", kill(pick="all", match="chaoscore:watchdog|worker-of-a-scenario"))
        .expect("children", child_limit(before + 1))
        .run(seed=1)
    )
    assert report.verdict is Verdict.PASS, report
    assert [each.detail["pids"] for each in report.injections] == [[worker.pid], [worker.pid]]


OWNER = """
import sys, time
from chaoscore import Scenario
from chaos_process import limit, pause

which = {"pid": int(sys.argv[1]), "started": float(sys.argv[2])}
scenario = (
    Scenario("killed")
    .target(object())
    .step("wait", lambda target: (print("open", flush=True), time.sleep(60)))
    .inject("files", limit(open_files=16, **which))
    .inject("frozen", pause(**which))
)
scenario.run()
"""


@pytest.mark.usefixtures("installed")
@pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux limits other processes")
def test_a_killed_run_leaves_no_fault(spawn: Callable[..., Any], until: Callable[[Callable[[], bool]], bool]) -> None:
    """A process that is stopped and limited when the run is killed goes on by itself, with its old limit."""
    child = spawn()
    before = system.soft_and_hard(child.process, "open_files")
    command = [sys.executable, "-c", OWNER, str(child.pid), str(child.process.create_time)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        assert system.state(child.process) is State.STOPPED
        assert system.soft_and_hard(child.process, "open_files")[0] == 16
        owner.kill()
    assert until(lambda: system.state(child.process) is State.ALIVE)
    assert until(lambda: system.soft_and_hard(child.process, "open_files") == before)
    child.tell()
