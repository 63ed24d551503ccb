"""What a run may do: nothing in production unless told so, nothing while the lever is pulled, only where it may."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterable

from chaoscore.errors import FaultsLeftError, ForbiddenTargetError, LeverPulledError, ProductionError
from chaoscore.safety.leftovers import left_behind
from chaoscore.safety.state import lever

ENVIRONMENT = "CHAOSCORE_ENVIRONMENT"
"""Names the environment that a process is in."""

PRODUCTION = frozenset({"prod", "prd", "production", "live"})
"""A word of its name that makes an environment production, as in "prod-eu-1", unless a word of `NOT` is there too."""

NOT = frozenset({"non", "not", "no", "pre"})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network:
    """
    Return an address or a network such as ``"10.1.0.0/16"``.

    Raises:
        ValueError: It is neither.
    """
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an address or a network; write it as '10.1.2.3' or '10.1.0.0/16'") from None


def both(scenario: Iterable[str], command_line: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that the scenario allows and that lie in one which the command line allows."""
    outer = [network(each) for each in command_line]
    inner = (network(each) for each in scenario)
    return tuple(
        each
        for each in inner
        if any(each.version == allowed.version and each.subnet_of(allowed) for allowed in outer)  # type: ignore[arg-type]
    )


def check_start(production: bool) -> None:
    """
    See that faults may be injected here and now.

    Raises:
        ProductionError: The environment is named production, and *production* does not override that.
        LeverPulledError: `chaoscore stop` forbids it.
        FaultsLeftError: A run that died left faults behind.
    """
    named = os.environ.get(ENVIRONMENT, "").strip().lower()
    words = set(re.split(r"[\W_\d]+", named))
    if words & PRODUCTION and not words & NOT and not production:
        raise ProductionError(ENVIRONMENT, named)
    check_lever()
    left = left_behind()
    if left:
        raise FaultsLeftError({each.header.run_id: len(each.open) for each in left})


def check_lever() -> None:
    """Raise `LeverPulledError` while the stop lever is pulled; checked before every fault is opened."""
    if lever().exists():
        raise LeverPulledError(str(lever()))


def resolve(host: str, port: int, allowed: Iterable[Network]) -> str:
    """
    Return the address that *host* stands for, where faults may go there.

    What counts is what the name resolves to, all of it: a name that also stands for an address elsewhere is refused.
    Use the address from then on, since the name may stand for another one later.

    Args:
        host: Name or address.
        port: TCP or UDP port.
        allowed: Networks that are allowed beside loopback.

    Raises:
        ForbiddenTargetError: It does not resolve, or to an address that is neither loopback nor allowed.
    """
    networks = tuple(allowed)
    try:
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        raise ForbiddenTargetError(f"{host}:{port}", f"it does not resolve ({error})") from error
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not address.is_loopback and not any(address in each for each in networks):
            raise ForbiddenTargetError(f"{host}:{port}", f"it stands for {text}, which is not loopback and not allowed")
    return found[0]
