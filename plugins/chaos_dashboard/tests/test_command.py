"""``chaoscore live RUN``."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from chaoscore import Event, Found
from chaoscore.reporters import events as event_log
from tests.services.browsers import Browser, Visit


@pytest.fixture
def log(minutes: tuple[Event, ...], tmp_path: Path) -> Path:
    """The log of four minutes."""
    event_log(tmp_path / "run.jsonl").follow(minutes)
    return tmp_path / "run.jsonl"


@contextmanager
def serving(*words: str | Path) -> Iterator[str]:
    """Run the command for the length of the block, which gets the address of the page."""
    command = [sys.executable, "-m", "chaoscore", "live", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            address = running.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            yield address
            running.send_signal(signal.SIGINT)
            _, stderr = running.communicate(timeout=60)
            assert (running.returncode, stderr) == (0, "")
        finally:
            running.kill()


def refused(*words: str | Path) -> tuple[int, str]:
    """Return the exit code and the message of a command that does not begin to serve."""
    command = [sys.executable, "-m", "chaoscore", "live", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_finished_run(browser: Browser, log: Path) -> None:
    """The page of a finished run shows how it ended, cannot stop it, and ends with Ctrl-C."""

    def look(visit: Visit) -> None:
        visit.page.goto(address)
        expect(visit.page.locator("#link")).to_have_text("ended")
        expect(visit.page.locator("#verdict")).to_have_text("FAIL")
        expect(visit.page.locator("#stop")).to_be_hidden()
        expect(visit.page.locator("canvas")).to_have_count(3)

    with serving(log) as address:
        browser.visit(look)


def test_a_crashed_run_that_broke_off_in_a_line(browser: Browser, log: Path) -> None:
    """Of a run that was killed while it wrote, the page shows all but the last line, and that it never ended."""
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])

    def look(visit: Visit) -> None:
        visit.page.goto(address)
        expect(visit.page.locator("#phase")).to_have_text("interrupted: its log ends before the run does")
        expect(visit.page.locator("#verdict")).to_have_text("UNKNOWN")

    with serving(log) as address:
        browser.visit(look)


def test_a_port_that_is_taken(log: Path) -> None:
    """It is said which, and nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, message = refused(log, "--port", str(port))
    assert code == 2
    assert f"{port}: Address already in use; name another" in message


def test_a_file_that_is_no_log(log: Path) -> None:
    """What is no event log, or has a line that is none, is a message that names the line."""
    log.write_text("hello\n")
    assert refused(log)[0] != 0
    assert "run.jsonl" in refused(log)[1]
    log.write_text("")
    assert "empty" in refused(log)[1]


def test_a_log_with_a_broken_line_in_its_middle(log: Path) -> None:
    """The message says which line cannot be read."""
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:10], lines[10][:15] + b"\n", *lines[11:]]))
    assert re.search(r"line 11|:11", refused(log)[1])


def test_many_findings(browser: Browser, log: Path, minutes: tuple[Event, ...]) -> None:
    """A hundred thousand findings that say different things are a page like any other."""
    found = next(each for each in minutes if isinstance(each, Found))
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    more = [type(found)(**{**fields, "message": chr(97 + n % 26) * (n % 97) + f"{n:x}"}) for n in range(100_000)]
    event_log(log).follow((*minutes[:-2], *more, *minutes[-2:]))

    def look(visit: Visit) -> int:
        visit.page.goto(address)
        expect(visit.page.locator("#link")).to_have_text("ended")
        return visit.page.locator(".finding").count()

    with serving(log) as address:
        assert 20 < browser.visit(look) <= 50
