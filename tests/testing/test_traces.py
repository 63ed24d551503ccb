"""What the kit sees of a process, and what not."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chaoscore.testing.traces import left_since, own_temporary_files, traces
from tests.testing import lost


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (lost.thread, "thread 'lost'"),
        (lost.open_file, "open file"),
        (lost.variable, f"environment variable {lost.VARIABLE}"),
    ],
)
def test_what_is_left_is_told(leave: Callable[[], None], told: str) -> None:
    """Whatever a process holds that it did not hold before is named, until it is gone."""
    before = traces()
    leave()
    assert any(line.startswith(told) for line in left_since(before))
    lost.clear()
    assert left_since(before) == []


def test_a_child_process_is_told() -> None:
    """A child process is named by its command."""
    before = traces()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        if not Path("/proc/self/task").is_dir():
            pytest.skip("cannot run here: no /proc")
        assert any(line.startswith(f"child process {child.pid}: ") for line in left_since(before))
        child.communicate(b"\n")
    assert left_since(before) == []


def test_a_variable_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was taken away is a change as well, and no value is shown."""
    monkeypatch.setenv(lost.VARIABLE, "a secret")
    before = traces()
    monkeypatch.delenv(lost.VARIABLE)
    (line,) = left_since(before)
    assert line.startswith(f"environment variable {lost.VARIABLE}")
    assert line.endswith("gone or changed")
    assert "a secret" not in line


def test_threads_of_the_run_are_none_of_it() -> None:
    """The threads of the framework itself do not count."""
    before, stop = traces(), threading.Event()
    thread = threading.Thread(target=stop.wait, args=[10], name="chaoscore-hooks")
    thread.start()
    try:
        assert left_since(before) == []
    finally:
        stop.set()
        thread.join()


def test_temporary_files_are_told_where_they_are_ones_own() -> None:
    """Temporary files count in a folder of their own, which is gone afterwards, and nowhere else."""
    usual = tempfile.gettempdir()
    with own_temporary_files() as folder:
        before = traces()
        lost.file()
        (line,) = left_since(before)
        assert line.startswith("temporary file tmp")
    assert not folder.exists()
    assert tempfile.gettempdir() == usual
    assert not any(line.startswith("temporary file") for line in traces())


def test_the_working_directory_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever changes the working directory leaves that change."""
    before = traces()
    monkeypatch.chdir(tmp_path)
    assert left_since(before) == [f"working directory {os.path.realpath(tmp_path)}"]
