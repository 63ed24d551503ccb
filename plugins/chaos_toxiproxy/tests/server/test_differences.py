"""Where the embedded server does not do what Toxiproxy does: a test for each line of the table in the README."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from chaos_toxiproxy.server import ServerError, start
from tests.services.proxied import (
    PATIENCE_S,
    Api,
    Upstream,
    abort,
    collecting,
    how_it_ends,
    receive,
    sending,
    silent,
    to_the_end,
)

STREAMS = ("upstream", "downstream")


def api_of(url: str, pid: int = 0, token: str | None = None) -> Api:
    return Api(int(url.rpartition(":")[2]), pid, token)


# -- nothing ends or wedges it


def test_a_slicer_without_attributes(ours: Api, upstream: Upstream) -> None:
    """A slicer without an average size cuts nothing, and the server lives."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("slicer", "upstream")
    client.sendall(b"0123456789")
    assert receive(server, 10) == b"0123456789"


def test_a_slicer_that_varies_more_than_it_has(ours: Api, upstream: Upstream) -> None:
    """Slices that may vary by more than their size have a byte at least, and nothing is lost."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("slicer", "upstream", average_size=1, size_variation=5)
    client.sendall(bytes(range(250)) * 16)
    assert receive(server, 4000) == bytes(range(250)) * 16


@pytest.mark.parametrize(
    ("kind", "attributes", "error"),
    [
        ("latency", {"latency": -1}, "latency must be 0 or more, not -1"),
        ("bandwidth", {"rate": -1}, "rate must be 0 or more, not -1"),
        ("slicer", {"average_size": -1}, "average_size must be 0 or more, not -1"),
    ],
)
def test_values_that_cannot_be(ours: Api, kind: str, attributes: dict[str, int], error: str) -> None:
    """A value out of range is refused with its limit, when a toxic is added or changed."""
    ours.proxy(1)
    refused = ours("POST", "/proxies/p/toxics", {"type": kind, "attributes": attributes})
    assert refused.error == (400, f"bad request body: {error}")
    name = ours.toxic(kind)
    refused = ours("PATCH", f"/proxies/p/toxics/{name}", {"attributes": attributes})
    assert refused.error == (400, f"bad request body: {error}")
    assert set(ours("GET", f"/proxies/p/toxics/{name}").json["attributes"].values()) == {0}


@pytest.mark.parametrize("toxicity", [-0.1, 1.1, 7])
def test_toxicity_is_a_share(ours: Api, toxicity: float) -> None:
    """A toxicity that is no share is refused, when a toxic is added or changed."""
    ours.proxy(1)
    error = (400, f"bad request body: toxicity must be from 0 to 1, not {toxicity:g}")
    assert ours("POST", "/proxies/p/toxics", {"type": "noop", "toxicity": toxicity}).error == error
    name = ours.toxic("noop", toxicity=0.5)
    assert ours("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": toxicity}).error == error
    assert ours("GET", f"/proxies/p/toxics/{name}").json["toxicity"] == 0.5


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("kind", ["latency", "bandwidth", "slicer", "timeout", "noop"])
def test_a_reader_that_stalls(ours: Api, upstream: Upstream, kind: str, stream: str) -> None:
    """Where nobody reads, toxics are still added, changed and removed, and the API answers."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    source = client if stream == "upstream" else server
    _fill(source)
    for _ in range(2):
        name = ours.toxic(kind, stream)
        assert ours("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": 0.9}).status == 200
        assert ours("GET", "/proxies").status == 200
        ours.remove(name)
    assert ours("POST", "/reset").status == 204


def _fill(sock: socket.socket) -> None:
    """Send until nobody takes more."""
    sock.settimeout(0.2)
    with suppress(TimeoutError):
        for _ in range(1000):
            sock.sendall(bytes(1 << 20))
        pytest.fail("it never stopped")


def test_an_upstream_that_does_not_answer(ours: Api, upstream: Upstream) -> None:
    """While one connection waits for its upstream, others are accepted, and the proxy can be changed and deleted."""
    deaf = socket.socket()
    deaf.bind(("127.0.0.1", 0))
    deaf.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:  # its queue is full now, so that it answers no more
        filler.setblocking(False)
        filler.connect_ex(deaf.getsockname())
    address = ours.proxy(deaf.getsockname()[1])
    waiting = [upstream.connect(address) for _ in range(3)]
    assert silent(waiting[0])
    assert ours("PATCH", "/proxies/p", {"upstream": f"127.0.0.1:{upstream.port}"}).status == 200
    assert [how_it_ends(each) for each in waiting] == ["fin"] * 3
    client, server = upstream.pair(address)
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"
    assert ours("DELETE", "/proxies/p").status == 204
    for sock in (*fillers, deaf):
        sock.close()


