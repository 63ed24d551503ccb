"""A proxy that is down: it refuses connections and has cut those that there were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import attrs

from chaos_toxiproxy.proofs import Struck, Traffic
from chaos_toxiproxy.providing import Proxy
from chaos_toxiproxy.striking import Strikes, evidence, find
from chaoscore import Evidence, Site

ENABLE = "toxiproxy.down"
"""The undo action of a proxy that is down."""


@attrs.frozen
class Down(Strikes):
    """
    Cut all connections and refuse new ones, as an upstream that has crashed does.

    Nobody can count refusals, so the connections that it cut are its evidence, and the other ones are not. Where
    clients connect anew each time, `reset_peer` proves itself better. A proxy that is down already is left alone:
    whoever disabled it will want it so.
    """

    kind: ClassVar[str] = "toxiproxy.down"

    @contextmanager
    def open(self, site: Site) -> Iterator[Cut]:
        """
        Disable the proxy, and enable it afterwards.

        Raises:
            RefusedError: The server refuses that.
            UnknownProxyError: The scenario provides no such proxy.
            UnreachableError: The server does not answer.
        """
        proxy = find(site, self.proxy)
        found = proxy.server.client.proxy(proxy.key)
        if found is not None and not found["enabled"]:
            yield Cut(proxy, 0)
            return
        with _enabling(site, proxy):
            cut = Cut(proxy, Traffic(proxy).live)
            proxy.server.client.update(proxy.key, enabled=False)
            yield cut


def _enabling(site: Site, proxy: Proxy) -> AbstractContextManager[None]:
    if proxy.server.is_own:
        return _enabled_again(proxy)
    url = proxy.server.client.url
    manual = f"chaoscore toxiproxy --host {url} toggle {proxy.key}"
    return site.undoing(ENABLE, {"server": url, "proxy": proxy.key}, target=proxy.title, manual=manual)


@contextmanager
def _enabled_again(proxy: Proxy) -> Iterator[None]:
    try:
        yield
    finally:
        proxy.server.client.update(proxy.key, enabled=True)


class Cut:
    """An open fault: a proxy that is down."""

    def __init__(self, proxy: Proxy, connections: int) -> None:
        self._proxy, self._cut = proxy, connections

    def evidence(self) -> Evidence:
        """Return how many connections it cut."""
        return evidence(self._proxy, Struck(self._cut, 0, "the kernel, of connections that were cut"))
