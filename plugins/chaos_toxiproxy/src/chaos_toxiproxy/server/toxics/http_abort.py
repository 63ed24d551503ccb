"""Aborts connections at requests or responses."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.http.heads import Head
from chaos_toxiproxy.server.http.stages import HttpSettings, HttpStage


class HttpAbortStage(HttpStage["HttpAbort"]):
    """Resets the connection instead of passing a message on."""

    __slots__ = ()

    def meet(self, head: Head) -> None:
        self.link.connection.reset()


@attrs.frozen(kw_only=True)
class HttpAbort(HttpSettings):
    """Reset connections: in the upstream direction before the request arrives, downstream before the response does."""

    type = "http_abort"
    stage = HttpAbortStage