@pytest.mark.slow
def test_removing_a_toxic_under_traffic(ours: Api, upstream: Upstream) -> None:
    """Under full traffic on ten connections, a latency that holds megabytes is removed, and all of it arrives."""
    address = ours.proxy(upstream.port)
    pairs = [upstream.pair(address) for _ in range(10)]
    data = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    for client, server in pairs:
        client.settimeout(60)
        server.settimeout(60)
    with _all_of(pairs, data) as collected:
        for _ in range(5):
            name = ours.toxic("latency", "upstream", latency=50)
            ours.remove(name)
    assert [b"".join(each) == data for each in collected] == [True] * 10


class _all_of:  # noqa: N801 - reads as a function
    def __init__(self, pairs: list[tuple[socket.socket, socket.socket]], data: bytes) -> None:
        self._blocks = [sending(client, data) for client, _ in pairs]
        self._collecting = [collecting(server, len(data)) for _, server in pairs]

    def __enter__(self) -> list[list[bytes]]:
        collected = [block.__enter__() for block in self._collecting]
        for block in self._blocks:
            block.__enter__()
        return collected

    def __exit__(self, *_: object) -> None:
        for block in (*self._blocks, *self._collecting):
            block.__exit__(None, None, None)


# -- what it promises, it does


def test_half_close(ours: Api, upstream: Upstream) -> None:
    """A client that has said everything still gets its answer, and the other way round."""
    address = ours.proxy(upstream.port)
    for first, second in ((0, 1), (1, 0)):
        ends = upstream.pair(address)
        ends[first].sendall(b"question")
        ends[first].shutdown(socket.SHUT_WR)
        assert to_the_end(ends[second]) == b"question"
        ends[second].sendall(b"answer")
        ends[second].close()
        assert to_the_end(ends[first]) == b"answer"


def test_resets_are_passed_on(ours: Api, upstream: Upstream) -> None:
    """A reset of one side is a reset of the other."""
    address = ours.proxy(upstream.port)
    for first, second in ((0, 1), (1, 0)):
        ends = upstream.pair(address)
        ends[first].sendall(b"hello")
        assert ends[second].recv(10) == b"hello"
        abort(ends[first])
        assert how_it_ends(ends[second]) == "rst"


def test_a_reset_does_not_lose_the_answer(ours: Api, upstream: Upstream) -> None:
    """What a server said before it closed on somebody who still sends arrives, and then the reset."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    client.sendall(b"x" * 100_000)
    assert server.recv(1) == b"x"
    server.sendall(b"enough")
    server.close()  # with unread data: that is a reset
    assert receive(client, 6) == b"enough"
    assert how_it_ends(client) == "rst"


@pytest.mark.parametrize("stream", STREAMS)
def test_timeout_fires_although_data_flows(ours: Api, upstream: Upstream, stream: str) -> None:
    """The time of a timeout is not prolonged by data."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    source = client if stream == "upstream" else server
    ours.toxic("timeout", stream, timeout=300)
    source.settimeout(0.02)
    for _ in range(1000):
        try:
            source.sendall(b"x")
            if source.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
    else:
        pytest.fail("it never fired")


@pytest.mark.parametrize("timeout", [0, 100])
@pytest.mark.parametrize("stream", STREAMS)
def test_reset_peer_resets_idle_and_live_connections(ours: Api, upstream: Upstream, stream: str, timeout: int) -> None:
    """A connection is reset that was there before the toxic, and one that says nothing."""
    address = ours.proxy(upstream.port)
    live = upstream.pair(address)
    live[0].sendall(b"hello")
    assert live[1].recv(10) == b"hello"
    ours.toxic("reset_peer", stream, timeout=timeout)
    idle = upstream.pair(address)
    assert [how_it_ends(sock) for sock in (*live, *idle)] == ["rst"] * 4


@pytest.mark.parametrize("kind", ["reset_peer", "timeout", "limit_data", "slow_close"])
def test_toxicity_0_does_nothing(ours: Api, upstream: Upstream, kind: str) -> None:
    """A toxic of toxicity 0 leaves the data and the end of a connection alone."""
    address = ours.proxy(upstream.port)
    for stream in STREAMS:
        ours.toxic(kind, stream, toxicity=0)
    client, server = upstream.pair(address)
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert to_the_end(server) == b"question"
    server.sendall(b"answer")
    server.close()
    assert to_the_end(client) == b"answer"


