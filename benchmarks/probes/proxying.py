"""What a proxy costs: ours, Toxiproxy, or none at all (``server=ours|toxiproxy|direct``, ``measure=...``)."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.probes import timing
from benchmarks.probes.peers import connect, peer

CHUNK = bytes(64 * 1024)


class Api:
    """A server's API, over a connection that is kept; nearly all time is the server's."""

    def __init__(self, port: int, pid: int) -> None:
        self.pid = pid
        self._sock = connect(port)

    def __call__(self, method: str, path: str, body: object = None) -> bytes:
        """Send a request and return the reply's body."""
        text = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(text)}\r\n\r\n"
        self._sock.sendall(head.encode() + text)
        reply = self._sock.recv(1 << 16)
        if not reply.startswith(b"HTTP/1.1 2"):
            sys.exit(f"ProxyError: {method} {path}: {reply!r}")
        return reply.partition(b"\r\n\r\n")[2]

    def proxy(self, upstream: int) -> int:
        """Create a proxy and return its port."""
        plan = {"name": "bench", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"}
        return int(json.loads(self("POST", "/proxies", plan))["listen"].rpartition(":")[2])

    def toxic(self, kind: str, stream: str = "downstream", **attributes: int) -> None:
        """Add a toxic that is named ``toxic``."""
        toxic = {"name": "toxic", "type": kind, "stream": stream, "attributes": attributes}
        self("POST", "/proxies/bench/toxics", toxic)

    def remove(self) -> None:
        """Remove it."""
        self("DELETE", "/proxies/bench/toxics/toxic")

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()


@contextmanager
def cpu_of(made: Api | None, took: dict[str, float]) -> Iterator[None]:
    """Put the CPU time that a server takes during the block into *took*; no server takes none."""
    before = 0.0 if made is None else _cpu_s(made.pid)
    yield
    took["cpu"] = 0.0 if made is None else _cpu_s(made.pid) - before


def _cpu_s(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return sum(int(each) for each in times) / os.sysconf("SC_CLK_TCK")


@contextmanager
def api(server: str) -> Iterator[Api]:
    """Run a server."""
    if server == "ours":
        from chaos_toxiproxy.server import start

        with start() as ours:
            made = Api(int(ours.url.rpartition(":")[2]), ours.pid)
            yield made
            made.close()
        return
    program = os.environ.get("TOXIPROXY_SERVER") or shutil.which("toxiproxy-server")
    if program is None:
        sys.exit("UnavailableError: no toxiproxy-server on PATH")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "LOG_LEVEL": "error"}
    command = [program, "-host", "127.0.0.1", "-port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:  # as ours is: schedulers treat sessions apart
        try:
            made = Api(_awaited(port), process.pid)
            yield made
            made.close()
        finally:
            process.terminate()


def _awaited(port: int) -> int:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.02)
    sys.exit("UnavailableError: toxiproxy-server does not answer")


@contextmanager
def path(server: str) -> Iterator[tuple[int, Api | None]]:
    """Yield a port that leads to an echo, and the API of the server in between."""
    with peer("echo") as (upstream, _), between(server, upstream) as made:
        yield made


@contextmanager
def between(server: str, upstream: int) -> Iterator[tuple[int, Api | None]]:
    """Yield a port that leads to *upstream*, and the API of the server in between."""
    if server == "direct":
        yield upstream, None
    else:
        with api(server) as made:
            yield made.proxy(upstream), made


# -- what is measured


def throughput(server: str, connections: int = 1, latency: int = 0, seconds: float = 1.5) -> dict[str, float]:
    """Bytes a second, sent in pieces of 64 KiB over so many connections."""
    with peer("sink") as (upstream, told), between(server, upstream) as (port, made):
        if latency and made is not None:
            made.toxic("latency", "upstream", latency=latency)
        socks = [connect(port) for _ in range(connections)]
        took: dict[str, float] = {}
        with cpu_of(made, took):
            _send_until(socks, time.perf_counter() + seconds)
            for sock in socks:
                sock.close()
            ends = [[float(word) for word in told.readline().split()] for _ in socks]
    rate = sum(total / took_s for total, took_s in ends if took_s)
    return {"rate": rate, "cpu": took["cpu"] / sum(total for total, _ in ends) * 1e9}


def _send_until(socks: list[socket.socket], until: float) -> None:
    if len(socks) == 1:
        while time.perf_counter() < until:
            socks[0].sendall(CHUNK)
        return
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_WRITE)
        while time.perf_counter() < until:
            for key, _ in selector.select(1):
                key.fileobj.send(CHUNK)  # type: ignore[union-attr]


