"""The server as a process: how it starts, whom it lets in, and that it ends with its owner."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from chaos_toxiproxy.server import ServerError, start
from chaos_toxiproxy.server.options import SERVER, VERSION, parse
from tests.services.peers import wait_until
from tests.services.proxied import Api, receive

OWNER = """
import os, sys, time
from chaos_toxiproxy.server import start
server = start()
{then}
print(server.pid, flush=True)
time.sleep(600)
"""


def api_of(url: str, token: str | None = None) -> Api:
    return Api(int(url.rpartition(":")[2]), token=token)


def gone(pid: int) -> Callable[[], bool]:
    """Tell whether a process is gone; one that nobody waits for counts."""

    def check() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return check


def test_a_server() -> None:
    """A server is there when it has started, and gone when it was closed; closing it again does nothing."""
    with start() as server:
        assert server.alive
        assert api_of(server.url)("GET", "/version").status == 200
        port = int(server.url.rpartition(":")[2])
    assert not server.alive
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_it_outlives_the_thread_that_started_it() -> None:
    """A server that a thread has started lives on when that has ended."""
    started = []
    thread = threading.Thread(target=lambda: started.append(start()))
    thread.start()
    thread.join()
    with started[0] as server:
        assert api_of(server.url)("GET", "/version").status == 200


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("then", ["pass", "os.fork() or (time.sleep(5), os._exit(0))"], ids=["alone", "forked"])
def test_it_ends_with_its_owner(number: signal.Signals, then: str) -> None:
    """A server ends when its owner is killed, also where a forked child holds the owner's pipe."""
    command = [sys.executable, "-c", OWNER.format(then=then)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert not gone(pid)()
        owner.send_signal(number)
        owner.wait()
        assert wait_until(gone(pid))
        with suppress(ProcessLookupError):  # the forked child
            os.killpg(owner.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(number: signal.Signals) -> None:
    """A server that is told to end does so in peace."""
    command = [sys.executable, "-m", "chaos_toxiproxy.server", "-port", "0", "-host", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening on 127.0.0.1:")
        process.send_signal(number)
        assert (process.wait(20), process.stderr and process.stderr.read()) == (0, b"")


def test_ctrl_c_is_for_its_owner() -> None:
    """A terminal interrupts a whole process group; the server is not in that of its owner, which undoes first."""
    with start() as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_token() -> None:
    """With a token, only who brings it is let in."""
    with start(token="secret") as server:
        assert api_of(server.url, "secret")("GET", "/proxies").status == 200
        for wrong in (None, "", "secre", "secrets", "s\u00e9cret"):
            reply = api_of(server.url, wrong)("GET", "/proxies")
            assert (reply.status, b"Bearer" in reply.body) == (401, True)
        command = psutil.Process(server.pid).cmdline()
    assert "secret" not in " ".join(command)


def test_many_sockets() -> None:
    """A server uses all file descriptors that it may: the usual soft limit would be 500 connections."""
    with start() as server:
        soft, hard = psutil.Process(server.pid).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard


def test_its_version(capfd: pytest.CaptureFixture[str]) -> None:
    """The command line and the API tell the version of the API, three numbers, and whose server it is."""
    with pytest.raises(SystemExit) as ended:
        parse(["-version"])
    assert (ended.value.code, f"{VERSION} ({SERVER})" in capfd.readouterr().out) == (0, True)
    assert [part.isdecimal() for part in VERSION.split(".")] == [True] * 3
    with start() as server:
        reply = api_of(server.url)("GET", "/version")
        assert (reply.json, reply.headers["server"]) == ({"version": VERSION}, SERVER)


def test_other_interfaces() -> None:
    """Without a token the API is served on loopback only."""
    with pytest.raises(ServerError, match="give a --token"):
        start(host="0.0.0.0")
    with start(host="0.0.0.0", token="secret") as server:
        assert api_of(server.url, "secret")("GET", "/version").status == 200


def test_a_host_that_is_none() -> None:
    """A host that cannot be resolved is named."""
    with pytest.raises(ServerError, match=r"nobody\.invalid"):
        start(host="nobody.invalid")


def test_ipv6() -> None:
    """The API is served on the loopback of IPv6 too."""
    try:
        with start(host="::1") as server:
            assert server.url.startswith("http://[::1]:")
            assert api_of_6(server.url)
    except ServerError as error:
        pytest.skip(f"cannot run here: {error}")


def api_of_6(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), 20) as sock:
        sock.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        return sock.recv(100).startswith(b"HTTP/1.1 200")


def test_replies_that_nobody_reads(ours: Api) -> None:
    """Who asks and asks, and reads no reply, is not read either, and others get their replies."""
    asked, most = 0, 8_000_000
    with socket.create_connection(("127.0.0.1", ours.port), 20) as sock:
        sock.setblocking(False)
        while asked < most and select.select([], [sock], [], 1)[1]:
            asked += sock.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert asked < most
        assert ours("GET", "/version").status == 200
        sock.setblocking(True)
        assert receive(sock, 100_000).count(b"HTTP/1.1 200 OK") > 100


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /version HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /version HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET /version HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
        (b"nonsense\r\n\r\n", 400),
        (b"GET version HTTP/1.1\r\n\r\n", 400),
        (b"GET /version HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
        (b"POST /proxies HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000, 400),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_requests_that_are_none(ours: Api, sent: bytes, status: int) -> None:
    """What is no request gets a reply that says so, and the server goes on."""
    with socket.create_connection(("127.0.0.1", ours.port), 20) as sock:
        sock.sendall(sent)
        assert sock.recv(1000).startswith(b"HTTP/1.1 %d " % status)
    assert ours("GET", "/version").status == 200
