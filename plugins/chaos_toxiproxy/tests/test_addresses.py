"""Addresses are read in one place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_toxiproxy.addresses import api, is_loopback, joined, split


@given(host=st.sampled_from(["127.0.0.1", "::1", "db.example", "fe80::1%eth0", ""]), port=st.integers(0, 65535))
def test_what_is_joined_can_be_split(host: str, port: int) -> None:
    """Host and port come back from the address that they make."""
    assert split(joined(host, port), least=0) == (host, port)


@pytest.mark.parametrize(
    "address",
    ["", "db", "db:", "db:0", "db:65536", "db:-1", "::1:80", "a b:1", "http://db:1", "db:1/", "db:x", None, 5],
)
def test_what_is_no_address_is_refused(address: Any) -> None:
    """A text without a host and a port in range is refused, with an example."""
    with pytest.raises(ValueError, match=r"an address is 'host:port', such as '127\.0\.0\.1:5432'"):
        split(address)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://127.0.0.1:8474", ("127.0.0.1", 8474)),
        ("http://toxiproxy", ("toxiproxy", 8474)),
        ("localhost:1", ("localhost", 1)),
        ("http://[::1]:9/", ("::1", 9)),
    ],
)
def test_a_server_is_named_by_its_url(url: str, found: tuple[str, int]) -> None:
    """The API's port is 8474 where the URL has none."""
    assert api(url) == found


def test_loopback_is_this_machine() -> None:
    """Only addresses of loopback, and localhost, are certain to be this machine."""
    assert [is_loopback(each) for each in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(each) for each in ("10.0.0.1", "example.org", "0.0.0.0", "")] == [False] * 4
