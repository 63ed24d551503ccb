"""``chaoscore toxiproxy``, used instead of toxiproxy-cli, against either server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chaos_toxiproxy.client import Client
from chaos_toxiproxy.command import toxiproxy
from tests.services.peers import Echo, Scripted

Cli = Callable[..., str]


def outcome(url: str, *arguments: str) -> Result:
    """Return what the command does, without the core's group around it that makes messages of errors."""
    return CliRunner().invoke(toxiproxy, ["--host", url, *arguments], catch_exceptions=True)


@pytest.fixture
def cli(client: Client) -> Cli:
    def cli(*arguments: str) -> str:
        done = outcome(client.url, *arguments)
        assert done.exit_code == 0, done.output + repr(done.exception)
        return done.stdout

    return cli


@pytest.fixture
def refused(client: Client) -> Cli:
    def refused(*arguments: str) -> str:
        done = outcome(client.url, *arguments)
        assert done.exit_code != 0
        return f"{done.output} {done.exception}"

    return refused


def test_proxies_come_and_go(cli: Cli, echo: Echo) -> None:
    """Create, list, toggle and delete say what they did, and lists are lines with tabs where no terminal is."""
    said = cli("create", "-l", "127.0.0.1:0", "-u", echo.address, "shop")
    match = re.fullmatch(r"Created new proxy shop at (127\.0\.0\.1:\d+)\n", said)
    assert match is not None
    assert cli("list") == f"shop\t{match[1]}\t{echo.address}\tenabled\t0\n"
    assert cli("toggle", "shop") == "Proxy shop is now disabled\n"
    assert cli("ls") == f"shop\t{match[1]}\t{echo.address}\tdisabled\t0\n"
    assert cli("toggle", "shop") == "Proxy shop is now enabled\n"
    assert cli("delete", "shop") == "Deleted proxy shop\n"
    assert cli("list") == ""


def test_toxics_come_and_go(cli: Cli, db: Any) -> None:
    """Add, inspect, update and remove say what they did."""
    said = cli("toxic", "add", "-t", "latency", "-n", "slow", "-a", "latency=100", "-a", "jitter=5", "-u", "db")
    assert said == "Added upstream latency toxic 'slow' on proxy 'db'\n"
    line = "slow\ttype=latency\tstream=upstream\ttoxicity=1.00\tattributes=[\tjitter=5\tlatency=100\t]\n"
    assert cli("inspect", "db") == line
    assert cli("toxic", "update", "-n", "slow", "-a", "latency=7", "db") == "Updated toxic 'slow' on proxy 'db'\n"
    assert cli("inspect", "db") == line.replace("latency=100", "latency=7")
    assert cli("toxic", "remove", "-n", "slow", "db") == "Removed toxic 'slow' on proxy 'db'\n"
    assert cli("inspect", "db") == ""


def test_an_update_leaves_the_toxicity(cli: Cli, db: Any) -> None:
    """An update that does not name the toxicity leaves it, and one that names nothing else changes just that."""
    cli("toxic", "add", "-t", "latency", "-n", "slow", "-a", "latency=100", "-tox", "0.25", "db")
    cli("toxic", "update", "-n", "slow", "-a", "jitter=3", "db")
    assert "toxicity=0.25\tattributes=[\tjitter=3\tlatency=100\t]" in cli("inspect", "db")
    cli("t", "u", "-n", "slow", "--tox", "0.75", "db")
    assert "toxicity=0.75\tattributes=[\tjitter=3\tlatency=100\t]" in cli("i", "db")


def test_zero_is_a_number(cli: Cli, db: Any) -> None:
    """An attribute of 0 is sent as a number, which a server insists on."""
    cli("toxic", "add", "-t", "timeout", "-n", "silent", "-a", "timeout=0", "-d", "db")
    assert "stream=downstream\ttoxicity=1.00\tattributes=[\ttimeout=0\t]" in cli("inspect", "db")


def test_what_is_missing_is_named_with_what_there_is(refused: Cli, db: Any) -> None:
    """A proxy or toxic that is not there is an error that names the server and those that are."""
    for command in (["toggle", "shop"], ["delete", "shop"], ["inspect", "shop"]):
        assert "has no proxy 'shop'; have db" in refused(*command)
    assert "proxy 'db' has no toxic 'slow'; have none" in refused("toxic", "remove", "-n", "slow", "db")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["toxic", "add", "-t", "latency", "-u", "-d", "db"], "--upstream or --downstream"),
        (["toxic", "add", "-t", "latency", "-a", "latency", "db"], "'latency' is not KEY=VALUE"),
        (["toxic", "add", "-t", "latency", "-tox", "7", "db"], "not in the range 0<=x<=1"),
        (["toxic", "update", "-n", "slow", "db"], "nothing to change"),
        (["toxic", "add", "-t", "nothing", "db"], "invalid toxic type"),
        (["toxic", "add", "-t", "latency", "-a", "latency=soon", "db"], "bad request body"),
        (["create", "-l", "127.0.0.1:0", "-u", "a:1", "db"], "proxy already exists"),
    ],
)
def test_wrong_usage_is_told(refused: Cli, db: Any, arguments: list[str], said: str) -> None:
    """What cannot be done is refused, by the command itself or with the server's words."""
    assert said in refused(*arguments)


def test_a_wrong_host_is_wrong_usage() -> None:
    """What is no URL is refused with an example."""
    assert "a server is 'http://host:port'" in outcome("https://a", "list").output


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and never answers is told after the time-out."""
    monkeypatch.setattr("chaos_toxiproxy.servers.connected.__wrapped__.__defaults__", (0.1,))
    with Scripted(lambda _: None) as server:
        assert "list the proxies: no answer within 0.1 s" in str(outcome(server.url, "list").exception)


def test_people_get_a_table(cli: Cli, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, lists have a head and columns, and an empty one says what to do."""
    from chaos_toxiproxy import command

    monkeypatch.setattr(command, "_is_terminal", lambda: True)
    head, row = cli("list").splitlines()
    assert head.split() == ["Name", "Listen", "Upstream", "Enabled", "Toxics"]
    assert head.index("Listen") == row.index(db["listen"])
    assert "no toxics; see `chaoscore toxiproxy toxic add`" in cli("inspect", "db")


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    """A server in the foreground of its own process."""
    command = [sys.executable, "-m", "chaoscore", "toxiproxy", "serve", "-host", "127.0.0.1", "-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.usefixtures("installed")
def test_a_server_is_served(serving: subprocess.Popen[str]) -> None:
    """It says where it listens, answers there, can be found by $TOXIPROXY_URL, and ends at a signal."""
    assert serving.stdout is not None
    found = re.match(r"listening on (\S+:\d+)", serving.stdout.readline())
    assert found is not None
    url = f"http://{found[1]}"
    command = [sys.executable, "-m", "chaoscore", "toxiproxy", "create", "-l", "127.0.0.1:0", "-u", "127.0.0.1:1", "db"]
    done = subprocess.run(
        command, env={**os.environ, "TOXIPROXY_URL": url}, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Created new proxy db"), done.stderr
    client = Client(url)
    assert set(client.proxies()) == {"db"}
    client.close()
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(20) == 0


@pytest.mark.usefixtures("installed")
def test_errors_are_messages(echo: Echo) -> None:
    """Within chaoscore, a server that is not there is one line on standard error, and no traceback."""
    closed = Echo()
    closed.close()
    command = [sys.executable, "-m", "chaoscore", "toxiproxy", "--host", closed.address, "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert re.fullmatch(r"Error: http://127\.0\.0\.1:\d+: list the proxies: ConnectionRefusedError: .*\n", done.stderr)
