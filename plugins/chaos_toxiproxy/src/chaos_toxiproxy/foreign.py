"""The door for those who have toxiproxy-python: which server their client talks to."""

from __future__ import annotations

from typing import Any

from chaos_toxiproxy.addresses import joined
from chaos_toxiproxy.client import Client


def from_toxiproxy_python(client: Any) -> Client:
    """
    Return a client of the server that toxiproxy-python's *client* talks to.

    Its `url` is what `proxies(server=...)` takes; ``existing=`` names the proxies there that the other has created.

    Args:
        client: A `toxiproxy.Toxiproxy`; what any of them was told last counts: that library keeps one address for all.

    Raises:
        ImportError: toxiproxy-python is not installed.
        TypeError: *client* is something else.
    """
    try:
        from toxiproxy import Toxiproxy  # type: ignore[import-untyped]
        from toxiproxy.api import APIConsumer  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError('run `pip install "chaos-toxiproxy[toxiproxy-python]"`') from error
    if not isinstance(client, Toxiproxy):
        raise TypeError(f"expected a toxiproxy.Toxiproxy, not {client!r:.200}")
    return Client(joined(str(APIConsumer.host), int(APIConsumer.port)))
