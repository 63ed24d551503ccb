"""
What each request means: Toxiproxy's HTTP API, and a little more.

    GET    /version   /metrics   /events
    GET    /proxies                          POST   (and POST /populate, POST /reset)
    GET    /proxies/{proxy}                  PATCH or POST, DELETE
    GET    /proxies/{proxy}/connections
    GET    /proxies/{proxy}/toxics           POST
    GET    /proxies/{proxy}/toxics/{toxic}   PATCH or POST, DELETE
    GET    /proxies/{proxy}/toxics/{toxic}/effect

``/events``, ``/connections`` and ``/effect`` are ours, and so is ``?toxics=true`` on what creates proxies.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
from collections.abc import Awaitable, Callable
from posixpath import normpath
from urllib.parse import parse_qs, unquote

import attrs

from chaos_toxiproxy.server import gojson, metrics
from chaos_toxiproxy.server.answers import NOTHING, ApiError, Reply, found, refused, text
from chaos_toxiproxy.server.collection import Collection, PopulateError
from chaos_toxiproxy.server.events import Events
from chaos_toxiproxy.server.messages import Message
from chaos_toxiproxy.server.options import SERVER, VERSION, Options
from chaos_toxiproxy.server.plans import read_plan, read_plans


@attrs.frozen
class Following:
    """A reply without an end: the events from now on."""

    events: Events


Answer = Reply | Following | Awaitable[Reply]
"""What a request gets: at once, or later where a name has to be resolved."""

Handler = Callable[["Routes", list[str], Message], Answer]


@attrs.frozen
class Routes:
    """The API of *collection*, as *options* say."""

    collection: Collection
    options: Options

    def answer(self, request: Message) -> Answer:
        """Do what *request* asks for."""
        clean = _clean(request.path)
        if clean != request.path:
            query = request.query and f"?{request.query}"
            return Reply(301, headers=(f"Location: {clean}{query}",))
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        methods = self._methods(parts)
        if methods is None:
            return text(404, "404 page not found")
        handler = methods.get(request.method) or methods.get("")
        if handler is None:
            return Reply(405)
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return _marked(text(403, "User agent not allowed"))
        if not self._let_in(request):
            return _marked(text(401, "the header must be `Authorization: Bearer TOKEN`"))
        return self._handled(handler, parts[1::2], request)

    def _methods(self, parts: list[str]) -> dict[str, Handler] | None:
        for pattern, methods in _ROUTES.get(len(parts), ()):
            if all(part and fixed in ("", part) for fixed, part in zip(pattern, parts, strict=True)):
                return methods
        if parts == ["metrics"] and (self.options.proxy_metrics or self.options.runtime_metrics):
            return {"": _metrics}
        return None

    def _let_in(self, request: Message) -> bool:
        token = self.options.token
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token is None or hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())

    def _handled(self, handler: Handler, names: list[str], request: Message) -> Answer:
        try:
            reply = handler(self, names, request)
        except ApiError as error:
            return _marked(refused(error))
        if isinstance(reply, Reply):
            return _marked(reply)
        return reply if isinstance(reply, Following) else _later(reply)


async def _later(reply: Awaitable[Reply]) -> Reply:
    try:
        return _marked(await reply)
    except ApiError as error:
        return _marked(refused(error))


def _marked(reply: Reply) -> Reply:
    """Return *reply* with a name for this exchange."""
    mark = f"X-Toxiproxy-Request-Id: {next(_EXCHANGES):020x}"
    return Reply(reply.status, reply.body, reply.kind, (*reply.headers, mark))


_EXCHANGES = itertools.count(secrets.randbits(64))


def _clean(path: str) -> str:
    """Return *path* without double slashes and dots, as Go's router wants it."""
    if "//" not in path and "/." not in path:
        return path
    clean = normpath(path)
    return (clean.replace("//", "/", 1) if clean.startswith("//") else clean) + "/" * (
        path.endswith("/") and clean != "/"
    )


def _with_toxics(request: Message) -> bool:
    return parse_qs(request.query).get("toxics") == ["true"]


# -- the whole


def _version(routes: Routes, names: list[str], request: Message) -> Reply:
    body = f'{{"version": "{VERSION}"}}\n'.encode()
    return Reply(200, body, "application/json;charset=utf-8", (f"Server: {SERVER}",))


