"""The values of the injectors, and what they become at a server."""

from __future__ import annotations

from typing import Any

import pytest

from chaos_toxiproxy import (
    bandwidth,
    down,
    latency,
    limit_data,
    reset_peer,
    slicer,
    slow_close,
    timeout,
    toxic,
)
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.striking import Poisons

EVERY: dict[str, tuple[Poisons, dict[str, Any]]] = {
    "latency": (latency("1.5s", "20ms"), {"latency": 1500, "jitter": 20}),
    "bandwidth": (bandwidth("500kB"), {"rate": 500}),
    "bandwidth, rounded": (bandwidth("64KiB"), {"rate": 66}),
    "slow_close": (slow_close("1s"), {"delay": 1000}),
    "timeout": (timeout(), {"timeout": 0}),
    "timeout, later": (timeout("2s"), {"timeout": 2000}),
    "reset_peer": (reset_peer("100ms"), {"timeout": 100}),
    "slicer": (slicer(64, 32, "15us"), {"average_size": 64, "size_variation": 32, "delay": 15}),
    "limit_data": (limit_data("1kB"), {"bytes": 1000}),
    "any": (toxic("latency", {"latency": 3, "jitter": 0}), {"latency": 3, "jitter": 0}),
}


@pytest.mark.parametrize("name", EVERY)
def test_values_are_sent_in_the_units_of_the_server(name: str, client: Client, db: Any) -> None:
    """A server takes what each injector sends, whole numbers all of them, and says the same."""
    injector, expected = EVERY[name]
    assert injector.sent() == expected
    assert all(type(each) is int for each in expected.values())
    added = client.add_toxic("db", injector.toxic_type, injector.sent(), name="it", stream=injector.stream)
    assert {key: added["attributes"][key] for key in expected} == expected
    client.remove_toxic("db", "it")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: latency(0), "it must be 1 ms or more"),
        (lambda: latency("100us"), "a whole number of milliseconds"),
        (lambda: latency("500d"), "at most a year"),
        (lambda: latency("10ms", "20ms"), r"jitter \(0\.02 s\) must not be more than latency \(0\.01 s\)"),
        (lambda: latency("10ms", stream="both"), "stream is 'downstream' or 'upstream', not 'both'"),  # type: ignore[arg-type]
        (lambda: latency("10ms", toxicity=7), "a probability lies between 0 and 1"),
        (lambda: latency("10ms", proxy=5), "proxy is the name of a proxy, not 5"),  # type: ignore[arg-type]
        (lambda: bandwidth(0), "1kB per second or more, not 0; to let nothing through use `timeout`"),
        (lambda: bandwidth(-1), "must not be negative"),
        (lambda: bandwidth(5.5), "a size is a whole number of bytes"),  # type: ignore[arg-type]
        (lambda: slow_close(0), "it must be 1 ms or more"),
        (lambda: slicer(0), "expected 1 byte or more, not 0"),
        (lambda: slicer(5, 5), r"variation \(5 B\) must be less than average \(5 B\)"),
        (lambda: slicer(5, delay="1ns"), "a whole number of microseconds"),
        (lambda: limit_data(0), "expected 1 byte or more"),
        (lambda: toxic("a/b"), "the type of a toxic is a word"),
        (lambda: toxic("noop", ["a"]), "attributes are a mapping"),  # type: ignore[arg-type]
        (lambda: down(proxy=""), "proxy is the name of a proxy"),
    ],
)
def test_what_would_break_a_server_cannot_be_built(make: Any, text: str) -> None:
    """A value that a server would crash at, or make nothing of, is refused with what would do."""
    with pytest.raises((ValueError, TypeError), match=text):
        make()
