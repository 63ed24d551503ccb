"""Changes the status of responses."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import attrs

from chaos_toxiproxy.server.http.heads import Head
from chaos_toxiproxy.server.http.stages import HttpSettings, HttpStage
from chaos_toxiproxy.server.toxics.base import DOWNSTREAM, whole


class HttpStatusStage(HttpStage["HttpStatus"]):
    """Writes another first line; headers and body stay."""

    __slots__ = ()

    def meet(self, head: Head) -> None:
        status = self.settings.status
        known = {each.value: each.phrase for each in HTTPStatus}
        head.first = f"HTTP/1.1 {status} {known.get(status, 'Chaos')}".encode()


def _final(_: object, field: attrs.Attribute[Any], value: int) -> None:
    if not 200 <= value <= 599:
        raise ValueError(f"{field.name} must be from 200 to 599, not {value}")


@attrs.frozen(kw_only=True)
class HttpStatus(HttpSettings):
    """
    Give responses another status.

    Attributes:
        status: 200 to 599.
    """

    type = "http_status"
    directions = (DOWNSTREAM,)
    stage = HttpStatusStage

    status: int = whole(503, check=_final)
