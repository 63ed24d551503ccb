"""The README keeps its word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import chaos_toxiproxy
from chaos_toxiproxy import plugin
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import ToxiproxyError
from chaos_toxiproxy.servers import _free_port
from tests.services.peers import wait_until

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROOT = Path(__file__).parents[3]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


QUICK, FOREIGN = blocks("python")
SHOP = """
class Client:
    def setup(self, proxies): ...
    def ask(self): ...
"""


def test_the_quick_start_runs(tmp_path: Path) -> None:
    """The first block works as it stands, and its fault is proved."""
    done = subprocess.run([sys.executable, "-c", QUICK], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pass 10 connections struck\n"  # the service speaks HTTP/1.0: a connection for each request


def test_the_block_for_toxiproxy_python_runs(tmp_path: Path) -> None:
    """The block for those who have toxiproxy-python makes a provider for Toxiproxy's usual address."""
    code = FOREIGN + "\nprint(provider.server, provider.existing)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "http://127.0.0.1:8474 ('db',)\n", done.stderr


@pytest.mark.usefixtures("installed")
def test_the_scenario_file_is_valid(tmp_path: Path) -> None:
    """What the README shows as a scenario file is found valid by the command line."""
    [text] = blocks("toml")
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "slow.toml").write_text(text)
    command = [sys.executable, "-m", "chaoscore", "check", "slow.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this test's own; whoever listens there afterwards is ended."""
    port = _free_port()
    yield port
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if f"-port {port}" in " ".join(process.cmdline()):
                process.kill()


@pytest.mark.usefixtures("installed")
def test_the_commands_work(port: int, tmp_path: Path) -> None:
    """The commands work one after the other, with a server in the background."""
    [text] = blocks("sh")
    serve, *commands, last = text.replace("8474", str(port)).strip().splitlines()
    assert (serve[-2:], last) == (" &", "kill %1")
    environment = {**os.environ, "TOXIPROXY_URL": f"http://127.0.0.1:{port}"}
    own = [sys.executable, "-m"]
    with subprocess.Popen([*own, *serve.removesuffix(" &").split()], stdout=subprocess.DEVNULL, cwd=tmp_path) as server:
        assert wait_until(lambda: _answers(port))
        said = [
            subprocess.run([*own, *each.split()], env=environment, capture_output=True, text=True, check=True).stdout
            for each in commands
        ]
        server.terminate()
    assert server.returncode == 0
    assert said[3] == "slow\ttype=latency\tstream=downstream\ttoxicity=0.50\tattributes=[\tjitter=20\tlatency=100\t]\n"
    assert said[6].endswith("\tdisabled\t0\n")


def _answers(port: int) -> bool:
    client = Client(f"127.0.0.1:{port}")
    try:
        return bool(client.version())
    except ToxiproxyError:
        return False
    finally:
        client.close()


def test_every_part_is_in_a_table() -> None:
    """The README has each injector, with the name that Python uses for it, and every parameter of the provider."""
    for each in plugin.chaos_injectors():
        name = each.kind.removeprefix("toxiproxy.")
        assert f"| `{each.kind}`, `{name}` " in README
    assert "`proxies(upstreams, server)`" in README
    for parameter in ("upstreams", "server", "listen", "tls", "existing"):
        assert f"| `{parameter}` |" in README


def test_every_public_name_is_mentioned() -> None:
    """Everything that can be imported by a small name stands in the README."""
    assert [name for name in chaos_toxiproxy.__all__ if name.islower() and name not in README] == []
