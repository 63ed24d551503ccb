"""The HTTP API, to the letter: everything here holds for Toxiproxy and for the embedded server."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.services.proxied import PATIENCE_S, Api, Upstream

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
NO_PORT = "listen tcp: address bad: missing port in address"


def wrong(value: str, field: str, kind: str) -> str:
    """What Go says of a value that is of the wrong kind."""
    return f"bad request body: json: cannot unmarshal {value} into Go struct field {field} of type {kind}"


def reached(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except ConnectionRefusedError:
        return False
    return True


def test_version(api: Api) -> None:
    """The version is an object of one string, with a space that no other reply has."""
    reply = api("GET", "/version")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json;charset=utf-8")
    assert reply.body == f'{{"version": "{reply.json["version"]}"}}\n'.encode()


def test_a_proxy(api: Api) -> None:
    """A proxy is shown with its resolved address, its toxics and a field that Toxiproxy leaks."""
    reply = api("POST", "/proxies", {"name": "a", "listen": "localhost:0", "upstream": "127.0.0.1:1"})
    listen = reply.json["listen"]
    assert (reply.status, reply.headers["content-type"]) == (201, JSON)
    expected = f'{{"name":"a","listen":"{listen}","upstream":"127.0.0.1:1","enabled":true,"Logger":{{}},"toxics":[]}}'
    assert reply.body.decode() == expected
    assert listen.startswith("127.0.0.1:")
    assert not listen.endswith(":0")
    assert api("GET", "/proxies/a").body == reply.body
    assert api("GET", "/proxies").body == b'{"a":' + reply.body + b"}"


def test_every_interface(api: Api) -> None:
    """An empty address listens on every interface at a port that is free."""
    listen = api("POST", "/proxies", {"name": "a", "upstream": "x"}).json["listen"]
    assert listen.startswith("[::]:")
    assert reached(listen.replace("[::]", "127.0.0.1"))


def test_the_order_of_proxies(api: Api) -> None:
    """Proxies are listed by name, not by age."""
    for name in ("c", "a", "b"):
        api.proxy(1, name)
    assert list(api("GET", "/proxies").json) == ["a", "b", "c"]


def test_a_disabled_proxy(api: Api) -> None:
    """A proxy that is created disabled does not listen, and shows its address as it was given."""
    plan = {"name": "a", "listen": "localhost:1", "upstream": "x", "enabled": False}
    reply = api("POST", "/proxies", plan)
    assert (reply.status, reply.json["listen"], reply.json["enabled"]) == (201, "localhost:1", False)


def test_switching(api: Api, upstream: Upstream) -> None:
    """A proxy that is disabled refuses, and accepts at the same address when it is enabled again."""
    address = api.proxy(upstream.port)
    listen = f"{address[0]}:{address[1]}"
    for enabled in (False, True, True, False, True):
        for method in ("POST", "PATCH"):
            reply = api(method, "/proxies/p", {"enabled": enabled})
            assert (reply.status, reply.json["enabled"], reply.json["listen"]) == (200, enabled, listen)
        assert reached(listen) is enabled


def test_a_changed_address(api: Api, upstream: Upstream) -> None:
    """A proxy moves to another address, and what is left out of the request stays."""
    old = "{}:{}".format(*api.proxy(upstream.port))
    new = api("PATCH", "/proxies/p", {"listen": "localhost:0"}).json
    assert new["listen"] != old
    assert (new["upstream"], new["enabled"]) == (f"127.0.0.1:{upstream.port}", True)
    assert (reached(old), reached(new["listen"])) == (False, True)


def test_a_changed_upstream(api: Api, upstream: Upstream) -> None:
    """Another upstream ends live connections, and the next one leads there."""
    address = api.proxy(1)
    api("PATCH", "/proxies/p", {"upstream": f"127.0.0.1:{upstream.port}"})
    client, server = upstream.pair(address)
    assert api("PATCH", "/proxies/p", {"upstream": "127.0.0.1:1"}).status == 200
    assert (client.recv(1), server.recv(1)) == (b"", b"")


def test_deleting(api: Api, upstream: Upstream) -> None:
    """A proxy that is deleted is gone, with its listener and its connections."""
    address = api.proxy(upstream.port)
    client, server = upstream.pair(address)
    reply = api("DELETE", "/proxies/p")
    assert (reply.status, reply.body) == (204, b"")
    assert (client.recv(1), server.recv(1)) == (b"", b"")
    assert not reached(f"127.0.0.1:{address[1]}")
    assert api("DELETE", "/proxies/p").error == (404, "proxy not found")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "bad request body: EOF"),
        (b"  ", "bad request body: EOF"),
        (b'{"name":', "bad request body: unexpected EOF"),
        (b"x", "bad request body: invalid character 'x' looking for beginning of value"),
        (b"NaN", "bad request body: invalid character 'N' looking for beginning of value"),
        (b"[]", "bad request body: json: cannot unmarshal array into Go value of type toxiproxy.Proxy"),
        (b"nul", "bad request body: unexpected EOF"),
        (b"-", "bad request body: unexpected EOF"),
        (b"{a:1}", "bad request body: invalid character 'a' looking for beginning of object key string"),
        (b'{"a" 1}', "bad request body: invalid character '1' after object key"),
        (b'{"a":"\x01"}', "bad request body: invalid character '\\x01' in string literal"),
        (b"7", "bad request body: json: cannot unmarshal number into Go value of type toxiproxy.Proxy"),
        (
            b'{"name":1}',
            wrong("number", "Proxy.name", "string"),
        ),
        (
            b'{"name":"a","enabled":"yes"}',
            wrong("string", "Proxy.enabled", "bool"),
        ),
        (b"{}", "missing required field: name"),
        (b"null", "missing required field: name"),
        (b'{"name":null}', "missing required field: name"),
        (b'{"name":"a"}', "missing required field: upstream"),
        (b'{"name":"a","upstream":""}', "missing required field: upstream"),
    ],
    ids=repr,
)
def test_bad_proxies(api: Api, body: bytes, error: str) -> None:
    """A proxy that cannot be is refused in Toxiproxy's words, as text that holds JSON."""
    reply = api("POST", "/proxies", body)
    assert reply.error == (400, error)
    assert reply.headers["content-type"] == TEXT
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.body.endswith(b"}\n")
    assert api("GET", "/proxies").json == {}


