"""The control over HTTP: what it does, whom it lets in, and what hostile requests bring."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import attrs
import pytest

from chaos_failpoint import (
    Control,
    Failpoint,
    NotAllowedError,
    arm,
    armed,
    child_environment,
    disarm_all,
    failpoint,
    serve,
)
from chaos_failpoint.control import server as server_module

TOKEN = "a token for tests"


@attrs.frozen
class Answer:
    status: int
    text: str
    headers: dict[str, str]


@attrs.frozen
class Client:
    """Asks one server."""

    port: int
    token: str = TOKEN

    def __call__(self, method: str, path: str, body: str | bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {"X-Chaos-Token": self.token, **headers})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), dict(response.headers))
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """What comes back for *data*, until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)


@pytest.fixture
def control() -> Iterator[Control]:
    with serve(token=TOKEN) as it:
        yield it
    disarm_all()


@pytest.fixture
def ask(control: Control) -> Client:
    return Client(control.port)


def value(fp: Failpoint) -> object:
    returned = fp.hit()
    return returned and returned.value


# -- what gofail's clients use


def test_put_get_delete(fp: Failpoint, ask: Client) -> None:
    """A failpoint is armed, shown and disarmed as with gofail."""
    assert (ask("GET", "/db.commit").status, ask("GET", "/db.commit").text) == (200, "\n")
    put = ask("PUT", "/db.commit", 'return("hello")')
    assert (put.status, put.text) == (204, "")
    assert value(fp) == "hello"
    assert ask("GET", "/db.commit").text == 'return("hello")\n'
    assert ask("DELETE", "/db.commit").status == 204
    assert value(fp) is None


def test_list(ask: Client) -> None:
    """All failpoints are listed with their terms, sorted; one that is not armed has none."""
    for name in ("b", "a/c", "a"):
        failpoint(name, shared=True)
    ask("PUT", "/a/c", "1*off")
    assert ask("GET", "/").text == "a=\na/c=1*off\nb=\n"


def test_names_are_taken_as_they_are(ask: Client) -> None:
    """Names have slashes, percent signs and other scripts in them, and are not decoded."""
    fp = failpoint("etcd/raft%2Fbefore/é")
    head = f"PUT /{fp.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Chaos-Token: {TOKEN}\r\nContent-Length: 9\r\n\r\n"
    assert ask.raw(f"{head}return(5)".encode()).startswith(b"HTTP/1.1 204")
    assert value(fp) == 5


def test_count(fp: Failpoint, ask: Client) -> None:
    """The count is how often it fired since it was armed over HTTP, and 0 where it is not armed."""
    assert ask("GET", "/db.commit/count").text == "0\n"
    ask("PUT", "/db.commit", "2*yield")
    for _ in range(3):
        fp.hit()
    assert ask("GET", "/db.commit/count").text == "2\n"
    ask("PUT", "/db.commit", "2*yield")
    assert ask("GET", "/db.commit/count").text == "0\n"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nope"), ("GET", "/nope/count"), ("GET", "/nope/status"), ("PUT", "/nope")]
)
def test_unknown(fp: Failpoint, ask: Client, method: str, path: str) -> None:
    """An unknown name is 404, with what there is."""
    answer = ask(method, path, "off" if method == "PUT" else None)
    assert answer.status == 404
    assert "no failpoint is named 'nope'; have db.commit" in answer.text


def test_wrong_terms(fp: Failpoint, ask: Client) -> None:
    """Terms with a typo are 400, with the position; nothing changes."""
    ask("PUT", "/db.commit", "return(5)")
    answer = ask("PUT", "/db.commit", "retrun(6)")
    assert answer.status == 400
    assert "did you mean 'return'" in answer.text
    assert value(fp) == 5


def test_delete_what_is_not_armed(fp: Failpoint, ask: Client) -> None:
    """Disarming what is not armed is 400."""
    answer = ask("DELETE", "/db.commit")
    assert answer.status == 400
    assert "is not armed" in answer.text


# -- what gofail does not have