def test_a_change_is_all_or_nothing(ours: Api) -> None:
    """A change of which one value is wrong changes nothing."""
    ours.proxy(1)
    name = ours.toxic("latency", latency=100)
    toxic = f"/proxies/p/toxics/{name}"
    for body in (
        {"attributes": {"latency": 77, "jitter": "bad"}},
        {"toxicity": 0.5, "attributes": {"latency": 77, "jitter": -1}},
        {"toxicity": 2, "attributes": {"latency": 77}},
    ):
        assert ours("PATCH", toxic, body).status == 400
        now = ours("GET", toxic).json
        assert (now["attributes"], now["toxicity"]) == ({"latency": 100, "jitter": 0}, 1)


def struck(api: Api, upstream: Upstream, connections: int) -> str:
    """Tell which connections a toxic of half of them strikes: X or a dot each."""
    address = api.proxy(upstream.port)
    api.toxic("limit_data", "upstream", toxicity=0.5, bytes=1)
    shown = ""
    for _ in range(connections):
        client, server = upstream.pair(address)
        client.sendall(b"ab")
        shown += "X" if receive(server, 2) == b"a" else "."
    api.clear()
    return shown


def test_the_seed(upstream: Upstream) -> None:
    """The same seed strikes the same connections, and another one others."""
    patterns = []
    for seed in (42, 42, 43):
        with start(seed=seed) as server:
            assert server.seed == seed
            patterns.append(struck(api_of(server.url), upstream, 40))
    assert patterns[0] == patterns[1] != patterns[2]
    assert {*patterns[0]} == {"X", "."}


