"""Names that cannot be resolved, or take long to be."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, ClassVar, Literal, get_args

import attrs

from chaos_patch.holding import BlockingDelay
from chaos_patch.parameters import OnLoop, is_on_loop, is_text
from chaos_patch.patching import Patched, patching
from chaos_patch.targets import PREFIX, Spot, spots
from chaoscore import Ask, Delay, Fault, Raise, Site, Undo, probability, seconds

Failure = Literal["EAI_NONAME", "EAI_AGAIN", "EAI_FAIL"]
"""No such name, try again later, and gave up."""

_FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


def _is_failure(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in get_args(Failure):
        raise ValueError(f"{attribute.alias} is one of {', '.join(get_args(Failure))}, not {value!r}")


@attrs.frozen
class Dns:
    """
    Let the resolution of names fail or take long, in `socket` and everything above it: urllib, asyncio, most clients.

    Addresses need no resolution and are left alone. Libraries that resolve in C by themselves (libpq, c-ares) are not
    reached.

    Attributes:
        host: Glob that the name must match; case does not count.
        fail: Chance that it cannot be resolved, 0 to 1.
        delay_s: Added to each resolution that does not fail, seconds.
        jitter_s: Most that is added to the delay at random, seconds.
        error: How it fails: ``"EAI_NONAME"`` (no such name), ``"EAI_AGAIN"`` (try again later), ``"EAI_FAIL"``.
        on_loop: What a resolution does that would be held up on an event loop: ``"refuse"`` or ``"block"``.
    """

    kind: ClassVar[str] = "patch.dns"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"call"})
    at: ClassVar[str] = f"{PREFIX}socket:get*"

    host: str = attrs.field(default="*", validator=is_text)
    fail: float = attrs.field(default=0.0, converter=probability, kw_only=True)
    delay_s: float = attrs.field(default=0.0, converter=seconds, alias="delay", kw_only=True)
    jitter_s: float = attrs.field(default=0.0, converter=seconds, alias="jitter", kw_only=True)
    error: Failure = attrs.field(default="EAI_NONAME", validator=_is_failure, kw_only=True)
    on_loop: OnLoop = attrs.field(default="refuse", validator=is_on_loop, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not (self.fail or self.delay_s or self.jitter_s):
            raise ValueError("patch.dns does nothing; give it fail=, delay= or jitter=")

    def answer(self, ask: Ask) -> Fault | None:
        """Return what happens to this resolution."""
        name = _name(ask.tags.get("call"))
        if name is None or not fnmatchcase(name.lower(), self.host.lower()):
            return None
        if ask.chance(self.fail):
            code = getattr(socket, self.error)
            return Raise(partial(socket.gaierror, code, f"injected: {name} cannot be resolved"), "dns")
        if self.delay_s or self.jitter_s:
            make = Delay if self.on_loop == "refuse" else BlockingDelay
            return make(ask.between(self.delay_s, self.delay_s + self.jitter_s))
        return None

    @contextmanager
    def open(self, site: Site) -> Iterator[Patched]:
        """Patch what resolves names, and put it back on exit."""
        with patching(self, _resolvers()) as opened:
            yield opened


def _resolvers() -> tuple[Spot, ...]:
    return tuple(spot for name in _FUNCTIONS for spot in spots(f"socket:{name}", most=1))


def _name(call: Any) -> str | None:
    """Return the name that is to be resolved; None for an address, or none at all."""
    host = None if call is None else call.args[0] if call.args else call.kwargs.get("host")
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or not host:
        return None
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return None