def test_several_at_once(ask: Client) -> None:
    """Several are armed by one request, or none of them."""
    one, two = failpoint("one"), failpoint("two")
    assert ask("PUT", "/failpoints", "one=return(1);two=return(2)").status == 204
    assert [value(one), value(two)] == [1, 2]
    assert ask("PUT", "/failpoints", "one=return(3);two=oops").status == 400
    assert ask("PUT", "/failpoints", "one=return(3);three=off").status == 404
    assert [value(one), value(two)] == [1, 2]


def test_status(fp: Failpoint, ask: Client) -> None:
    """The status is JSON: terms, hits, fired, waiting and scope."""
    ask("PUT", "/db.commit", "1*yield")
    fp.hit()
    fp.hit()
    answer = ask("GET", "/db.commit/status")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    found = json.loads(answer.text)
    assert {key: found[key] for key in ("terms", "hits", "fired", "waiting", "scope")} == {
        "terms": "1*yield",
        "hits": 2,
        "fired": 1,
        "waiting": 0,
        "scope": "process",
    }


def test_wait(fp: Failpoint, ask: Client) -> None:
    """A request can wait until a failpoint has fired, so that a test need not ask again and again."""
    ask("PUT", "/db.commit", "yield")
    answers: list[Answer] = []
    waiting = threading.Thread(target=lambda: answers.append(ask("POST", "/db.commit/wait?fired=2&timeout=10")))
    waiting.start()
    fp.hit()
    fp.hit()
    waiting.join()
    assert (answers[0].status, json.loads(answers[0].text)) == (200, {"fired": 2})


def test_wait_in_vain(fp: Failpoint, ask: Client) -> None:
    """Where it does not fire in time, that is 408."""
    answer = ask("POST", "/db.commit/wait?timeout=1ms")
    assert answer.status == 408
    assert "fired 0 of 1 times" in answer.text


@pytest.mark.parametrize("query", ["fired=x", "fired=0", "fired=-1", "timeout=soon", "timeout=-1"])
def test_wait_for_nonsense(fp: Failpoint, ask: Client, query: str) -> None:
    """A number or a duration that is none is 400."""
    assert ask("POST", f"/db.commit/wait?{query}").status == 400


def test_post_elsewhere(fp: Failpoint, ask: Client) -> None:
    """There is nothing else to POST to."""
    assert ask("POST", "/db.commit").status == 404


def test_lazy(ask: Client) -> None:
    """On request, a failpoint can be armed before it is declared."""
    assert ask("PUT", "/later?lazy=1", "return(5)").status == 204
    assert value(failpoint("later")) == 5


def test_a_name_comes_before_a_view(ask: Client) -> None:
    """A failpoint that is called like a view of another is itself."""
    failpoint("db")
    failpoint("db/count")
    ask("PUT", "/db/count", "1*off")
    assert ask("GET", "/db/count").text == "1*off\n"


def test_disarming_waits_for_nobody(fp: Failpoint, ask: Client) -> None:
    """A sleeper holds up neither who disarms nor who arms anew."""
    ask("PUT", "/db.commit", "sleep(40)")
    sleeping = threading.Thread(target=fp.hit)
    sleeping.start()
    fp.wait_until_fired()
    assert ask("DELETE", "/db.commit").status == 204
    assert fp.waiting == 1
    sleeping.join()


# -- whom it lets in


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x"])
def test_no_token(control: Control, token: str) -> None:
    """Without the token, nothing is told and nothing done."""
    fp = failpoint("secret")
    intruder = Client(control.port, token)
    for method, path in (("GET", "/"), ("PUT", "/secret"), ("DELETE", "/secret"), ("POST", "/secret/wait")):
        answer = intruder(method, path, "panic" if method == "PUT" else None)
        assert answer.status == 401
        assert "secret" not in answer.text
    assert not fp.armed


def test_bearer(control: Control) -> None:
    """The token may come as a bearer as well."""
    assert Client(control.port, "")("GET", "/", Authorization=f"Bearer {TOKEN}").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1:1", ""])
def test_other_hosts(ask: Client, host: str) -> None:
    """A request for another host, as a page that rebinds its name makes it, is refused, token or not."""
    assert ask("GET", "/", Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "[::1]", "127.0.0.1"])
def test_own_hosts(ask: Client, host: str) -> None:
    """This machine's own names are accepted, with the port and without."""
    assert ask("GET", "/", Host=host).status == 200
    assert ask("GET", "/", Host=f"{host}:{ask.port}").status == 200