@pytest.mark.parametrize(
    ("listen", "error"),
    [
        ("foo", "listen tcp: address foo: missing port in address"),
        ("1.2.3.4:5", "listen tcp 1.2.3.4:5: bind: cannot assign requested address"),
        ("::1:80", "listen tcp: address ::1:80: too many colons in address"),
        ("[::1]", "listen tcp: address [::1]: missing port in address"),
        ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
        ("127.0.0.1:http-alt-2", "listen tcp: lookup tcp/http-alt-2: unknown port"),
    ],
)
def test_addresses_that_cannot_be(api: Api, listen: str, error: str) -> None:
    """An address that cannot be listened at is a failure of the server, and leaves no proxy."""
    assert api("POST", "/proxies", {"name": "a", "listen": listen, "upstream": "x"}).error == (500, error)
    assert api("GET", "/proxies").json == {}


def test_a_port_that_is_taken(api: Api, upstream: Upstream) -> None:
    """A port that is taken is named, when a proxy is created, moved there or enabled."""
    taken = f"127.0.0.1:{upstream.port}"
    error = (500, f"listen tcp {taken}: bind: address already in use")
    assert api("POST", "/proxies", {"name": "a", "listen": taken, "upstream": "x"}).error == error
    api.proxy(1)
    assert api("PATCH", "/proxies/p", {"listen": taken}).error == error
    assert api("PATCH", "/proxies/p", {"enabled": True}).error == error
    assert api("GET", "/proxies/p").json["enabled"] is False
    assert api("PATCH", "/proxies/p", {"listen": "foo"}).error == (500, "address foo: missing port in address")
    assert api("PATCH", "/proxies/p", {"listen": "127.0.0.1:0", "enabled": True}).json["enabled"] is True


def test_names(api: Api) -> None:
    """A name is taken once; whatever else is in the request, its name stays."""
    api.proxy(1)
    taken = api("POST", "/proxies", {"name": "p", "listen": "127.0.0.1:0", "upstream": "x"})
    assert taken.error == (409, "proxy already exists")
    assert api("PATCH", "/proxies/p", {"name": "q"}).json["name"] == "p"
    assert api("PATCH", "/proxies/p", {"name": 1}).error == (400, wrong("number", "Proxy.name", "string"))
    api.proxy(1, "a b")
    assert api("GET", "/proxies/a%20b").json["name"] == "a b"


