"""
What each request means: Toxiproxy's HTTP API.

    GET    /version   /metrics
    GET    /proxies                          POST   (and POST /populate, POST /reset)
    GET    /proxies/{proxy}                  PATCH or POST, DELETE
    GET    /proxies/{proxy}/toxics           POST
    GET    /proxies/{proxy}/toxics/{toxic}   PATCH or POST, DELETE
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Awaitable, Callable
from posixpath import normpath
from urllib.parse import unquote

from chaos_toxiproxy.server import gojson
from chaos_toxiproxy.server.answers import NOTHING, ApiError, Reply, found, refused, text
from chaos_toxiproxy.server.collection import Collection, PopulateError
from chaos_toxiproxy.server.messages import Message
from chaos_toxiproxy.server.reading import read_plan, read_plans

VERSION = "2.12.0+chaos.0.1.0"
"""Whose API it is, and whose server."""


Handler = Callable[[Collection, list[str], bytes], "Reply | Awaitable[Reply]"]
"""Answers at once, or later where a name has to be resolved."""


def answer(collection: Collection, request: Message) -> Reply | Awaitable[Reply]:
    """Do what *request* asks for."""
    clean = _clean(request.path)
    if clean != request.path:
        return Reply(301, headers=(f"Location: {clean}",))
    parts = [unquote(part) for part in request.path.split("/")[1:]]
    methods = _methods(parts)
    if methods is None:
        return text(404, "404 page not found")
    handler = methods.get(request.method)
    if handler is None:
        return Reply(405)
    if request.headers.get("user-agent", "").startswith("Mozilla/"):
        return _marked(text(403, "User agent not allowed"))
    try:
        reply = handler(collection, parts[1::2], request.body)
    except ApiError as error:
        return _marked(refused(error))
    return _marked(reply) if isinstance(reply, Reply) else _later(reply)


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
    return (clean.replace("//", "/", 1) if clean.startswith("//") else clean) + "/" * path.endswith("/")


def _methods(parts: list[str]) -> dict[str, Handler] | None:
    for pattern, methods in _ROUTES.get(len(parts), ()):
        if all(part and fixed in ("", part) for fixed, part in zip(pattern, parts, strict=True)):
            return methods
    return None


# -- the whole


def _version(collection: Collection, names: list[str], body: bytes) -> Reply:
    return Reply(200, f'{{"version": "{VERSION}"}}\n'.encode(), "application/json;charset=utf-8")


async def _reset(collection: Collection, names: list[str], body: bytes) -> Reply:
    await collection.reset()
    return NOTHING


async def _populate(collection: Collection, names: list[str], body: bytes) -> Reply:
    try:
        proxies = await collection.populate(read_plans(body))
    except ApiError as error:
        done = error.done if isinstance(error, PopulateError) else []
        return found({**error.fields, "proxies": [each.shown() for each in done] or None}, error.status)
    return found({"proxies": [each.shown() for each in proxies] or None}, 201)


# -- proxies


def _proxies(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found({name: collection.proxies[name].shown() for name in sorted(collection.proxies)})


async def _create(collection: Collection, names: list[str], body: bytes) -> Reply:
    proxy = await collection.create(read_plan(body))
    return found(proxy.shown(), 201)


def _proxy(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found(collection.proxy(names[0]).shown())


async def _update(collection: Collection, names: list[str], body: bytes) -> Reply:
    proxy = collection.proxy(names[0])
    await collection.update(proxy, gojson.read_object(body, "toxiproxy.Proxy"))
    return found(proxy.shown())


def _delete(collection: Collection, names: list[str], body: bytes) -> Reply:
    collection.remove(names[0])
    return NOTHING


# -- toxics


def _toxics(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found([toxic.shown() for toxic in collection.proxy(names[0]).toxics])


def _add_toxic(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found(collection.add_toxic(collection.proxy(names[0]), body))


def _toxic(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found(collection.proxy(names[0]).toxic(names[1]).shown())


def _update_toxic(collection: Collection, names: list[str], body: bytes) -> Reply:
    return found(collection.update_toxic(collection.proxy(names[0]), names[1], body))


def _delete_toxic(collection: Collection, names: list[str], body: bytes) -> Reply:
    proxy = collection.proxy(names[0])
    proxy.remove(proxy.toxic(names[1]))
    return NOTHING


_ROUTES: dict[int, list[tuple[tuple[str, ...], dict[str, Handler]]]] = {
    1: [
        (("version",), {"GET": _version}),
        (("reset",), {"POST": _reset}),
        (("populate",), {"POST": _populate}),
        (("proxies",), {"GET": _proxies, "POST": _create}),
    ],
    2: [(("proxies", ""), {"GET": _proxy, "POST": _update, "PATCH": _update, "DELETE": _delete})],
    3: [(("proxies", "", "toxics"), {"GET": _toxics, "POST": _add_toxic})],
    4: [
        (
            ("proxies", "", "toxics", ""),
            {"GET": _toxic, "POST": _update_toxic, "PATCH": _update_toxic, "DELETE": _delete_toxic},
        )
    ],
}
"""Methods by the path's parts; the empty part stands for any name."""
