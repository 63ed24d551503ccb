"""The proxies that a scenario provides: there before its target, gone after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any, ClassVar
from zlib import crc32

import attrs

from chaos_toxiproxy.addresses import api, is_loopback, joined, split
from chaos_toxiproxy.errors import UnknownProxyError
from chaos_toxiproxy.servers import EMBEDDED, Server, check_taken, is_own, running, which
from chaoscore import Site, Undo

UDP = "udp://"
"""Begins the address of an upstream that is spoken to by UDP."""

REMOVE_PROXY = "toxiproxy.proxy"
"""The undo action of a proxy."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@attrs.frozen(kw_only=True)
class Proxy:
    """
    A proxy that a scenario provides.

    Attributes:
        name: Its name in the scenario.
        key: Its name at the server.
        host: Where the system under test connects to.
        port: Its port.
        upstream: What it leads to.
        server: Where it lives.
        is_udp: Whether it is spoken to by UDP, not TCP.
    """

    name: str
    key: str
    host: str
    port: int
    upstream: str
    server: Server
    is_udp: bool = False

    @property
    def address(self) -> str:
        """Return ``"host:port"`` of it."""
        return joined(self.host, self.port)

    @property
    def title(self) -> str:
        """Return what stands for it where two runs must not meet."""
        return f"proxy {self.key} of {self.server.client.url}"


class ProxySet(Mapping[str, Proxy]):
    """The proxies of one run, by their names in the scenario."""

    def __init__(self, proxies: Mapping[str, Proxy]) -> None:
        self._proxies = dict(proxies)

    def __getitem__(self, name: str) -> Proxy:
        """
        Return the proxy of that name.

        Raises:
            UnknownProxyError: There is none; it is a LookupError.
        """
        if name not in self._proxies:
            raise UnknownProxyError(name, self._proxies)
        return self._proxies[name]

    def __contains__(self, name: object) -> bool:
        return name in self._proxies

    def __iter__(self) -> Iterator[str]:
        return iter(self._proxies)

    def __len__(self) -> int:
        return len(self._proxies)


def _addresses(parameter: str, value: Mapping[str, str], least: int) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{parameter} maps names to addresses: {{'db': '127.0.0.1:5432'}}, not {value!r}")
    for name, address in value.items():
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ValueError(f"{parameter}: the name of a proxy is a short printable text, not {name!r}")
        try:
            split(_plain(address), least=least)
        except ValueError as error:
            raise ValueError(f"{parameter}, {name!r}: {error}") from None
    return MappingProxyType(dict(value))


def _plain(address: object) -> object:
    """Return an address without the network before it."""
    return address.removeprefix(UDP) if isinstance(address, str) else address


def _upstreams(value: Mapping[str, str]) -> Mapping[str, str]:
    return _addresses("upstreams", value, 1)


def _listen(value: Mapping[str, str]) -> Mapping[str, str]:
    return _addresses("listen", value, 0)


def _tls(value: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping) or not all(isinstance(each, Mapping) for each in value.values()):
        raise TypeError(f"tls maps names to settings: {{'db': {{'cert': 'db.pem'}}}}, not {value!r}")
    return MappingProxyType({name: MappingProxyType(dict(each)) for name, each in value.items()})


def _names(value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(each, str) and each for each in value):
        raise TypeError(f"existing is a list of names of proxies, not {value!r}")
    return tuple(value)