def test_the_throw_of_a_connection(ours: Api, upstream: Upstream) -> None:
    """Whether a toxic strikes a connection is decided once, however often it or another toxic is changed."""
    address = ours.proxy(upstream.port)
    pairs = [upstream.pair(address) for _ in range(12)]
    name = ours.toxic("bandwidth", "upstream", toxicity=0.5, rate=0)
    hit = [_is_stopped(*pair) for pair in pairs]
    assert {*hit} == {True, False}
    spared = [pair for pair, stopped in zip(pairs, hit, strict=True) if not stopped]
    for _ in range(8):
        ours("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"rate": 0}})
        ours.remove(ours.toxic("noop", "upstream"))
    for client, server in spared:
        client.sendall(b"y")
        assert server.recv(1) == b"y"
    ours("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"rate": 1000}})
    for client, server in pairs:
        client.sendall(b"z")
        assert receive(server, 1) in (b"x", b"z")


def _is_stopped(client: socket.socket, server: socket.socket) -> bool:
    client.sendall(b"x")
    if silent(server):
        return True
    assert server.recv(1) == b"x"
    return False


def test_toxics_in_a_configuration(tmp_path: Path, upstream: Upstream) -> None:
    """A configuration file brings toxics along."""
    config = tmp_path / "toxiproxy.json"
    toxic = {"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 3}}
    plan = {"name": "p", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream.port}", "toxics": [toxic]}
    config.write_text(json.dumps([plan]))
    with start(config=config) as server:
        [made] = api_of(server.url)("GET", "/proxies").json.values()
        assert [each["name"] for each in made["toxics"]] == ["limit_data_upstream"]
        host, _, port = made["listen"].rpartition(":")
        client, other = upstream.pair((host, int(port)))
        client.sendall(b"hello")
        assert to_the_end(other) == b"hel"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", "json: cannot unmarshal object|unexpected EOF"),
        ('[{"name":"p"}]', "missing required field: upstream at proxy 1"),
        ('[{"name":"p","upstream":"x","listen":"bad"}]', "missing port in address"),
        ('[{"name":"p","upstream":"x","listen":"127.0.0.1:0","toxics":[{"type":"zz"}]}]', "invalid toxic type"),
    ],
)
def test_a_bad_configuration(tmp_path: Path, content: str, error: str) -> None:
    """A configuration that cannot be used ends the server with the reason, instead of being passed over."""
    config = tmp_path / "toxiproxy.json"
    config.write_text(content)
    with pytest.raises(ServerError, match=error):
        start(config=config)


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    """A configuration file that is not there ends the server with its name."""
    with pytest.raises(ServerError, match=r"none\.json"):
        start(config=tmp_path / "none.json")


def test_toxics_with_a_proxy(ours: Api) -> None:
    """A proxy is created with its toxics where the request asks for that, both or nothing; otherwise without."""
    plan = {"name": "p", "listen": "127.0.0.1:0", "upstream": "x", "toxics": [{"type": "latency"}]}
    assert ours("POST", "/proxies", plan).json["toxics"] == []
    ours.clear()
    made = ours("POST", "/proxies?toxics=true", plan)
    assert [each["name"] for each in made.json["toxics"]] == ["latency_downstream"]
    ours.clear()
    plan["toxics"] = [{"type": "latency"}, {"type": "zz"}]
    assert ours("POST", "/proxies?toxics=true", plan).error == (400, "invalid toxic type")
    assert ours("GET", "/proxies").json == {}
    assert ours("POST", "/populate?toxics=true", [plan]).status == 400
    strange: tuple[object, ...] = (7, [7], {})
    for toxics in strange:
        assert ours("POST", "/proxies?toxics=true", {**plan, "toxics": toxics}).status == 400


def test_a_taken_port() -> None:
    """A server whose API port is taken does not stay alive without an API."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}: bind: address already in use; choose another --port"):
            start(port=port)


def test_counters_are_live(ours: Api, upstream: Upstream) -> None:
    """Bytes of a connection that goes on are counted, also those that are still on their way."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("bandwidth", "upstream", rate=0)
    server.sendall(b"hello")
    assert receive(client, 5) == b"hello"
    client.sendall(b"123")
    assert silent(server)
    text = ours("GET", "/metrics").body.decode()
    counted = {
        (line.split("{")[0], 'direction="upstream"' in line): line.split()[-1]
        for line in text.splitlines()
        if line.startswith("toxiproxy_proxy_")
    }
    assert counted == {
        ("toxiproxy_proxy_received_bytes_total", True): "3",
        ("toxiproxy_proxy_received_bytes_total", False): "5",
        ("toxiproxy_proxy_sent_bytes_total", True): "0",
        ("toxiproxy_proxy_sent_bytes_total", False): "5",
    }


def test_a_shared_bandwidth(ours: Api, upstream: Upstream) -> None:
    """A bandwidth that is shared is one for the proxy: two connections together get no more than one."""
    address = ours.proxy(upstream.port)
    pairs = [upstream.pair(address) for _ in range(3)]
    name = ours.toxic("bandwidth", "upstream", rate=100, shared=True)
    assert ours("GET", f"/proxies/p/toxics/{name}").json["attributes"] == {"rate": 100, "shared": True}
    began = time.monotonic()
    for client, _ in pairs:
        client.sendall(bytes(10_000))
    for _, server in pairs:
        assert len(receive(server, 10_000)) == 10_000
    assert time.monotonic() - began >= 0.29


def test_reset_goes_on(ours: Api, upstream: Upstream) -> None:
    """A reset that cannot enable one proxy still does all else, and tells."""
    taken = f"127.0.0.1:{upstream.port}"
    ours("POST", "/proxies", {"name": "a", "listen": taken, "upstream": "x", "enabled": False})
    ours("POST", "/proxies", {"name": "b", "listen": "127.0.0.1:0", "upstream": "x", "enabled": False})
    ours.proxy(1)
    ours.toxic("noop")
    assert ours("POST", "/reset").error == (500, f"listen tcp {taken}: bind: address already in use")
    shown = ours("GET", "/proxies").json
    assert {name: each["enabled"] for name, each in shown.items()} == {"a": False, "b": True, "p": True}
    assert shown["p"]["toxics"] == []


def test_names_with_slashes(ours: Api) -> None:
    """A proxy whose name has a slash can be addressed, and so deleted."""
    ours.proxy(1, "a/b")
    assert ours("GET", "/proxies/a%2Fb").json["name"] == "a/b"
    assert ours("DELETE", "/proxies/a%2Fb").status == 204


def test_a_client_that_has_no_more_to_say(ours: Api) -> None:
    """A client that closes its side after its request still gets the reply, even one that takes a while."""
    body = b'{"name":"a","upstream":"x","listen":"nowhere.invalid:0"}'
    with socket.create_connection(("127.0.0.1", ours.port), PATIENCE_S) as sock:
        sock.sendall(b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        sock.shutdown(socket.SHUT_WR)
        reply = to_the_end(sock)
    assert reply.startswith(b"HTTP/1.1 500 ")
    assert b"no such host" in reply
