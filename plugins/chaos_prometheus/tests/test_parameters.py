"""What reporters take, and what they refuse."""

from pathlib import Path
from typing import Any

import pytest

from chaos_prometheus import prometheus, prometheus_pushgateway, prometheus_textfile
from chaos_prometheus.address import Address, parsed


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        (9464, "127.0.0.1", 9464),
        ("9465", "127.0.0.1", 9465),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:9464", "::1", 9464),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_is_a_port_or_more(given: int | str, host: str, port: int) -> None:
    """A port alone is on loopback; anything else is asked for by its host."""
    exporter = prometheus(given)
    assert parsed(exporter.address) == Address(host, port)
    assert prometheus(exporter.address) == exporter


def test_the_default_is_loopback() -> None:
    """Without an address, nobody but this machine can reach it."""
    assert prometheus().address == "127.0.0.1:9464"


@pytest.mark.parametrize(
    ("make", "given", "problem"),
    [
        (prometheus, {"address": "x"}, "expected PORT or HOST:PORT"),
        (prometheus, {"address": 65536}, "expected PORT or HOST:PORT"),
        (prometheus, {"address": "::1:9464"}, "expected PORT or HOST:PORT"),
        (prometheus, {"address": "http://127.0.0.1:9464"}, "expected PORT or HOST:PORT"),
        (prometheus, {"address": True}, "expected PORT or HOST:PORT"),
        (prometheus, {"address": None}, "expected PORT or HOST:PORT"),
        (prometheus, {"linger": "1 fortnight"}, "fortnight"),
        (prometheus, {"limit": 0}, "limit: expected 1 or more, not 0"),
        (prometheus, {"limit": "5"}, "limit: expected a whole number"),
        (prometheus_pushgateway, {"url": "127.0.0.1:9091"}, "such as http://127.0.0.1:9091"),
        (prometheus_pushgateway, {"url": "file:///etc/passwd"}, "such as http://127.0.0.1:9091"),
        (prometheus_pushgateway, {"url": 9091}, "expected the address of a Pushgateway"),
        (prometheus_pushgateway, {"url": "http://h", "every": 0}, "every: expected a time longer than 0"),
        (prometheus_pushgateway, {"url": "http://h", "job": "a/b"}, "job: expected letters"),
        (prometheus_pushgateway, {"url": "http://h", "job": 5}, "job: expected a name"),
        (prometheus_textfile, {"path": "run.txt"}, "names end in .prom"),
        (prometheus_textfile, {"path": Path("no/such/run.prom")}, "its directory no/such does not exist"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, given: dict[str, Any], problem: str) -> None:
    """A wrong value is an error before the run, with what was expected and what was given."""
    with pytest.raises((TypeError, ValueError), match=problem):
        make(**given)