def test_json_is_read_as_go_does(api: Api) -> None:
    """Keys match in any case, unknown ones and what follows the value are passed over, null changes nothing."""
    body = b'{"NAME":"a","Listen":"127.0.0.1:0","uPstream":"x","more":{"deep":[1]},"enabled":null} trailing'
    reply = api("POST", "/proxies", body)
    assert (reply.status, reply.json["name"], reply.json["enabled"]) == (201, "a", True)
    assert api("PATCH", "/proxies/a", b'{"enabled":null,"upstream":null}').json["upstream"] == "x"
    assert api("POST", "/proxies", b'{"name":"b","Name":"c","name":null,"upstream":"<&>"}').json["name"] == "c"
    assert b"\\u003c\\u0026\\u003e" in api("GET", "/proxies/c").body


def test_text_is_read_as_go_does(api: Api) -> None:
    """Half of a surrogate pair, and bytes that are no UTF-8, become the sign for what cannot be shown."""
    for body in (b'{"name":"a\\ud800","upstream":"x"}', b'{"name":"b\xff","upstream":"\\ud83d\\ude00"}'):
        assert api("POST", "/proxies", body).json["name"][1] == "\ufffd"
    assert api("GET", "/proxies/b%EF%BF%BD").json["upstream"] == "\U0001f600"


def test_what_is_not_read(api: Api) -> None:
    """The toxics in the description of a proxy are not looked at, whatever they are."""
    strange: tuple[Any, ...] = (7, [7], "x", {}, [{"type": "zz"}], None)
    for toxics in strange:
        made = api("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "x", "toxics": toxics})
        assert (made.status, made.json["toxics"]) == (201, [])
        api.clear()


# -- populate and reset


def plan(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", **fields}


def test_populate(api: Api) -> None:
    """Proxies are created together and listed in the order of the request."""
    reply = api("POST", "/populate", [plan("b"), plan("a", enabled=False)])
    assert (reply.status, reply.headers["content-type"]) == (201, JSON)
    assert [(each["name"], each["enabled"]) for each in reply.json["proxies"]] == [("b", True), ("a", False)]
    assert api("POST", "/populate", []).body == b'{"proxies":null}'


@pytest.mark.parametrize("body", [b"{}", b"0", b'""', b"false", b'{"proxies":[]}'])
def test_populate_takes_lists_only(api: Api, body: bytes) -> None:
    """What is no list is refused, even where it is as empty as one."""
    reply = api("POST", "/populate", body)
    status, error = reply.error
    assert status == 400
    assert error.startswith("bad request body: json: cannot unmarshal ")
    assert reply.json["proxies"] is None


def test_populate_leaves_what_is_so(api: Api) -> None:
    """A proxy with the same addresses is left alone, whatever else is said; another one is replaced."""
    host, port = api.proxy(1)
    api.toxic("latency")
    same = plan("p", listen=f"localhost:{port}", enabled=False)
    [left] = api("POST", "/populate", [same]).json["proxies"]
    assert (left["enabled"], len(left["toxics"]), left["listen"]) == (True, 1, f"{host}:{port}")
    [replaced] = api("POST", "/populate", [{**same, "upstream": "127.0.0.1:2"}]).json["proxies"]
    assert (replaced["enabled"], replaced["toxics"]) == (False, [])


@pytest.mark.parametrize(
    ("body", "status", "error", "done"),
    [
        ([plan("a"), {"name": ""}], 400, "missing required field: name at proxy 2", None),
        ([plan("a"), {"name": "b"}], 400, "missing required field: upstream at proxy 2", None),
        (
            [plan("a"), plan("b", listen="bad"), plan("c")],
            500,
            "listen tcp: address bad: missing port in address",
            ["a"],
        ),
        ([plan("a", listen="bad")], 500, "listen tcp: address bad: missing port in address", None),
    ],
)
def test_populate_fails(api: Api, body: Any, status: int, error: str, done: list[str] | None) -> None:
    """A list that is incomplete creates nothing; one that fails later tells what was done, as JSON."""
    reply = api("POST", "/populate", body)
    assert (*reply.error, reply.headers["content-type"]) == (status, error, JSON)
    assert list(reply.json) == ["error", "status", "proxies"]
    assert (reply.json["proxies"] and [each["name"] for each in reply.json["proxies"]]) == done
    assert sorted(api("GET", "/proxies").json) == (done or [])


@pytest.mark.parametrize("body", [b"{}", b"7", b'""', b"false", b"[7]"])
def test_populating_with_something_else(api: Api, body: bytes) -> None:
    """What is no array of proxies is refused."""
    reply = api("POST", "/populate", body)
    assert (reply.status, reply.json["proxies"]) == (400, None)
    assert reply.json["error"].startswith("bad request body: json: cannot unmarshal ")


def test_reset(api: Api, upstream: Upstream) -> None:
    """A reset enables all proxies, removes all toxics and leaves connections alone."""
    client, server = upstream.pair(api.proxy(upstream.port))
    api.toxic("latency", latency=1)
    api.toxic("noop", "upstream")
    api("POST", "/proxies", plan("q", enabled=False))
    reply = api("POST", "/reset")
    assert (reply.status, reply.body) == (204, b"")
    proxies = api("GET", "/proxies").json
    assert [(each["enabled"], each["toxics"]) for each in proxies.values()] == [(True, []), (True, [])]
    client.sendall(b"still here")
    assert server.recv(100) == b"still here"


# -- toxics


def test_a_toxic(api: Api) -> None:
    """A toxic has a name, a direction and a toxicity by default, and is shown with its attributes first."""
    api.proxy(1)
    reply = api("POST", "/proxies/p/toxics", {"type": "latency", "attributes": {"latency": 100, "foo": 1}})
    expected = (
        b'{"attributes":{"latency":100,"jitter":0},"name":"latency_downstream","type":"latency",'
        b'"stream":"downstream","toxicity":1}'
    )
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, JSON, expected)
    assert api("GET", "/proxies/p/toxics/latency_downstream").body == expected
    assert api("GET", "/proxies/p/toxics").body == b"[" + expected + b"]"


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("bandwidth", {"rate": 0}),
        ("latency", {"latency": 0, "jitter": 0}),
        ("limit_data", {"bytes": 0}),
        ("noop", {}),
        ("reset_peer", {"timeout": 0}),
        ("slicer", {"average_size": 0, "size_variation": 0, "delay": 0}),
        ("slow_close", {"delay": 0}),
        ("timeout", {"timeout": 0}),
    ],
)
def test_types(api: Api, kind: str, attributes: dict[str, int]) -> None:
    """Each type has its attributes, all of which may be left out."""
    api.proxy(1)
    for body in ({"type": kind}, {"type": kind, "name": "x", "attributes": None}):
        assert api("POST", "/proxies/p/toxics", body).json["attributes"] == attributes
    given = {name: number for number, name in enumerate(reversed(attributes), 3)}
    made = api("POST", "/proxies/p/toxics", {"type": kind, "name": "y", "attributes": given})
    assert made.json["attributes"] == given


