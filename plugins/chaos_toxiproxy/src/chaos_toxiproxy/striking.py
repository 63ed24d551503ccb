"""What all injectors of this plugin have in common: which proxy they strike, and how that is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Literal, get_args

import attrs

from chaos_toxiproxy.errors import UnknownProxyError
from chaos_toxiproxy.proofs import Struck, Traffic, by_toxic, check_upstream, proved
from chaos_toxiproxy.providing import Proxy, ProxySet, run_name
from chaos_toxiproxy.servers import check_taken
from chaoscore import Evidence, Site, Undo, probability

REMOVE_TOXIC = "toxiproxy.toxic"
"""The undo action of a toxic."""

Stream = Literal["downstream", "upstream"]
"""Which way: from the upstream to its client, as answers go, or to the upstream, as requests go."""


def stream(value: Stream) -> Stream:
    """Return *value* where it is ``"downstream"`` or ``"upstream"``; raises ValueError."""
    known = get_args(Stream)
    if value not in known:
        raise ValueError(f"stream is {' or '.join(map(repr, known))}, not {value!r}")
    return value


def optional_name(value: str | None) -> str | None:
    """Return *value* where it can be the name of a proxy, or None; raises TypeError."""
    if value is not None and (not isinstance(value, str) or not value):
        raise TypeError(f"proxy is the name of a proxy, not {value!r}")
    return value


def find(site: Site, name: str | None) -> Proxy:
    """
    Return the proxy of that name; by default that of the injector's scope, else the only one there is.

    Raises:
        UnknownProxyError: There is none, or several.
    """
    proxies: dict[str, Proxy] = {}
    for provided in site.provided.values():
        if isinstance(provided, ProxySet):
            proxies |= provided
    wanted = name
    if name is None and site.scope in proxies:
        wanted = site.scope
    elif name is None and len(proxies) == 1:
        [wanted] = proxies
    if wanted is None or wanted not in proxies:
        raise UnknownProxyError(wanted, proxies)
    return proxies[wanted]


@attrs.frozen(kw_only=True)
class Strikes:
    """
    Strike a proxy that the scenario provides.

    Attributes:
        proxy: Its name; by default that of the injector's scope, else the only one there is.
    """

    undo: ClassVar[Undo] = Undo.PROVIDED

    proxy: str | None = attrs.field(default=None, converter=optional_name)


@attrs.frozen(kw_only=True)
class Poisons(Strikes):
    """
    Add a toxic to a proxy that the scenario provides.

    Attributes:
        stream: Which way it works: ``"downstream"``, from the upstream to its client, or ``"upstream"``.
        toxicity: Share of the connections that are struck, 0 to 1 or ``"50%"``.
    """

    kind: ClassVar[str]
    toxic: ClassVar[str]
    """Its type at the server."""

    stream: Stream = attrs.field(default="downstream", converter=stream)
    toxicity: float = attrs.field(default=1.0, converter=probability)

    def sent(self) -> Mapping[str, Any]:
        """Return its attributes at the server, in the units of that."""
        raise NotImplementedError

    @contextmanager
    def open(self, site: Site) -> Iterator[Poisoned]:
        """
        Add the toxic, and remove it afterwards.

        Raises:
            IgnoredError: The server passes over an attribute, since it does not know that.
            RefusedError: The server refuses the toxic.
            UnknownProxyError: The scenario provides no such proxy.
            UnreachableError: The server does not answer.
        """
        proxy, name = find(site, self.proxy), run_name(site.run_id, site.injection)
        with self._removing(site, proxy, name):
            poisoned, sent = Poisoned(proxy, name), self.sent()
            added = proxy.server.client.add_toxic(
                proxy.key, self.toxic_type, sent, name=name, stream=self.stream, toxicity=self.toxicity
            )
            check_taken(proxy.server, f"toxic {self.toxic_type!r}", sent, added["attributes"])
            yield poisoned

    @property
    def toxic_type(self) -> str:
        """Return its type at the server."""
        return self.toxic

    def _removing(self, site: Site, proxy: Proxy, name: str) -> AbstractContextManager[None]:
        """Return the block that removes the toxic: journalled, where its server does not end with the run."""
        if proxy.server.is_own:
            return _removing(proxy, name)
        url = proxy.server.client.url
        args = {"server": url, "proxy": proxy.key, "toxic": name}
        manual = f"chaoscore toxiproxy --host {url} toxic remove {proxy.key} --toxicName {name}"
        return site.undoing(REMOVE_TOXIC, args, target=f"toxic {name} of {proxy.title}", manual=manual)


@contextmanager
def _removing(proxy: Proxy, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        proxy.server.client.remove_toxic(proxy.key, name)


class Poisoned:
    """An open fault: a toxic that is there."""

    def __init__(self, proxy: Proxy, name: str) -> None:
        self._proxy, self._name = proxy, name
        self._traffic = Traffic(proxy)

    def evidence(self) -> Evidence:
        """
        Return how many connections it struck.

        Raises:
            RefusedUpstreamError: None, since nothing listens at the upstream.
            UnreachableError: The server is gone.
        """
        return evidence(self._proxy, proved(self._struck))

    def _struck(self) -> Struck:
        return by_toxic(self._proxy, self._name) or self._traffic.struck()


def evidence(proxy: Proxy, struck: Struck) -> Evidence:
    """Return the evidence of *struck*; where that is nothing, see first whether there was anything to strike."""
    if not struck.connections:
        check_upstream(proxy)
    detail = {"proxy": proxy.name, "upstream": proxy.upstream, **struck.detail()}
    return Evidence(fired=struck.connections, detail=detail)