@attrs.frozen(unsafe_hash=False)
class Proxies:
    """
    Put a proxy in front of each upstream, for network faults between it and the system under test.

    The target's `setup` gets them by the name they are provided under: ``proxies["db"].address``, `.host`, `.port`.

    Attributes:
        upstreams: Maps names to the addresses that the proxies lead to: ``{"db": "127.0.0.1:5432"}``; for UDP they
            begin with ``udp://`` and need the embedded server.
        server: ``"embedded"`` starts a server for the run; ``"toxiproxy-server"`` starts Toxiproxy's own, from PATH or
            $TOXIPROXY_SERVER; ``"http://host:port"`` uses one that runs already.
        listen: Maps names to the addresses where the proxies listen; by default 127.0.0.1 and a port that is free.
        tls: Maps names to how their proxies use TLS, on the embedded server: ``cert``, ``key``, ``client_ca`` towards
            clients; ``upstream``, ``ca``, ``verify``, ``server_name``, ``upstream_cert``, ``upstream_key`` beyond.
        existing: Names of proxies that the server at a URL has already, to be struck as well; they stay.
    """

    kind: ClassVar[str] = "toxiproxy.proxies"

    upstreams: Mapping[str, str] = attrs.field(factory=dict, converter=_upstreams)
    server: str = attrs.field(default=EMBEDDED, converter=which)
    listen: Mapping[str, str] = attrs.field(factory=dict, converter=_listen, kw_only=True)
    tls: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, converter=_tls, kw_only=True)
    existing: tuple[str, ...] = attrs.field(default=(), converter=_names, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.upstreams and not self.existing:
            raise ValueError("there is no proxy; give upstreams such as {'db': '127.0.0.1:5432'}")
        if self.existing and is_own(self.server):
            raise ValueError(f"existing proxies are those of a server that runs already, not of {self.server!r}")
        if twice := sorted(set(self.upstreams) & set(self.existing)):
            raise ValueError(f"{', '.join(twice)} cannot be both created and existing")
        for parameter, named in (("listen", self.listen), ("tls", self.tls)):
            if lost := sorted(set(named) - set(self.upstreams)):
                raise ValueError(f"{parameter} names {', '.join(lost)}, which upstreams does not")
        silent = sorted(set(self.upstreams) - set(self.listen))
        if silent and not is_own(self.server) and not is_loopback(api(self.server)[0]):
            raise ValueError(f"listen must say where {', '.join(silent)} listens: the server is not on this machine")

    @property
    def undo(self) -> Undo:
        """Return what takes them away: they end with a server of the run's own, and are journalled elsewhere."""
        return Undo.KERNEL if is_own(self.server) else Undo.JOURNAL

    @property
    def aims(self) -> tuple[tuple[str, int], ...]:
        """Return where the server is, and the upstreams that one on this machine leads to."""
        where = () if is_own(self.server) else (api(self.server),)
        if where and not is_loopback(where[0][0]):
            return where  # what names stand for there is not known here
        return where + tuple(split(_plain(each)) for each in self.upstreams.values())

    def examine(self) -> str:
        """Ask the server for its version."""
        with running(self.server) as server:
            return f"Toxiproxy {server.client.version()} at {server.client.url}"

    @contextmanager
    def open(self, site: Site) -> Iterator[ProxySet]:
        """
        Create the proxies, and delete them afterwards.

        Raises:
            IgnoredError: The server passes over UDP or TLS, since it does not know that.
            ForbiddenTargetError: The server or an upstream is not on loopback, and nobody allowed it.
            MissingServerError: Toxiproxy's own server is not on this machine.
            RefusedError: A port is taken, or another proxy has the name.
            StartError: The server did not start.
            UnknownProxyError: The server has no such existing proxy.
            UnreachableError: The server does not answer.
        """
        for host, port in self.aims:
            site.resolve(host, port)
        where = self.server if is_own(self.server) else _settled(site, *api(self.server))
        with ExitStack() as stack:
            server = stack.enter_context(running(where, seed=site.seed))
            made = {name: stack.enter_context(self._made(server, site, name)) for name in self.upstreams}
            yield ProxySet(made | self._found(server))

    @contextmanager
    def _made(self, server: Server, site: Site, name: str) -> Iterator[Proxy]:
        key = run_name(site.run_id, name)
        with ExitStack() as stack:
            if not server.is_own:
                stack.enter_context(_undoing(server, site, key))
            listen = self.listen.get(name, "127.0.0.1:0")
            upstream, more = self.upstreams[name], dict[str, Any]()
            if upstream.startswith(UDP):
                upstream, more["network"] = upstream.removeprefix(UDP), "udp"
            if name in self.tls:
                more["tls"] = {"server_name": split(upstream)[0], **self.tls[name]}
            if server.is_here:  # elsewhere names stand for what they stand for there
                upstream = _settled(site, *split(upstream))
            created = server.client.create(key, upstream, listen, **more)
            check_taken(server, f"proxy {name!r}", more, created)
            yield _proxy(server, name, created)

    def _found(self, server: Server) -> dict[str, Proxy]:
        if not self.existing:
            return {}
        there = server.client.proxies()
        for name in self.existing:
            if name not in there:
                raise UnknownProxyError(name, there)
        return {name: _proxy(server, name, there[name]) for name in self.existing}


def _settled(site: Site, host: str, port: int) -> str:
    """Return *host* and *port* as an address: a name that is not this machine's may stand for another one later."""
    address = site.resolve(host, port)
    return joined(host if is_loopback(host) else address, port)


def _undoing(server: Server, site: Site, key: str) -> Any:
    url = server.client.url
    return site.undoing(
        REMOVE_PROXY,
        {"server": url, "proxy": key},
        target=f"proxy {key} of {url}",
        manual=f"chaoscore toxiproxy --host {url} delete {key}",
        survives_boot=not server.is_here,
    )


def _proxy(server: Server, name: str, found: Mapping[str, Any]) -> Proxy:
    host, port = split(found["listen"])
    reachable = server.client.host if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - what it says, not where
    return Proxy(
        name=name,
        key=str(found["name"]),
        host=reachable,
        port=port,
        upstream=str(found["upstream"]),
        server=server,
        is_udp=found.get("network") == "udp",
    )


def run_name(run_id: str, name: str) -> str:
    """Return the name at a server of what a run calls *name*: told apart from others', and fit for any path."""
    safe = _UNSAFE.sub("-", name)
    tail = safe if safe == name else f"{safe}-{crc32(name.encode()):08x}"
    return f"chaos-{run_id}-{tail}"
