"""Toxics that somebody asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chaos_toxiproxy.server.answers import ApiError, bad_body
from chaos_toxiproxy.server.gojson import Object
from chaos_toxiproxy.server.toxics import DIRECTIONS, DOWNSTREAM, TYPES, Toxic

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain


def read_toxic(fields: Object, network: str, on_strike: Callable[[Toxic[Any], Chain], None]) -> Toxic[Any]:
    """
    Return the toxic that *fields* describe.

    Args:
        fields: The body of a request.
        network: What the proxy carries: ``tcp`` or ``udp``.
        on_strike: Called when it strikes a connection for the first time.

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
    if network not in TYPES[kind].networks:
        raise ApiError(400, f"invalid toxic type: {kind} does not work on {network}")
    if stream.lower() not in TYPES[kind].directions:
        raise ApiError(400, f"stream was invalid: {kind} works {' and '.join(TYPES[kind].directions)} only")
    settings = TYPES[kind]().changed(attributes)
    return Toxic(name or f"{kind}_{stream}", stream, toxicity, settings, on_strike)


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
