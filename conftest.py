"""What every test session promises: it leaves nothing behind, and in CI it skips nothing."""

import os
import signal
import threading
from collections.abc import Generator, Iterator, Set
from typing import TypeVar

import psutil
import pytest

IN_CI = os.environ.get("CHAOSCORE_CI") == "1"
ALLOWED_SKIP = "cannot run here:"
WRITTEN_BY_TOOLS = {".hypothesis", ".pytest_cache", "__pycache__"}
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell, and in all that tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)
at_start = pytest.StashKey[Set[str]]()
os.environ.pop("PYTHONUNBUFFERED", None)  # else no program that a test starts has anything left to write as it ends


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[at_start] = traces(session.config)


@pytest.hookimpl(trylast=True)  # after pytest's own, which tears down the last fixtures
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that changed something and did not change it back."""
    psutil.wait_procs(psutil.Process().children(), timeout=1)  # Some are just ending.
    changed = sorted(traces(session.config) ^ session.config.stash[at_start])
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if changed and reporter:
        text = "\n".join(["The tests leave these behind, or took them away:", *changed])
        location = ("conftest.py", None, "the whole session")
        report = pytest.TestReport(location[2], location, {}, "failed", text, "teardown")
        reporter.stats.setdefault("error", []).append(report)
    if changed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def traces(config: pytest.Config) -> set[str]:
    """One line for each thing that a test may leave in this process or where it runs."""
    folder = config.invocation_params.dir
    files = {path.name for path in folder.iterdir()} - WRITTEN_BY_TOOLS
    # Values may be secrets, so only their hash is kept; a changed one shows as two equal names.
    variables = {k: hash(v) for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    return {
        *(f"file: {folder / name}" for name in files),
        *(f"environment variable: {name} ({value:x})" for name, value in variables.items()),
        *(f"thread: {thread.name}" for thread in threading.enumerate() if not thread.daemon),
        *(f"child process: {child}" for child in children()),
        *(f"listening socket: {address}" for address in listening()),
    }


def children() -> Iterator[str]:
    for child in psutil.Process().children(recursive=True):
        try:
            command = " ".join(child.cmdline()) or child.name()
            state = child.status()
        except psutil.NoSuchProcess:
            continue
        # The standard library's own helper lives as long as this process, by design.
        if "multiprocessing.resource_tracker" not in command:
            yield f"{child.pid} ({state}) {command[:200]}"


def listening() -> Iterator[str]:
    for connection in psutil.Process().net_connections("inet"):
        if connection.status == psutil.CONN_LISTEN:
            yield f"{connection.laddr.ip}:{connection.laddr.port}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """In CI, turn a skip into a failure unless its reason says that it cannot run there."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(ALLOWED_SKIP):
            report.outcome = "failed"
            report.longrepr = f"{reason!r} must not happen in CI: a reason starts {ALLOWED_SKIP!r}"
    return report