def _metrics(routes: Routes, names: list[str], request: Message) -> Reply:
    lines: list[str] = []
    if routes.options.proxy_metrics:
        lines += metrics.of_proxies(routes.collection.proxies.values())
    if routes.options.runtime_metrics:
        lines += metrics.of_process()
    return Reply(200, "".join(f"{line}\n" for line in lines).encode(), metrics.KIND)


def _events(routes: Routes, names: list[str], request: Message) -> Following:
    return Following(routes.collection.world.events)


async def _reset(routes: Routes, names: list[str], request: Message) -> Reply:
    await routes.collection.reset()
    return NOTHING


async def _populate(routes: Routes, names: list[str], request: Message) -> Reply:
    done, status, failure = [], 201, {}
    try:
        done = await routes.collection.populate(read_plans(request.body), toxics=_with_toxics(request))
    except PopulateError as error:
        done, status, failure = error.done, error.status, error.fields
    except ApiError as error:
        status, failure = error.status, error.fields
    return found({**failure, "proxies": [proxy.shown() for proxy in done] or None}, status)


# -- proxies


def _proxies(routes: Routes, names: list[str], request: Message) -> Reply:
    proxies = routes.collection.proxies
    return found({name: proxies[name].shown() for name in sorted(proxies)})


async def _create(routes: Routes, names: list[str], request: Message) -> Reply:
    proxy = await routes.collection.create(read_plan(request.body), toxics=_with_toxics(request))
    return found(proxy.shown(), 201)


def _proxy(routes: Routes, names: list[str], request: Message) -> Reply:
    return found(routes.collection.proxy(names[0]).shown())


async def _update(routes: Routes, names: list[str], request: Message) -> Reply:
    proxy = routes.collection.proxy(names[0])
    await routes.collection.update(proxy, gojson.read_object(request.body, "toxiproxy.Proxy"))
    return found(proxy.shown())


def _delete(routes: Routes, names: list[str], request: Message) -> Reply:
    routes.collection.remove(names[0])
    return NOTHING


def _connections(routes: Routes, names: list[str], request: Message) -> Reply:
    return found(routes.collection.proxy(names[0]).connections())


# -- toxics


def _toxics(routes: Routes, names: list[str], request: Message) -> Reply:
    return found([toxic.shown() for toxic in routes.collection.proxy(names[0]).toxics])


def _add_toxic(routes: Routes, names: list[str], request: Message) -> Reply:
    return found(routes.collection.add_toxic(routes.collection.proxy(names[0]), request.body))


def _toxic(routes: Routes, names: list[str], request: Message) -> Reply:
    return found(routes.collection.proxy(names[0]).toxic(names[1]).shown())


def _update_toxic(routes: Routes, names: list[str], request: Message) -> Reply:
    return found(routes.collection.update_toxic(routes.collection.proxy(names[0]), names[1], request.body))


def _delete_toxic(routes: Routes, names: list[str], request: Message) -> Reply:
    proxy = routes.collection.proxy(names[0])
    proxy.remove(proxy.toxic(names[1]))
    return NOTHING


def _effect(routes: Routes, names: list[str], request: Message) -> Reply:
    toxic = routes.collection.proxy(names[0]).toxic(names[1])
    return found({"connections": toxic.connections, "bytes": toxic.bytes})


_ROUTES: dict[int, list[tuple[tuple[str, ...], dict[str, Handler]]]] = {
    1: [
        (("version",), {"GET": _version}),
        (("events",), {"GET": _events}),
        (("reset",), {"POST": _reset}),
        (("populate",), {"POST": _populate}),
        (("proxies",), {"GET": _proxies, "POST": _create}),
    ],
    2: [(("proxies", ""), {"GET": _proxy, "POST": _update, "PATCH": _update, "DELETE": _delete})],
    3: [
        (("proxies", "", "toxics"), {"GET": _toxics, "POST": _add_toxic}),
        (("proxies", "", "connections"), {"GET": _connections}),
    ],
    4: [
        (
            ("proxies", "", "toxics", ""),
            {"GET": _toxic, "POST": _update_toxic, "PATCH": _update_toxic, "DELETE": _delete_toxic},
        )
    ],
    5: [(("proxies", "", "toxics", "", "effect"), {"GET": _effect})],
}
"""Methods by the path's parts; the empty part stands for any name, the empty method for any method."""
