"""All proxies of a server, and everything that requests can do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from chaos_toxiproxy.server import gojson
from chaos_toxiproxy.server.addresses import resolved
from chaos_toxiproxy.server.answers import ApiError
from chaos_toxiproxy.server.gojson import Object
from chaos_toxiproxy.server.proxies import Proxy
from chaos_toxiproxy.server.reading import Plan, read_toxic, toxicity_of


class PopulateError(ApiError):
    """Not all proxies could be had; *done* are those that could."""

    def __init__(self, error: ApiError, done: list[Proxy]) -> None:
        super().__init__(error.status, error.message)
        self.done = done


class Collection:
    """All proxies, by name."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self._loop, self.seed = loop, seed
        self.proxies: dict[str, Proxy] = {}

    def proxy(self, name: str) -> Proxy:
        """
        Return the proxy of this *name*.

        Raises:
            ApiError: There is none.
        """
        if name not in self.proxies:
            raise ApiError(404, "proxy not found")
        return self.proxies[name]

    async def create(self, plan: Plan) -> Proxy:
        """
        Create a proxy.

        Raises:
            ApiError: There is one of that name, or it cannot listen there.
        """
        self._must_be_new(plan.name)
        address = await resolved(plan.listen, "listen tcp: ") if plan.enabled else None
        self._must_be_new(plan.name)
        proxy = plan.made(self._loop, self.seed)
        if address is not None:
            proxy.start(address)
        self.proxies[plan.name] = proxy
        return proxy

    def _must_be_new(self, name: str) -> None:
        if name in self.proxies:
            raise ApiError(409, "proxy already exists")

    async def populate(self, plans: Iterable[Plan]) -> list[Proxy]:
        """
        Have all of *plans*, and leave what is so already.

        Raises:
            PopulateError: One cannot listen where it should; those before it are there.
        """
        done: list[Proxy] = []
        for plan in plans:
            try:
                proxy = await self._create_or_replace(plan)
            except ApiError as error:
                raise PopulateError(error, done) from None
            done.append(proxy)
        return done

    async def _create_or_replace(self, plan: Plan) -> Proxy:
        old = self.proxies.get(plan.name)
        if old is not None:
            address = await resolved(plan.listen, "")
            if (old.listen, old.upstream) == (str(address), plan.upstream):
                return old
            self.remove(plan.name)
        return await self.create(plan)

    async def update(self, proxy: Proxy, fields: Object) -> None:
        """
        Give *proxy* another address, another upstream, or switch it; what *fields* leave out stays.

        Raises:
            ApiError: It cannot listen there; it is disabled then.
        """
        listen = fields.read("Proxy", "listen", str, proxy.listen)
        upstream = fields.read("Proxy", "upstream", str, proxy.upstream)
        enabled = fields.read("Proxy", "enabled", bool, proxy.enabled)
        address = await resolved(listen, "")
        if (str(address), upstream) != (proxy.listen, proxy.upstream):
            proxy.stop()
            proxy.listen, proxy.upstream = listen, upstream
        if enabled and not proxy.enabled:
            proxy.start(address)
        elif not enabled and proxy.enabled:
            proxy.stop()

    def remove(self, name: str) -> None:
        """
        Remove a proxy and close its connections.

        Raises:
            ApiError: There is none of that *name*.
        """
        self.proxy(name).stop()
        del self.proxies[name]

    async def reset(self) -> None:
        """
        Remove all toxics, and enable all proxies.

        Raises:
            ApiError: The first that could not be enabled; the others are.
        """
        failed: list[ApiError] = []
        for proxy in tuple(self.proxies.values()):
            proxy.remove(*proxy.toxics)
            try:
                if not proxy.enabled:
                    proxy.start(await resolved(proxy.listen, "listen tcp: "))
            except ApiError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def stop(self) -> None:
        """Close everything."""
        for name in tuple(self.proxies):
            self.remove(name)

    # -- toxics

    def add_toxic(self, proxy: Proxy, body: bytes) -> dict[str, Any]:
        """Add the toxic that *body* describes and return what it is."""
        toxic = read_toxic(gojson.read_object(body, "ToxicWrapper"), proxy)
        proxy.add(toxic)
        return toxic.shown()

    def update_toxic(self, proxy: Proxy, name: str, body: bytes) -> dict[str, Any]:
        """Change what *body* names of a toxic, all or nothing, and return what it is."""
        toxic = proxy.toxic(name)
        fields = gojson.read_object(body, "ToxicWrapper")
        toxicity = toxicity_of(fields, toxic.toxicity)
        settings = toxic.settings.changed(fields.read("ToxicWrapper", "attributes", Object, Object()))
        proxy.change(toxic, toxicity, settings)
        return toxic.shown()
