"""All proxies of a server, and everything that requests can do to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chaos_toxiproxy.server import gojson
from chaos_toxiproxy.server.addresses import Address, resolved
from chaos_toxiproxy.server.answers import ApiError
from chaos_toxiproxy.server.gojson import Object
from chaos_toxiproxy.server.plans import Plan
from chaos_toxiproxy.server.proxies import Proxy, World
from chaos_toxiproxy.server.reading import read_toxic, toxicity_of


class PopulateError(ApiError):
    """Not all proxies could be had; *done* are those that could."""

    def __init__(self, error: ApiError, done: list[Proxy]) -> None:
        super().__init__(error.status, error.message)
        self.done = done


class Collection:
    """All proxies, by name."""

    def __init__(self, world: World) -> None:
        self.world = world
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

    async def create(self, plan: Plan, *, toxics: bool = False) -> Proxy:
        """
        Create a proxy, with its *toxics* where they are wanted: both or nothing.

        Raises:
            ApiError: There is one of that name, it cannot listen there, or a toxic is wrong.
        """
        proxy = Proxy(self.world, plan)
        for fields in plan.wanted_toxics() if toxics else ():
            proxy.add(read_toxic(fields, plan.network, proxy.struck))
        self._must_be_new(plan.name)
        if plan.enabled:
            addresses = await _addresses(proxy, plan.listen)
            self._must_be_new(plan.name)
            proxy.start(*addresses)
        self.proxies[plan.name] = proxy
        return proxy

    def _must_be_new(self, name: str) -> None:
        if name in self.proxies:
            raise ApiError(409, "proxy already exists")

    async def populate(self, plans: Iterable[Plan], *, toxics: bool = False) -> list[Proxy]:
        """
        Have all of *plans*, and leave what is so already.

        Raises:
            PopulateError: One cannot listen where it should; those before it are there.
        """
        done: list[Proxy] = []
        for plan in plans:
            try:
                proxy = await self._create_or_replace(plan, toxics=toxics)
            except ApiError as error:
                raise PopulateError(error, done) from None
            done.append(proxy)
        return done

    async def _create_or_replace(self, plan: Plan, *, toxics: bool) -> Proxy:
        old = self.proxies.get(plan.name)
        if old is not None:
            address = await resolved(plan.listen, "")
            if (old.listen, old.upstream) == (str(address), plan.upstream):
                return old
            self.proxies.pop(plan.name, old).stop()
        return await self.create(plan, toxics=toxics)

    async def update(self, proxy: Proxy, fields: Object) -> None:
        """
        Give *proxy* another address, another upstream, or switch it; what *fields* leave out stays.

        Raises:
            ApiError: It cannot listen there; it is disabled then.
        """
        fields.read("Proxy", "name", str, proxy.name)  # it stays, but must be one
        listen = fields.read("Proxy", "listen", str, proxy.listen)
        upstream = fields.read("Proxy", "upstream", str, proxy.upstream)
        enabled = fields.read("Proxy", "enabled", bool, proxy.enabled)
        address = await resolved(listen, "")
        if (str(address), upstream) != (proxy.listen, proxy.upstream):
            proxy.stop()
            proxy.listen, proxy.upstream = listen, upstream
        if not enabled:
            proxy.stop()
        elif not proxy.enabled:
            await self._start(proxy)

    async def _start(self, proxy: Proxy) -> None:
        """Enable *proxy*, unless it is gone by the time that its names are resolved."""
        addresses = await _addresses(proxy, proxy.listen)
        if self.proxies.get(proxy.name) is proxy and not proxy.enabled:
            proxy.start(*addresses)

    def remove(self, name: str) -> None:
        """
        Remove a proxy and close its connections.

        Raises:
            ApiError: There is none of that *name*.
        """
        proxy = self.proxy(name)
        del self.proxies[name]
        proxy.stop()

    async def reset(self) -> None:
        """
        Remove all toxics, and enable all proxies.

        Raises:
            ApiError: The first that could not be enabled; all others are.
        """
        failed: list[ApiError] = []
        for proxy in tuple(self.proxies.values()):
            proxy.remove(*proxy.toxics)
            try:
                if not proxy.enabled:
                    await self._start(proxy)
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
        toxic = read_toxic(gojson.read_object(body, "toxics.ToxicWrapper"), proxy.plan.network, proxy.struck)
        proxy.add(toxic)
        return toxic.shown()

    def update_toxic(self, proxy: Proxy, name: str, body: bytes) -> dict[str, Any]:
        """Change what *body* names of a toxic, all or nothing, and return what it is."""
        toxic = proxy.toxic(name)
        fields = gojson.read_object(body, "toxics.ToxicWrapper")
        toxicity = toxicity_of(fields, toxic.toxicity)
        settings = toxic.settings.changed(fields.read("ToxicWrapper", "attributes", Object, Object()))
        proxy.change(toxic, toxicity, settings)
        return toxic.shown()


async def _addresses(proxy: Proxy, listen: str) -> tuple[Address, Address | None]:
    """Return where *proxy* listens, and where datagrams go to."""
    if proxy.plan.network == "tcp":
        return await resolved(listen, "listen tcp: "), None
    return await resolved(listen, "listen udp: "), await resolved(proxy.upstream, "dial udp: ")
