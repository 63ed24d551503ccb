"""Proxies that somebody asks for."""

from __future__ import annotations

from typing import Any

import attrs

from chaos_toxiproxy.server import gojson
from chaos_toxiproxy.server.answers import bad_body, missing_field
from chaos_toxiproxy.server.gojson import Object, checked
from chaos_toxiproxy.server.tls import Tls

NETWORKS = ("tcp", "udp")


@attrs.frozen(kw_only=True)
class Plan:
    """
    A proxy that somebody asks for.

    Attributes:
        name: Its name.
        listen: Where it should listen.
        upstream: Where it should lead to.
        enabled: Whether it accepts connections.
        network: ``tcp`` or ``udp``.
        tls: How it uses TLS; None: it passes on what it gets.
        toxics: What its toxics should be, unread: most requests do not want them.
    """

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    network: str = "tcp"
    tls: Tls | None = None
    toxics: Any = None

    @classmethod
    def read(cls, fields: Object, where: str = "") -> Plan:
        """
        Return what *fields* describe; *where* they stand is for the error.

        Raises:
            ApiError: A field is missing, of the wrong kind, or has a value that cannot be.
        """
        network = fields.read("Proxy", "network", str, "tcp")
        tls = fields.read("Proxy", "tls", Object, None)
        plan = cls(
            name=fields.read("Proxy", "name", str, ""),
            listen=fields.read("Proxy", "listen", str, ""),
            upstream=fields.read("Proxy", "upstream", str, ""),
            enabled=fields.read("Proxy", "enabled", bool, True),
            network=network,
            tls=None if tls is None else Tls.read(tls),
            toxics=fields.get("toxics"),
        )
        for field in ("name", "upstream"):
            if not getattr(plan, field):
                raise missing_field(field + where)
        if network not in NETWORKS or (tls and network == "udp"):
            raise bad_body(f"network is tcp or udp, and TLS goes over tcp, not {network!r}")
        return plan

    def wanted_toxics(self) -> list[Object]:
        """
        Return what its toxics should be.

        Raises:
            ApiError: They are no array of objects.
        """
        toxics: list[Any] = [] if self.toxics is None else checked(self.toxics, list, "Proxy.toxics")
        return [checked(each, Object, "Proxy.toxics") for each in toxics]

    def shown(self) -> dict[str, Any]:
        """Return what requests see of it that Toxiproxy does not have: only what was asked for."""
        extra: dict[str, Any] = {} if self.network == "tcp" else {"network": self.network}
        return extra if self.tls is None else {**extra, "tls": self.tls.shown()}


def read_plan(body: bytes) -> Plan:
    """Return the proxy that *body* describes."""
    return Plan.read(gojson.read_object(body, "toxiproxy.Proxy"))


def read_plans(body: bytes) -> list[Plan]:
    """Return the proxies that *body* describes."""
    items = gojson.read_array(body, "toxiproxy.Proxy")
    return [Plan.read(fields, f" at proxy {number}") for number, fields in enumerate(items, 1)]
