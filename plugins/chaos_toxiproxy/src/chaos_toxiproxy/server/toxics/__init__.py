"""The types of toxics, one module each."""

from __future__ import annotations

from chaos_toxiproxy.server.toxics.bandwidth import Bandwidth
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, DOWNSTREAM, UPSTREAM, Settings, Toxic
from chaos_toxiproxy.server.toxics.latency import Latency
from chaos_toxiproxy.server.toxics.limit_data import LimitData
from chaos_toxiproxy.server.toxics.noop import Noop
from chaos_toxiproxy.server.toxics.reset_peer import ResetPeer
from chaos_toxiproxy.server.toxics.slicer import Slicer
from chaos_toxiproxy.server.toxics.slow_close import SlowClose
from chaos_toxiproxy.server.toxics.timeout import Timeout

TYPES: dict[str, type[Settings]] = {
    each.type: each for each in (Bandwidth, Latency, LimitData, Noop, ResetPeer, Slicer, SlowClose, Timeout)
}

__all__ = ["DIRECTIONS", "DOWNSTREAM", "TYPES", "UPSTREAM", "Settings", "Toxic"]
