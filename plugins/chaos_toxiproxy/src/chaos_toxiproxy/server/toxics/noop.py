"""Does nothing."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Stage
from chaos_toxiproxy.server.toxics.base import Settings


@attrs.frozen(kw_only=True)
class Noop(Settings):
    """Pass everything on."""

    type = "noop"
    networks = frozenset({"tcp", "udp"})
    stage = Stage