def round_trips(server: str, count: int = 10_000, latency: int = 0) -> dict[str, float]:
    """Seconds for one byte there and back."""
    with path(server) as (port, made):
        if latency and made is not None:
            made.toxic("latency", latency=latency)
        cpu: dict[str, float] = {}
        with connect(port) as sock, cpu_of(made, cpu):
            took = [_round_trip(sock) for _ in range(count + 10)][10:]
    took.sort()
    return {"p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "cpu": cpu["cpu"] / count}


def _round_trip(sock: socket.socket) -> float:
    began = time.perf_counter()
    sock.send(b"x")
    sock.recv(1)
    return time.perf_counter() - began


def churn(server: str, threads: int = 1, seconds: float = 1.5) -> dict[str, float]:
    """New connections a second; each takes one byte there and back."""
    cpu: dict[str, float] = {}
    with path(server) as (port, made), ThreadPoolExecutor(threads) as pool, cpu_of(made, cpu):
        began = time.perf_counter()
        done = sum(pool.map(_connect_until, [port] * threads, [began + seconds] * threads))
        rate = done / (time.perf_counter() - began)
    return {"rate": rate, "cpu": cpu["cpu"] / done}


def _connect_until(port: int, until: float) -> int:
    done = 0
    while time.perf_counter() < until:
        with connect(port) as sock:
            _round_trip(sock)
        done += 1
    return done


def bandwidth(server: str, rate: int = 500, seconds: float = 3.0) -> dict[str, float]:
    """Bytes a second under the toxic: the mean, and the extremes of windows of 100 ms."""
    with path(server) as (port, made):
        assert made is not None
        made.toxic("bandwidth", rate=rate)
        sock = connect(port)
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(sock.sendall, bytes(int(rate * 1000 * (seconds + 2))))
            arrivals = _arrivals(sock, seconds + 0.5)
            sock.shutdown(socket.SHUT_RDWR)
            sending.exception()
        sock.close()
    return _off([(at, size) for at, size in arrivals if at >= arrivals[0][0] + 0.5], rate * 1000)


def _arrivals(sock: socket.socket, seconds: float) -> list[tuple[float, int]]:
    arrivals, began = [], time.perf_counter()
    while time.perf_counter() < began + seconds:
        size = len(sock.recv(1 << 20))
        arrivals.append((time.perf_counter(), size))
    return arrivals


def _off(arrivals: list[tuple[float, int]], rate: float) -> dict[str, float]:
    """Return how far the mean, and the worst of windows of 100 ms, are off the rate."""
    began, ended = arrivals[0][0], arrivals[-1][0]
    windows = [0.0] * int((ended - began) / 0.1)
    for at, size in arrivals:
        index = int((at - began) / 0.1)
        if index < len(windows):
            windows[index] += size / 0.1
    mean = sum(size for _, size in arrivals[1:]) / (ended - began)
    return {"mean off": abs(mean / rate - 1), "window off": max(abs(each / rate - 1) for each in windows)}


def idle(server: str, connections: int = 1000) -> dict[str, float]:
    """Bytes of memory that an idle connection takes."""
    with path(server) as (port, made):
        assert made is not None
        with connect(port) as first:
            _round_trip(first)
        before = _rss_bytes(made.pid)
        socks = [connect(port) for _ in range(connections)]
        for sock in socks:
            _round_trip(sock)
        after = _rss_bytes(made.pid)
        for sock in socks:
            sock.close()
    return {"bytes": (after - before) / connections}


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096


def calls(server: str, count: int = 2000) -> dict[str, float]:
    """Calls of the API a second: toxics added and removed."""
    with path(server) as (_, made):
        assert made is not None
        began = time.perf_counter()
        for _ in range(count // 2):
            made.toxic("latency", latency=10)
            made.remove()
        return {"rate": count / (time.perf_counter() - began)}


def removal(server: str, connections: int = 10, count: int = 10) -> dict[str, float]:
    """Seconds until a toxic that holds data is removed, while all connections send as fast as they can."""
    with peer("sink") as (upstream, told), between(server, upstream) as (port, made), ThreadPoolExecutor(1) as pool:
        assert made is not None
        socks = [connect(port) for _ in range(connections)]
        sending = pool.submit(_send_until, socks, time.perf_counter() + count * 0.25)
        took = [_removed(made) for _ in range(count)]
        sending.result()
        for sock in socks:
            sock.close()
        for _ in socks:
            told.readline()
    return {"slowest": max(took)}


def _removed(made: Api) -> float:
    made.toxic("latency", "upstream", latency=100)
    time.sleep(0.12)
    began = time.perf_counter()
    made.remove()
    return time.perf_counter() - began


MEASURES = {each.__name__: each for each in (throughput, round_trips, churn, bandwidth, idle, calls, removal)}


def proxying(server: str, measure: str, **parameters: int) -> dict[str, float]:
    """Measure one thing of one server."""
    return MEASURES[measure](server, **parameters)


if __name__ == "__main__":
    timing.tell(proxying)