def test_a_slicer_may_vary_by_its_whole_size(api: Api) -> None:
    """A variation as large as the average size is taken as it is."""
    api.proxy(1)
    given = {"average_size": 1000, "size_variation": 1000, "delay": 1000}
    assert api("POST", "/proxies/p/toxics", {"type": "slicer", "attributes": given}).json["attributes"] == given


def test_the_order_of_toxics(api: Api) -> None:
    """Toxics are listed upstream first, and then in the order in which they were added."""
    api.proxy(1)
    for name, stream in (("d1", "downstream"), ("u1", "upstream"), ("d0", "Downstream"), ("u0", "UPSTREAM")):
        made = api("POST", "/proxies/p/toxics", {"type": "noop", "name": name, "stream": stream})
        assert (made.status, made.json["stream"]) == (200, stream)
    assert [each["name"] for each in api("GET", "/proxies/p/toxics").json] == ["u1", "u0", "d1", "d0"]
    assert [each["name"] for each in api("GET", "/proxies/p").json["toxics"]] == ["u1", "u0", "d1", "d0"]


def test_names_of_toxics(api: Api) -> None:
    """A toxic is named after its type and direction as they were spelt; a name is taken once in both directions."""
    api.proxy(1)
    made = api("POST", "/proxies/p/toxics", {"type": "slow_close", "stream": "UPstream"})
    assert made.json["name"] == "slow_close_UPstream"
    api("POST", "/proxies/p/toxics", {"type": "noop", "name": "x", "stream": "upstream"})
    taken = api("POST", "/proxies/p/toxics", {"type": "latency", "name": "x", "stream": "downstream"})
    assert taken.error == (409, "toxic already exists")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "bad request body: EOF"),
        (b'{"type":"zz"}', "invalid toxic type"),
        (b"{}", "invalid toxic type"),
        (b'{"type":"noop","stream":"sideways"}', "stream was invalid, can be either upstream or downstream"),
        (b'{"type":"zz","stream":""}', "stream was invalid, can be either upstream or downstream"),
        (
            b'{"type":"latency","attributes":{"latency":"x"}}',
            wrong("string", "LatencyToxic.attributes.latency", "int64"),
        ),
        (
            b'{"type":"latency","attributes":{"latency":5.0}}',
            wrong("number 5.0", "LatencyToxic.attributes.latency", "int64"),
        ),
        (
            b'{"type":"latency","attributes":{"jitter":1e3}}',
            wrong("number 1e3", "LatencyToxic.attributes.jitter", "int64"),
        ),
        (
            b'{"type":"bandwidth","attributes":{"rate":99999999999999999999}}',
            wrong("number 99999999999999999999", "BandwidthToxic.attributes.rate", "int64"),
        ),
        (
            b'{"type":"reset_peer","attributes":{"timeout":true}}',
            wrong("bool", "ResetToxic.attributes.timeout", "int64"),
        ),
    ],
    ids=repr,
)
def test_bad_toxics(api: Api, body: bytes, error: str) -> None:
    """A toxic that cannot be is refused in Toxiproxy's words and not added."""
    api.proxy(1)
    assert api("POST", "/proxies/p/toxics", body).error == (400, error)
    assert api("GET", "/proxies/p/toxics").json == []


