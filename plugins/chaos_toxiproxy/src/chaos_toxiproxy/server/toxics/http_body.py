"""Replaces the body of requests or responses."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.http.heads import Head
from chaos_toxiproxy.server.http.stages import HttpSettings, HttpStage
from chaos_toxiproxy.server.toxics.base import word


class HttpBodyStage(HttpStage["HttpBody"]):
    """Sends another body, with its length; the real one is dropped."""

    __slots__ = ()

    def meet(self, head: Head) -> bytes | None:
        body = self.settings.body.encode()
        head.remove([b"transfer-encoding", b"content-encoding", b"trailer"])
        head.put(b"Content-Length", str(len(body)).encode())
        return body


@attrs.frozen(kw_only=True)
class HttpBody(HttpSettings):
    """
    Replace bodies.

    Attributes:
        body: What comes instead, as UTF-8.
    """

    type = "http_body"
    stage = HttpBodyStage

    body: str = word()
