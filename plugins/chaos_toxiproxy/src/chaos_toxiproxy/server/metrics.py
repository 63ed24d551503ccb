"""``GET /metrics``: counters that are up to date, in Prometheus' text format."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_toxiproxy.server.proxies import Proxy

KIND = "text/plain; version=0.0.4; charset=utf-8"
_BEGAN_S = time.time()

Sample = tuple[Mapping[str, str], float]


def of_proxies(proxies: Iterable[Proxy]) -> Iterator[str]:
    """Yield the lines that Toxiproxy has with ``-proxy-metrics``, and what its toxics did."""
    counted = [(proxy, proxy.counts()) for proxy in proxies]
    for way in ("received", "sent"):
        samples = [
            (_labels(proxy, direction), getattr(count, way))
            for proxy, counts in counted
            for direction, count in counts.items()
        ]
        yield from _family(f"toxiproxy_proxy_{way}_bytes_total", "counter", samples)
    toxics = [({"proxy": proxy.name, "toxic": toxic.name}, toxic) for proxy, _ in counted for toxic in proxy.toxics]
    for what in ("connections", "bytes"):
        samples = [(labels, getattr(toxic, what)) for labels, toxic in toxics]
        yield from _family(f"toxiproxy_toxic_{what}_total", "counter", samples)


def of_process() -> Iterator[str]:
    """Yield the lines about this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    version = {"implementation": platform.python_implementation(), "version": platform.python_version()}
    yield from _family("process_cpu_seconds_total", "counter", [({}, usage.ru_utime + usage.ru_stime)])
    yield from _family("process_start_time_seconds", "gauge", [({}, _BEGAN_S)])
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - it is no file of a disk
            pages = [int(word) for word in statm.read().split()]
        yield from _family("process_resident_memory_bytes", "gauge", [({}, pages[1] * resource.getpagesize())])
        yield from _family("process_open_fds", "gauge", [({}, len(os.listdir("/proc/self/fd")))])  # noqa: PTH208
    yield from _family("python_info", "gauge", [(version, 1)])


def _labels(proxy: Proxy, direction: str) -> dict[str, str]:
    return {"direction": direction, "listener": proxy.listen, "proxy": proxy.name, "upstream": proxy.upstream}


def _family(name: str, kind: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