def test_changing_a_toxic(api: Api) -> None:
    """Attributes and toxicity can be changed, one without the other; all else in the request is passed over."""
    api.proxy(1)
    api.toxic("latency", latency=100, jitter=10)
    toxic = "/proxies/p/toxics/latency_downstream"
    changed = api("PATCH", toxic, {"attributes": {"latency": 5}, "stream": "upstream", "type": "noop", "name": "x"})
    assert changed.json == {
        "attributes": {"latency": 5, "jitter": 10},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1,
    }
    assert api("POST", toxic, {"toxicity": 0.25}).json["toxicity"] == 0.25
    assert api("PATCH", toxic, {"attributes": {"jitter": None}, "toxicity": None}).json["toxicity"] == 0.25
    assert api("GET", toxic).json["attributes"] == {"latency": 5, "jitter": 10}
    assert api("PATCH", toxic, b"[").error == (400, "bad request body: unexpected EOF")


def test_what_is_not_there(api: Api) -> None:
    """A proxy or toxic that is not there is not found, whatever is asked of it and in whatever body."""
    missing = (404, "proxy not found")
    for method, path in (
        ("GET", "/proxies/zz"),
        ("PATCH", "/proxies/zz"),
        ("DELETE", "/proxies/zz"),
        ("GET", "/proxies/zz/toxics"),
        ("POST", "/proxies/zz/toxics"),
        ("GET", "/proxies/zz/toxics/t"),
        ("PATCH", "/proxies/zz/toxics/t"),
        ("DELETE", "/proxies/zz/toxics/t"),
    ):
        assert api(method, path, b"{" if method in ("POST", "PATCH") else None).error == missing
    api.proxy(1)
    for method in ("GET", "POST", "PATCH", "DELETE"):
        assert api(method, "/proxies/p/toxics/t", b"{" if method in ("POST", "PATCH") else None).error == (
            404,
            "toxic not found",
        )


# -- HTTP


@pytest.mark.parametrize("path", ["/", "/foo", "/proxies/", "/proxies/p/", "/proxies/p/foo", "/version/x", "/Version"])
def test_unknown_paths(api: Api, path: str) -> None:
    """A path that nothing is at gets a line of text, to browsers as well."""
    for agent in ("x", "Mozilla/5.0"):
        reply = api("GET", path, User_Agent=agent)
        assert (reply.status, reply.body, reply.headers["content-type"]) == (404, b"404 page not found\n", TEXT)
        assert "x-toxiproxy-request-id" not in reply.headers


