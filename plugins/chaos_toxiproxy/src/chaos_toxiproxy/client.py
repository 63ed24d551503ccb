"""The one place from which Toxiproxy's HTTP API is spoken: small, with a time-out on every call, for any thread."""

from __future__ import annotations

import json
import select
from collections import deque
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from chaos_toxiproxy.addresses import api, joined
from chaos_toxiproxy.errors import RefusedError, UnreachableError

TIMEOUT_S = 5.0
"""How long a server may be silent before a call is given up."""

SHOWN = 300
"""Characters of an answer that an error shows."""

Object = dict[str, Any]


class Client:
    """
    A server's API; connections are kept, and no two threads share one at a time.

    Attributes:
        url: Where the API is.
        host: Its host.
        port: Its port.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S, token: str | None = None) -> None:
        """
        Remember where the server is; nothing is sent yet.

        Args:
            url: ``"http://host:port"`` or ``"host:port"``.
            timeout_s: How long the server may be silent.
            token: What the server wants to see, if it wants that.

        Raises:
            ValueError: *url* is something else.
        """
        self.host, self.port = api(url)
        self.url = f"http://{joined(self.host, self.port)}"
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/json", "User-Agent": "chaos-toxiproxy"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._idle: deque[HTTPConnection] = deque()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    # -- the server

    def version(self) -> str:
        """Return which version answers."""
        found = self._ask("GET", "/version", "ask for its version")
        return str(found.get("version", "")) if isinstance(found, dict) else ""

    def metrics(self, of: str = "the server") -> str | None:
        """Return what it tells *of* something as text, or None where it was started without metrics."""
        try:
            return self._call("GET", "/metrics", f"ask for metrics of {of}").decode("utf-8", "replace")
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def populate(self, proxies: Iterable[Mapping[str, Any]]) -> list[Object]:
        """Have all of *proxies*, and return those that were made."""
        answer = self._ask("POST", "/populate", "create proxies", [dict(each) for each in proxies])
        return list(answer.get("proxies") or [])

    # -- proxies

    def proxies(self) -> dict[str, Object]:
        """Return all proxies, by name."""
        found: dict[str, Object] = self._ask("GET", "/proxies", "list the proxies")
        return found

    def proxy(self, name: str) -> Object | None:
        """Return a proxy, or None where there is none of that name."""
        found: Object | None = self._if_found("GET", _path(name), f"look up proxy {name!r}")
        return found

    def create(
        self, name: str, upstream: str, listen: str = "127.0.0.1:0", *, enabled: bool = True, **more: Any
    ) -> Object:
        """Create a proxy and return it as it is, with its port; *more* is for servers that know more."""
        wanted = {"name": name, "upstream": upstream, "listen": listen, "enabled": enabled, **more}
        created: Object = self._ask("POST", "/proxies", f"create proxy {name!r} at {listen}", wanted)
        return created

    def update(self, name: str, **changes: Any) -> Object:
        """Change ``listen``, ``upstream`` or ``enabled`` of a proxy; what is not named stays."""
        what = f"set {', '.join(f'{key} {value!r}' for key, value in changes.items())} of proxy {name!r}"
        updated: Object = self._ask("POST", _path(name), what, changes)
        return updated

    def delete(self, name: str) -> bool:
        """Delete a proxy; tell whether there was one."""
        return self._if_found("DELETE", _path(name), f"delete proxy {name!r}") is not None

    # -- toxics

    def add_toxic(
        self,
        proxy: str,
        type_: str,
        attributes: Mapping[str, Any],
        *,
        name: str | None = None,
        stream: str = "downstream",
        toxicity: float = 1.0,
    ) -> Object:
        """Add a toxic to a proxy and return it."""
        wanted = {"type": type_, "stream": stream, "toxicity": toxicity, "attributes": dict(attributes)}
        if name is not None:
            wanted["name"] = name
        what = f"add toxic {name or type_!r} ({type_} {json.dumps(wanted['attributes'])}) to proxy {proxy!r}"
        added: Object = self._ask("POST", _path(proxy, "toxics"), what, wanted)
        return added

    def update_toxic(self, proxy: str, name: str, **changes: Any) -> Object:
        """Change ``attributes`` or ``toxicity`` of a toxic; what is not named stays."""
        what = f"change toxic {name!r} of proxy {proxy!r}"
        updated: Object = self._ask("POST", _path(proxy, "toxics", name), what, changes)
        return updated

    def toxic(self, proxy: str, name: str) -> Object | None:
        """Return a toxic, or None where there is no such one."""
        what = f"look up toxic {name!r} of proxy {proxy!r}"
        found: Object | None = self._if_found("GET", _path(proxy, "toxics", name), what)
        return found

    def remove_toxic(self, proxy: str, name: str) -> bool:
        """Remove a toxic; tell whether there was one."""
        what = f"remove toxic {name!r} of proxy {proxy!r}"
        return self._if_found("DELETE", _path(proxy, "toxics", name), what) is not None

    # -- one call

    def _if_found(self, method: str, path: str, what: str) -> Any:
        try:
            return self._ask(method, path, what)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def _ask(self, method: str, path: str, what: str, body: object = None) -> Any:
        answer = self._call(method, path, what, b"" if body is None else json.dumps(body).encode())
        try:
            return json.loads(answer) if answer else {}
        except ValueError as error:
            reason = f"its answer is no JSON: {_shown(answer)!r}"
            raise UnreachableError(self.url, what, reason) from error

    def _call(self, method: str, path: str, what: str, body: bytes = b"") -> bytes:
        """Send one request; whatever goes wrong, the connection that it went over is not used again."""
        connection = self._connection()
        try:
            connection.request(method, path, body or None, self._headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            refused = isinstance(error, ConnectionRefusedError)
            raise UnreachableError(self.url, what, self._reason(error), refused=refused) from error
        except BaseException:
            connection.close()
            raise
        if not response.will_close:
            self._idle.append(connection)
        if response.status >= 300:
            raise RefusedError(self.url, what, response.status, _message(answer))
        return answer

    def _connection(self) -> HTTPConnection:
        """Return a kept connection that the server has not closed, or a new one; `http.client` turns Nagle off."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last
                break
            if not _is_readable(connection):
                return connection
            connection.close()
        return HTTPConnection(self.host, self.port, timeout=self._timeout_s)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout_s:g} s"
        return f"{type(error).__name__}: {error}".rstrip(": ")


def _is_readable(connection: HTTPConnection) -> bool:
    """Tell whether there is something to read where nothing was asked: the end of the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _path(*parts: str) -> str:
    return "/".join(("/proxies", *(quote(part, safe="") for part in parts)))


def _message(answer: bytes) -> str:
    """Return the error in *answer*; clients must not look at the content type, which says text."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, TypeError, KeyError):
        return _shown(answer)


def _shown(answer: bytes) -> str:
    text = " ".join(answer.decode("utf-8", "replace").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
