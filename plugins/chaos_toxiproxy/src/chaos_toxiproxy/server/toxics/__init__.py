"""The types of toxics, one module each."""

from __future__ import annotations

from chaos_toxiproxy.server.toxics.bandwidth import Bandwidth
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, DOWNSTREAM, UPSTREAM, Settings, Toxic
from chaos_toxiproxy.server.toxics.corrupt import Corrupt
from chaos_toxiproxy.server.toxics.duplicate import Duplicate
from chaos_toxiproxy.server.toxics.http_abort import HttpAbort
from chaos_toxiproxy.server.toxics.http_body import HttpBody
from chaos_toxiproxy.server.toxics.http_delay import HttpDelay
from chaos_toxiproxy.server.toxics.http_headers import HttpHeaders
from chaos_toxiproxy.server.toxics.http_status import HttpStatus
from chaos_toxiproxy.server.toxics.latency import Latency
from chaos_toxiproxy.server.toxics.limit_data import LimitData
from chaos_toxiproxy.server.toxics.loss import Loss
from chaos_toxiproxy.server.toxics.noop import Noop
from chaos_toxiproxy.server.toxics.reorder import Reorder
from chaos_toxiproxy.server.toxics.reset_peer import ResetPeer
from chaos_toxiproxy.server.toxics.slicer import Slicer
from chaos_toxiproxy.server.toxics.slow_close import SlowClose
from chaos_toxiproxy.server.toxics.timeout import Timeout

TYPES: dict[str, type[Settings]] = {
    each.type: each
    for each in (
        Bandwidth,
        Corrupt,
        Duplicate,
        HttpAbort,
        HttpBody,
        HttpDelay,
        HttpHeaders,
        HttpStatus,
        Latency,
        LimitData,
        Loss,
        Noop,
        Reorder,
        ResetPeer,
        Slicer,
        SlowClose,
        Timeout,
    )
}

__all__ = ["DIRECTIONS", "DOWNSTREAM", "TYPES", "UPSTREAM", "Settings", "Toxic"]
