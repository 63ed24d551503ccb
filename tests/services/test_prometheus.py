"""The Prometheus server that tests run on."""

import os
from pathlib import Path

import psutil
import pytest

from tests.services import child
from tests.services import prometheus as service
from tests.services.postgres import UnavailableError
from tests.services.prometheus import Prometheus, answers, eventually, find_program, prometheus


def test_it_answers_and_listens_on_loopback_only(prometheus_server: Prometheus) -> None:
    """The server is a direct child, not root's even if the tests are, and nobody on another machine can reach it."""
    assert prometheus_server.value("vector(17)") == 17
    process = psutil.Process(prometheus_server.pid)
    assert process.ppid() == os.getpid()
    assert process.uids().effective == (child.NOBODY if os.geteuid() == 0 else os.geteuid())
    listening = [each for each in process.net_connections() if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}


@pytest.mark.slow
def test_it_scrapes_what_it_is_told_to(prometheus_server: Prometheus) -> None:
    """A target is scraped while the block lasts, and forgotten afterwards; the server itself will do for one."""
    address = prometheus_server.url.removeprefix("http://")
    up = 'up{case="itself"}'
    with prometheus_server.scraping(address, case="itself"):
        assert eventually(lambda: list(prometheus_server.query(up).values())) == [1]
    eventually(lambda: not prometheus_server.query(up))


def test_nothing_is_left_of_it() -> None:
    """After the block there is no process, no folder and no open port."""
    try:
        with prometheus() as server:
            process = psutil.Process(server.pid)
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")
    assert not process.is_running()
    assert not server.folder.exists()
    assert not answers(server.url.removeprefix("http://"))


def test_where_there_is_none_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program, and without what fetches Debian's package, the reason says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UnavailableError, match="no prometheus: install it"):
        find_program("prometheus")


def test_a_package_that_cannot_be_fetched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that fails is a reason with the last word of what failed, and leaves nothing in the cache."""
    for name in ("apt-get", "dpkg"):
        (tmp_path / name).write_text("#!/bin/sh\necho no network here >&2\nexit 100\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UnavailableError, match="failed: no network here"):
        service.fetched("prometheus")
    assert list((tmp_path / "cache" / "chaoscore-tests").iterdir()) == []


def test_waiting_for_what_never_comes_is_an_error() -> None:
    """Whoever waits is told what was there instead."""
    with pytest.raises(AssertionError, match=r"still \[\] after"):
        eventually(list, seconds=0)
