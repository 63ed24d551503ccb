"""Delays requests or responses."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.http.heads import Head
from chaos_toxiproxy.server.http.stages import HttpSettings, HttpStage
from chaos_toxiproxy.server.toxics.base import whole


class HttpDelayStage(HttpStage["HttpDelay"]):
    """Lets a message wait, and those behind it."""

    __slots__ = ()

    def meet(self, head: Head) -> None:
        """Leave it as it is."""

    def delay_s(self) -> float:
        return self.settings.delay / 1000


@attrs.frozen(kw_only=True)
class HttpDelay(HttpSettings):
    """
    Delay messages.

    Attributes:
        delay: Milliseconds.
    """

    type = "http_delay"
    stage = HttpDelayStage

    delay: int = whole()
