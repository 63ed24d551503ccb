"""The types of toxics, one module each."""

from __future__ import annotations

from chaos_toxiproxy.server.toxics.base import DIRECTIONS, DOWNSTREAM, UPSTREAM, Settings, Toxic
from chaos_toxiproxy.server.toxics.latency import Latency
from chaos_toxiproxy.server.toxics.noop import Noop

TYPES: dict[str, type[Settings]] = {each.type: each for each in (Latency, Noop)}

__all__ = ["DIRECTIONS", "DOWNSTREAM", "TYPES", "UPSTREAM", "Settings", "Toxic"]