def test_untidy_paths(api: Api) -> None:
    """A path with double slashes or dots is redirected to the clean one."""
    for path, clean in (("//proxies", "/proxies"), ("/proxies/../version", "/version"), ("/a//b/?c=//", "/a/b/?c=//")):
        reply = api("GET", path)
        assert (reply.status, reply.headers["location"]) == (301, clean)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/proxies"),
        ("DELETE", "/proxies"),
        ("HEAD", "/version"),
        ("OPTIONS", "/proxies"),
        ("GET", "/reset"),
        ("GET", "/populate"),
        ("PUT", "/proxies/p"),
        ("PATCH", "/proxies/p/toxics"),
    ],
)
def test_wrong_methods(api: Api, method: str, path: str) -> None:
    """A wrong method gets neither a body nor a hint, even where the proxy is not there."""
    reply = api(method, path)
    assert (reply.status, reply.body) == (405, b"")
    assert "allow" not in reply.headers


def test_browsers(api: Api) -> None:
    """Browsers are refused, by the beginning of their name, in its case."""
    reply = api("GET", "/version", User_Agent="Mozilla/5.0 (X11)")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (403, b"User agent not allowed\n", TEXT)
    for agent in ("mozilla/5.0", "Wget Mozilla/5.0", "Mozilla"):
        assert api("GET", "/version", User_Agent=agent).status == 200


def test_exchanges_have_names(api: Api) -> None:
    """Each exchange that a route handles has a name of its own, errors included."""
    names = [api("GET", path).headers["x-toxiproxy-request-id"] for path in ("/version", "/proxies", "/proxies/zz")]
    assert len({*names}) == 3


def test_a_connection_is_kept(api: Api) -> None:
    """Requests come one after the other on one connection, pipelined or not, in pieces or chunked."""
    body = b'{"name":"a","upstream":"x","listen":"127.0.0.1:0"}'
    with socket.create_connection(("127.0.0.1", api.port), PATIENCE_S) as sock:
        replies = sock.makefile("rb")
        sock.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\nGET /proxies HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [status(replies), status(replies)] == [200, 200]
        sock.sendall(b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in (body[:7], body[7:]):
            sock.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        sock.sendall(b"0\r\n\r\n")
        assert status(replies) == 201
        sock.sendall(b"POST /proxies HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert replies.readline().startswith(b"HTTP/1.1 100 ")
        assert replies.readline() == b"\r\n"
        sock.sendall(b"{}")
        assert status(replies) == 400
        sock.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert status(replies) == 200
        assert replies.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /version HTTP/1.1\nHost: x\n\n",
        b"GET http://x/version HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET HTTP://127.0.0.1:1/version?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["bare line ends", "with a host", "with a host and a query", "behind a HEAD", "behind a HEAD of metrics"],
)
def test_forms_of_requests(api: Api, sent: bytes) -> None:
    """Requests with bare line ends, as to a proxy, or behind one whose reply has no body, get their reply."""
    with socket.create_connection(("127.0.0.1", api.port), PATIENCE_S) as sock, sock.makefile("rb") as replies:
        sock.sendall(sent)
        if sent.startswith(b"HEAD"):
            while replies.readline() != b"\r\n":
                pass
        assert status(replies) == 200


def test_a_path_that_is_none(api: Api) -> None:
    """A path with half an escape is refused."""
    assert api("GET", "/proxies/%zz").status == 400


def status(replies: Any) -> int:
    """Read one reply and return its status."""
    code = int(replies.readline().split()[1])
    length = 0
    while (line := replies.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    assert len(replies.read(length)) == length
    return code


def test_metrics(api: Api, upstream: Upstream) -> None:
    """Bytes are counted by direction, proxy and addresses."""
    address = api.proxy(upstream.port)
    client, server = upstream.pair(address)
    client.sendall(b"12345")
    assert server.recv(100) == b"12345"
    server.close()
    client.close()
    labels = f'direction="upstream",listener="127.0.0.1:{address[1]}",proxy="p",upstream="127.0.0.1:{upstream.port}"'
    wanted = [f"toxiproxy_proxy_{way}_bytes_total{{{labels}}} 5" for way in ("received", "sent")]
    for _ in range(400):
        reply = api("GET", "/metrics")
        if all(line in reply.body.decode().splitlines() for line in wanted):
            break
    else:
        pytest.fail(reply.body.decode())
    assert reply.headers["content-type"].startswith("text/plain")