def test_pages(ask: Client) -> None:
    """What a page in a browser sends is refused, even with the right host and token."""
    assert ask("GET", "/", Origin="http://127.0.0.1").status == 403


def test_loopback_only(control: Control) -> None:
    """The port is open on the loopback interface and on no other."""
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection((str(address), control.port), timeout=2).close()


@pytest.mark.parametrize("terms", ["break", "exit(1)", "kill", "call(os:getcwd)", "corrupt(os:fspath)", "off->exit"])
def test_dangerous_actions(fp: Failpoint, ask: Client, terms: str) -> None:
    """Dangerous actions are refused."""
    answer = ask("PUT", "/db.commit", terms)
    assert answer.status == 403
    assert "may not be armed from outside" in answer.text
    assert not fp.armed


def test_dangerous_actions_where_they_are_allowed(fp: Failpoint) -> None:
    """What the plan allows can be armed, and nothing else."""
    with serve(token=TOKEN, allow=("call",)) as control:
        ask = Client(control.port)
        assert ask("PUT", "/db.commit", "call(json:dumps)").status == 204
        assert ask("PUT", "/db.commit", "exit").status == 403
    disarm_all()


def test_nothing_is_imported(fp: Failpoint, ask: Client) -> None:
    """A request cannot have a module imported that is not loaded."""
    assert "this" not in sys.modules
    answer = ask("PUT", "/db.commit", "raise(this:Zen)")
    assert answer.status == 400
    assert "no module 'this' is loaded" in answer.text
    assert "this" not in sys.modules


# -- what is hostile


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\n\r\n", 411),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: -1\r\n\r\n", 411),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: x\r\n\r\n", 411),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 99999\r\n\r\n", 413),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 9999999999\r\n\r\n", 413),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"PUT /db.commit HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 2\r\n\r\n\xff\xff", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\n\r\n", 400),
        (b"PUT /a=b HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 3\r\n\r\noff", 404),
        (b"PUT / HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 3\r\n\r\noff", 404),
        (b"PUT /?lazy=1 HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: %T\r\nContent-Length: 3\r\n\r\noff", 400),
        (b"GET / HTTP/1.1\r\nX-Chaos-Token: %T\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Chaos-Token: \xff\r\n\r\n", 401),
        (b"PATCH / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_hostile_requests(fp: Failpoint, ask: Client, request_: bytes, status: int) -> None:
    """Whatever comes in is answered with a status of its own, arms nothing, and the server goes on."""
    answer = ask.raw(request_.replace(b"%T", TOKEN.encode()))
    assert f" {status} ".encode() in answer.splitlines()[0] or (status == 400 and b"400" in answer)
    assert not fp.armed
    assert ask("GET", "/").status == 200


def test_a_long_body(fp: Failpoint, ask: Client) -> None:
    """A body that is long, but not too long, is read and refused by the grammar; a longer one is not read."""
    assert ask("PUT", "/db.commit", f"return({'x' * 2000})").status == 400
    assert ask("PUT", "/db.commit", b"x" * server_module.MOST_BYTES).status == 400
    with suppress(ConnectionError):  # the server may hang up before all of it was sent
        assert ask("PUT", "/db.commit", b"x" * (server_module.MOST_BYTES + 1)).status == 413


def test_echoed_text_is_no_page(fp: Failpoint, ask: Client) -> None:
    """What a request says is given back as plain text only, and no browser may guess otherwise."""
    answer = ask("PUT", "/db.commit", "<script>alert(1)</script>")
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_too_many_connections(ask: Client) -> None:
    """Connections beyond the limit are closed unheard, and others are served when there is room again."""
    idle = [socket.create_connection(("127.0.0.1", ask.port)) for _ in range(server_module.MOST_CONNECTIONS)]
    try:
        assert eventually(lambda: not is_served(ask))
    finally:
        for each in idle:
            each.close()
    assert eventually(lambda: is_served(ask))


def is_served(ask: Client) -> bool:
    try:
        return ask.raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 403")
    except ConnectionError:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    """Tell whether *holds* does, within a second."""
    return any(holds() or threading.Event().wait(0.01) for _ in range(100))


def test_connections_are_kept(ask: Client) -> None:
    """A connection serves many requests, and none of them waits for a delayed acknowledgement."""
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=10)
    for _ in range(20):
        connection.request("GET", "/", headers={"X-Chaos-Token": TOKEN})
        assert connection.getresponse().read() == b""
    assert connection.sock is not None
    connection.close()


