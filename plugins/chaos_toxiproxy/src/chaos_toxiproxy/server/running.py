"""A server's life: from its options to its end."""

from __future__ import annotations

import asyncio
import gc
import resource
import secrets
import signal
import socket
import sys
from contextlib import suppress

from chaos_toxiproxy.server import addresses
from chaos_toxiproxy.server.addresses import Address
from chaos_toxiproxy.server.answers import ApiError
from chaos_toxiproxy.server.collection import Collection
from chaos_toxiproxy.server.lifeline import Lifeline
from chaos_toxiproxy.server.options import Options
from chaos_toxiproxy.server.plans import read_plans
from chaos_toxiproxy.server.proxies import World
from chaos_toxiproxy.server.routes import Routes
from chaos_toxiproxy.server.web import Web

READY = "listening on "
"""What the line begins with that tells where the API is."""


class StartError(Exception):
    """The server cannot start; the text says why."""


def main(options: Options) -> int:
    """Serve, and return the exit code."""
    _allow_many_sockets()
    try:
        asyncio.run(serve(options))
    except StartError as error:
        told = sys.stderr if options.owner is None else sys.stdout  # an owner reads no more than its pipe
        told.write(f"toxiproxy server: {error}\n")
        return 1
    return 0


def _allow_many_sockets() -> None:
    """Use all file descriptors that the system allows, as programs in Go do: a connection takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and then minds
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(options: Options) -> None:
    """
    Serve until the owner is gone, or a signal comes.

    Raises:
        StartError: The port is taken, or the configuration cannot be used.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    collection = Collection(World(loop, seed))
    connections: set[Web] = set()
    routes = Routes(collection, options)

    listener = await _listener(options)
    server = await loop.create_server(lambda: Web(routes.answer, connections), sock=listener)
    try:
        await _populate(collection, options)
        gc.freeze()
        with Lifeline(options.owner, over.set):
            sys.stdout.write(f"{READY}{Address.of(listener.getsockname())} seed {seed}\n")
            sys.stdout.flush()
            await over.wait()
    finally:
        server.close()
        collection.stop()
        for connection in tuple(connections):
            connection.close()


async def _listener(options: Options) -> socket.socket:
    try:
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = await addresses.resolved(f"{host}:{options.port}", "listen tcp: ")
        if options.token is None and not address.loopback:
            raise StartError(f"whoever reaches {address} could break connections: give a --token, or --host localhost")
        return addresses.bound(address, socket.SOCK_STREAM)
    except ApiError as error:
        raise StartError(f"the API cannot be served: {error.message}; choose another --port") from None


async def _populate(collection: Collection, options: Options) -> None:
    if options.config is None:
        return
    try:
        await collection.populate(read_plans(options.config.read_bytes()), toxics=True)
    except (ApiError, OSError) as error:
        raise StartError(f"{options.config}: {error}") from None
