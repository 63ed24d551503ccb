"""A database behind a proxy, and what its client feels."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chaos_toxiproxy.errors import MissingServerError
from chaos_toxiproxy.servers import program, running
from tests.services.fixtures import postgres_dsn, postgres_server

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "toxiproxy"
ROW = re.compile(r"^(.+?) {2,}(\d+)/10 +([\d.]+ \w+) +([\d.]+ \w+) +(\w+|-) +(\d+|-)(?:, ([\d,]+) B)?$", re.MULTILINE)

__all__ = ["postgres_dsn", "postgres_server"]


def felt(*arguments: str, **environment: str) -> dict[str, tuple[int, str, int]]:
    """Return for each fault how many answers came, which error, and how many connections were struck."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "tour.py"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        fault.partition(" ")[0].strip(","): (int(answers), error, int(struck) if struck != "-" else 0)
        for fault, answers, _, _, error, struck, _ in ROW.findall(done.stdout)
    }


def check(rows: dict[str, tuple[int, str, int]]) -> None:
    """See that all answers came but under the timeout, and that every fault struck."""
    assert {fault: answers for fault, (answers, _, _) in rows.items()} == {
        "no": 10,
        "latency": 10,
        "bandwidth": 10,
        "slicer": 10,
        "timeout": 0,
    }
    assert rows["no"][1:] == ("-", 0)
    assert all(struck >= 1 for fault, (_, _, struck) in rows.items() if fault != "no")
    assert rows["timeout"][1] != "-"


@pytest.mark.slow
def test_every_fault_is_felt() -> None:
    """The table has each fault, with its answers and what it struck, and only the timeout lets none come."""
    rows = felt()
    check(rows)
    assert rows["timeout"] == (0, "RemoteDisconnected", 10)


@pytest.mark.slow
def test_the_same_with_toxiproxys_own_server() -> None:
    """With USE_TOXIPROXY=true the same is felt through Toxiproxy."""
    try:
        program()
    except MissingServerError as error:
        pytest.skip(f"cannot run here: {error}")
    check(felt(USE_TOXIPROXY="true"))


@pytest.mark.slow
def test_the_same_with_a_server_that_runs() -> None:
    """A server that runs already is used by its URL, and has no proxy afterwards."""
    with running("embedded") as server:
        check(felt("--server", server.client.url))
        assert server.client.proxies() == {}


@pytest.mark.slow
def test_the_same_with_postgresql(postgres_dsn: str) -> None:
    """PostgreSQL behind the proxy is felt in the same way."""
    check(felt("--dsn", postgres_dsn))


def test_the_table_of_the_readme_is_one() -> None:
    """What the README shows has the rows of what the example prints."""
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert [fault for fault, *_ in ROW.findall(readme)] == [
        "no fault",
        "latency 50 ms, jitter 10 ms",
        "bandwidth 200 kB/s",
        "slicer, pieces of 512 B",
        "timeout, closed after 200 ms",
    ]
