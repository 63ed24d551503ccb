"""Network faults in chaoscore scenarios, through an embedded proxy that speaks Toxiproxy's API, or a real one."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_toxiproxy.client import Client
    from chaos_toxiproxy.cutting import Down
    from chaos_toxiproxy.exchanges import HttpAbort, HttpBody, HttpDelay, HttpHeaders, HttpStatus
    from chaos_toxiproxy.foreign import from_toxiproxy_python
    from chaos_toxiproxy.packets import Corrupt, Duplicate, Loss, Reorder
    from chaos_toxiproxy.providing import Proxies, Proxy, ProxySet
    from chaos_toxiproxy.toxics import Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout, Toxic

    bandwidth, down, latency, limit_data, proxies = Bandwidth, Down, Latency, LimitData, Proxies
    corrupt, duplicate, loss, reorder = Corrupt, Duplicate, Loss, Reorder
    http_abort, http_body, http_delay, http_headers, http_status = (
        HttpAbort,
        HttpBody,
        HttpDelay,
        HttpHeaders,
        HttpStatus,
    )
    reset_peer, slicer, slow_close, timeout, toxic = ResetPeer, Slicer, SlowClose, Timeout, Toxic

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Proxy",
    "ProxySet",
    "bandwidth",
    "corrupt",
    "down",
    "duplicate",
    "from_toxiproxy_python",
    "http_abort",
    "http_body",
    "http_delay",
    "http_headers",
    "http_status",
    "latency",
    "limit_data",
    "loss",
    "proxies",
    "reorder",
    "reset_peer",
    "slicer",
    "slow_close",
    "timeout",
    "toxic",
]

_HOME = {
    "Client": "client.Client",
    "Proxy": "providing.Proxy",
    "ProxySet": "providing.ProxySet",
    "bandwidth": "toxics.Bandwidth",
    "corrupt": "packets.Corrupt",
    "down": "cutting.Down",
    "duplicate": "packets.Duplicate",
    "from_toxiproxy_python": "foreign.from_toxiproxy_python",
    "http_abort": "exchanges.HttpAbort",
    "http_body": "exchanges.HttpBody",
    "http_delay": "exchanges.HttpDelay",
    "http_headers": "exchanges.HttpHeaders",
    "http_status": "exchanges.HttpStatus",
    "latency": "toxics.Latency",
    "limit_data": "toxics.LimitData",
    "loss": "packets.Loss",
    "proxies": "providing.Proxies",
    "reorder": "packets.Reorder",
    "reset_peer": "toxics.ResetPeer",
    "slicer": "toxics.Slicer",
    "slow_close": "toxics.SlowClose",
    "timeout": "toxics.Timeout",
    "toxic": "toxics.Toxic",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'chaos_toxiproxy' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(".")
    value = getattr(import_module(f"chaos_toxiproxy.{module}"), attribute)
    globals()[name] = value
    return value
