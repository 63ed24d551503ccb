"""From the bodies of requests, and from configuration files, to what they describe."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from chaos_toxiproxy.server import gojson
from chaos_toxiproxy.server.answers import ApiError, bad_body, missing_field
from chaos_toxiproxy.server.gojson import Object
from chaos_toxiproxy.server.proxies import Proxy
from chaos_toxiproxy.server.toxics import DIRECTIONS, DOWNSTREAM, TYPES, Toxic


@attrs.frozen(kw_only=True)
class Plan:
    """
    A proxy that somebody asks for.

    Attributes:
        name: Its name.
        listen: Where it should listen.
        upstream: Where it should lead to.
        enabled: Whether it accepts connections.
    """

    name: str
    listen: str
    upstream: str
    enabled: bool

    @classmethod
    def read(cls, fields: Object, where: str = "") -> Plan:
        """
        Return what *fields* describe; *where* they stand is for the error.

        Raises:
            ApiError: A field is missing, or of the wrong kind.
        """
        plan = cls(
            name=fields.read("Proxy", "name", str, ""),
            listen=fields.read("Proxy", "listen", str, ""),
            upstream=fields.read("Proxy", "upstream", str, ""),
            enabled=fields.read("Proxy", "enabled", bool, True),
        )
        for field in ("name", "upstream"):
            if not getattr(plan, field):
                raise missing_field(field + where)
        return plan

    def made(self, loop: asyncio.AbstractEventLoop, seed: int) -> Proxy:
        """Return the proxy, which does not listen yet."""
        return Proxy(loop, seed, self.name, self.listen, self.upstream)


def read_plan(body: bytes) -> Plan:
    """Return the proxy that *body* describes."""
    return Plan.read(gojson.read_object(body, "toxiproxy.Proxy"))


def read_plans(body: bytes) -> list[Plan]:
    """Return the proxies that *body* describes."""
    items = gojson.read_array(body, "toxiproxy.Proxy")
    return [Plan.read(fields, f" at proxy {number}") for number, fields in enumerate(items, 1)]


def read_toxic(fields: Object, proxy: Proxy) -> Toxic[Any]:
    """
    Return the toxic that *fields* describe, for *proxy*.

    Raises:
        ApiError: Its type or direction is none, or a value is wrong.
    """
    kind = fields.read("ToxicWrapper", "type", str, "")
    name = fields.read("ToxicWrapper", "name", str, "")
    stream = fields.read("ToxicWrapper", "stream", str, DOWNSTREAM)
    attributes = fields.read("ToxicWrapper", "attributes", Object, Object())
    toxicity = toxicity_of(fields, 1.0)
    if stream.lower() not in DIRECTIONS:
        raise ApiError(400, "stream was invalid, can be either upstream or downstream")
    if kind not in TYPES:
        raise ApiError(400, "invalid toxic type")
    settings = TYPES[kind]().changed(attributes)
    return Toxic(name or f"{kind}_{stream}", stream, toxicity, settings, proxy.struck)


def toxicity_of(fields: Object, default: float) -> float:
    """
    Return the toxicity in *fields*.

    Raises:
        ApiError: It is no share.
    """
    toxicity: float = fields.read("ToxicWrapper", "toxicity", float, default)
    if not 0 <= toxicity <= 1:
        raise bad_body(f"toxicity must be from 0 to 1, not {toxicity:g}")
    return toxicity
