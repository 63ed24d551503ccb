"""What can go wrong between this plugin and a Toxiproxy server."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from chaoscore import ChaosError


class ToxiproxyError(ChaosError):
    """Root of this plugin's errors."""


class UnreachableError(ToxiproxyError, ConnectionError):
    """
    A server did not answer, or not as one of its kind does.

    Attributes:
        server: Its address.
        what: What was asked of it.
        reason: What happened instead.
        refused: Whether nothing listens there.
    """

    def __init__(self, server: str, what: str, reason: str, *, refused: bool = False) -> None:
        self.server, self.what, self.reason, self.refused = server, what, reason, refused
        super().__init__(f"{server}: {what}: {reason}; see that a Toxiproxy server answers there")


class RefusedError(ToxiproxyError):
    """
    A server said no.

    Attributes:
        server: Its address.
        what: What was asked of it, with the names of proxy and toxic.
        status: The HTTP status of its answer.
        answer: What it said.
    """

    def __init__(self, server: str, what: str, status: int, answer: str) -> None:
        self.server, self.what, self.status, self.answer = server, what, status, answer
        super().__init__(f"{server}: {what}: it answered {status}, {answer!r}")


class IgnoredError(ToxiproxyError, ValueError):
    """A server passed over something that it was told."""

    def __init__(self, server: str, of: str, names: Iterable[str]) -> None:
        self.server, self.names = server, tuple(sorted(names))
        super().__init__(
            f"{server}: {of}: it passes over {', '.join(self.names)}, which it does not know; use server='embedded'"
        )


class StartError(ToxiproxyError, RuntimeError):
    """A server of this run did not start."""

    def __init__(self, command: str, reason: str) -> None:
        self.command, self.reason = command, reason
        super().__init__(f"{command} did not start: {reason}")


class MissingServerError(ToxiproxyError, FileNotFoundError):
    """There is no Toxiproxy on this machine."""

    def __init__(self, program: str) -> None:
        super().__init__(
            f"there is no {program!r} on PATH, and $TOXIPROXY_SERVER names none; "
            "install Toxiproxy, or use server='embedded', which needs nothing"
        )


class UnknownProxyError(ToxiproxyError, LookupError):
    """A scenario names a proxy that nothing provides."""

    def __init__(self, name: str | None, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(sorted(known))
        have = ", ".join(self.known)
        if not self.known:
            problem = "the scenario provides no proxy; add .provide('proxies', proxies({...}))"
        elif name is None:
            problem = f"it strikes in one of several proxies, and does not say which; give it proxy= one of {have}"
        else:
            near = get_close_matches(name, self.known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            problem = f"no proxy {name!r}{hint}; have {have}"
        super().__init__(problem)

    def __str__(self) -> str:
        return str(self.args[0])


class TwiceError(ToxiproxyError, ValueError):
    """Two providers of a scenario have proxies of one name."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"two providers have a proxy named {', '.join(self.names)}; give each its own name")


class RefusedUpstreamError(ToxiproxyError, ConnectionError):
    """Nothing passed a proxy, since nothing listens at its upstream."""

    def __init__(self, proxy: str, upstream: str, reason: str) -> None:
        self.proxy, self.upstream, self.reason = proxy, upstream, reason
        super().__init__(
            f"proxy {proxy!r}: nothing passed it, and its upstream {upstream} does not answer ({reason}); "
            "start what listens there, or correct the address"
        )