# -- starting and stopping


def test_stop(fp: Failpoint) -> None:
    """A server that is stopped frees its port, cuts who is connected, and leaves armed what is armed."""
    with serve(token=TOKEN) as control:
        Client(control.port)("PUT", "/db.commit", "return(5)")
        lingering = http.client.HTTPConnection("127.0.0.1", control.port, timeout=10)
        lingering.request("GET", "/", headers={"X-Chaos-Token": TOKEN})
        lingering.getresponse().read()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", control.port)).close()
    lingering.close()
    assert value(fp) == 5
    disarm_all()
    serve(control.port, token=TOKEN).close()


def test_a_token_of_its_own() -> None:
    """Without a token, each server makes a new one that nobody guesses."""
    with serve() as one, serve() as two:
        assert one.token != two.token
        assert len(one.token) >= 16
        assert Client(one.port, one.token)("GET", "/").status == 200
        assert Client(one.port, two.token)("GET", "/").status == 401
        assert repr(one) == f"<Control http://127.0.0.1:{one.port}>"


def test_wrong_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be unsafe, or means nothing, is refused."""
    with pytest.raises(ValueError, match=r"host is '127\.0\.0\.1'"):
        serve(host="0.0.0.0")
    with pytest.raises(ValueError, match="8 characters or more"):
        serve(token="short")
    with pytest.raises(ValueError, match="allow is a list of break, call, exit, kill"):
        serve(allow=("panic",))
    with pytest.raises(ValueError, match="allow is a list"):
        serve(allow="call")
    monkeypatch.setenv("CHAOSCORE_ENVIRONMENT", "production")
    with pytest.raises(NotAllowedError, match="named production"):
        serve()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="cannot run here: no fork")
def test_a_forked_child_does_not_hold_the_port() -> None:
    """A child that is forked beside the server does not keep its port when the server is gone."""
    reader, writer = os.pipe()
    control = serve(token=TOKEN)
    child = os.fork()
    if not child:
        os.close(writer)
        os.read(reader, 1)  # until the parent lets go
        os._exit(0)
    try:
        control.close()
        with serve(control.port, token=TOKEN) as again:
            assert Client(again.port)("GET", "/").status == 200
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)


def test_a_port_that_is_taken(control: Control) -> None:
    """A port that is taken is an error, and leaves nothing behind."""
    with pytest.raises(OSError, match="in use"):
        serve(control.port)


PANICS = """
import sys, threading
from chaos_failpoint import failpoint
fp = failpoint("db.commit")
print("ready", flush=True)
while True:
    if fp.armed:
        fp.hit()
"""


@pytest.mark.parametrize(("terms", "code"), [("exit(9)", 9), ("kill(SIGKILL)", -9), ("panic", 1)])
def test_the_reply_comes_before_the_end(terms: str, code: int) -> None:
    """A term that ends the process at once does not tear off the reply to the request that armed it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = child_environment("", allow=("exit", "kill"), environ={"PYTHONPATH": os.pathsep.join(sys.path)})
    env |= {"CHAOS_FAILPOINTS_HTTP": f"127.0.0.1:{port}", "CHAOS_FAILPOINTS_TOKEN": TOKEN}
    with subprocess.Popen(
        [sys.executable, "-c", PANICS], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            assert Client(port)("PUT", "/db.commit", terms).status == 204
            assert child.wait(10) == code
        finally:
            child.kill()


def test_blocks_are_not_shown_as_armed_over_http(fp: Failpoint, ask: Client) -> None:
    """What a block has armed is in the status, and is not what HTTP arms and disarms."""
    with armed("db.commit", "return(5)"):
        assert ask("GET", "/db.commit").text == "\n"
        assert ask("DELETE", "/db.commit").status == 400
        assert json.loads(ask("GET", "/db.commit/status").text)["scope"] == "block"
    arm("db.commit", "off")
    assert ask("DELETE", "/db.commit").status == 204
