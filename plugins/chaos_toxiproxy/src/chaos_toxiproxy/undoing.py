"""How what a run did to a server that is not its own is taken back: by the run, by its watchdog, or days later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from chaos_toxiproxy.addresses import is_loopback
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import UnreachableError
from chaos_toxiproxy.servers import connected

Args = Mapping[str, Any]

TIMEOUT_S = 2.0
"""How long a server may be silent: an undo is tried again and again, and must not hold up others."""

LATE_S = 0.1
"""A run that is killed may have asked for something that its server has not done yet: look again so much later."""

GONE = "the server is gone, and with it all of its proxies"


def _unless_gone(args: Args, ask: Callable[[Client], bool]) -> bool | None:
    """Return what *ask* says; None where the server has ended: a new one at its address starts with nothing."""
    with connected(str(args["server"]), TIMEOUT_S) as client:
        try:
            return ask(client)
        except UnreachableError as error:
            if error.refused and is_loopback(client.host):
                return None
            raise


def _again(ask: Callable[[Client], bool]) -> Callable[[Client], bool]:
    """Return what asks once more a little later where there was nothing to take back."""

    def twice(client: Client) -> bool:
        if ask(client):
            return True
        time.sleep(LATE_S)
        return ask(client)

    return twice


class RemoveProxy:
    """The undo action of a proxy that was created for a run; its name holds the run's."""

    def undo(self, args: Args) -> str:
        """Delete the proxy and with it its toxics, unless it is gone."""
        deleted = _unless_gone(args, _again(lambda client: client.delete(str(args["proxy"]))))
        return GONE if deleted is None else "deleted" if deleted else "it was gone"

    def in_effect(self, args: Args) -> bool:
        """Tell whether the proxy is there."""
        return bool(_unless_gone(args, lambda client: client.proxy(str(args["proxy"])) is not None))


class RemoveToxic:
    """The undo action of a toxic; its name holds the run's."""

    def undo(self, args: Args) -> str:
        """Remove the toxic, unless it or its proxy is gone."""
        proxy, toxic = str(args["proxy"]), str(args["toxic"])
        removed = _unless_gone(args, _again(lambda client: client.remove_toxic(proxy, toxic)))
        return GONE if removed is None else "removed" if removed else "it was gone"

    def in_effect(self, args: Args) -> bool:
        """Tell whether the toxic is there."""
        return bool(_unless_gone(args, lambda client: client.toxic(str(args["proxy"]), str(args["toxic"])) is not None))


class Enable:
    """The undo action of a proxy that is down."""

    def undo(self, args: Args) -> str:
        """Enable the proxy, unless it is gone."""
        enabled = _unless_gone(args, lambda client: _enable(client, str(args["proxy"])))
        return GONE if enabled is None else "enabled" if enabled else "it was gone"

    def in_effect(self, args: Args) -> bool:
        """Tell whether the proxy is there and disabled."""
        return bool(_unless_gone(args, lambda client: _is_down(client, str(args["proxy"]))))


def _enable(client: Client, name: str) -> bool:
    if client.proxy(name) is None:
        return False
    client.update(name, enabled=True)
    return True


def _is_down(client: Client, name: str) -> bool:
    proxy = client.proxy(name)
    return proxy is not None and not proxy["enabled"]
