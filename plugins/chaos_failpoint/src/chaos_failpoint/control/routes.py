"""
What each request over HTTP means. The endpoints are those of gofail, and a few more.

    GET /                 name=terms, a line for each failpoint
    GET /NAME             its terms
    GET /NAME/count       how often it fired
    GET /NAME/status      terms, hits, fired, waiting and scope, as JSON
    PUT /NAME             arm it with the terms in the body
    PUT /failpoints       arm several, as in a=1*return;b=5%panic, or none of them
    DELETE /NAME          disarm it; nobody who sleeps there is waited for
    POST /NAME/wait       answer when it has fired: ?fired=2&timeout=5s
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

import attrs

from chaos_failpoint import registry
from chaos_failpoint.errors import FailpointError, NotAllowedError, NotFiredError, UnknownFailpointError
from chaos_failpoint.handles import Failpoint
from chaos_failpoint.status import status_of
from chaos_failpoint.switching import arm_all, disarm, process_arming
from chaoscore import seconds

LONGEST_WAIT_S = 60.0
"""How long a request may wait for a failpoint."""


@attrs.frozen
class Reply:
    """What is answered: a status, and a *body* of the given *kind*."""

    status: HTTPStatus
    body: str = ""
    kind: str = "text/plain"


@attrs.frozen
class Request:
    """
    What is asked.

    Attributes:
        method: GET, PUT, DELETE or POST.
        name: The path without its first slash, undecoded: names of failpoints have slashes in them.
        query: What stands behind the question mark.
        body: Text.
    """

    method: str
    name: str
    query: Mapping[str, str]
    body: str = ""

    @classmethod
    def of(cls, method: str, target: str, body: str = "") -> Request:
        """Return the request for a *target*, as the first line of a request has it."""
        path, _, query = target.partition("?")
        return cls(method, path.removeprefix("/"), dict(parse_qsl(query, keep_blank_values=True)), body)


def answer(request: Request, allow: tuple[str, ...]) -> Reply:
    """
    Do what *request* asks for.

    Args:
        request: The request; whoever sent it was let in.
        allow: Dangerous actions that it may arm.
    """
    try:
        return _METHODS[request.method](request, allow)
    except UnknownFailpointError as error:
        return Reply(HTTPStatus.NOT_FOUND, f"{error}\n")
    except NotAllowedError as error:
        return Reply(HTTPStatus.FORBIDDEN, f"{error}\n")
    except NotFiredError as error:
        return Reply(HTTPStatus.REQUEST_TIMEOUT, f"{error}\n")
    except (FailpointError, ValueError) as error:
        return Reply(HTTPStatus.BAD_REQUEST, f"{error}\n")


def _get(request: Request, allow: tuple[str, ...]) -> Reply:
    if not request.name:
        lines = [f"{name}={_terms(handle)}\n" for name, handle in sorted(registry.HANDLES.items())]
        return Reply(HTTPStatus.OK, "".join(lines))
    handle, view = _find(request.name, ("count", "status"))
    if view == "count":
        arming = process_arming(handle)
        return Reply(HTTPStatus.OK, f"{0 if arming is None else arming.fired}\n")
    if view == "status":
        return Reply(HTTPStatus.OK, json.dumps(status_of(handle).as_dict()), "application/json")
    return Reply(HTTPStatus.OK, f"{_terms(handle)}\n")


def _put(request: Request, allow: tuple[str, ...]) -> Reply:
    lazy = request.query.get("lazy", "") in ("1", "true")
    config = request.body if request.name == "failpoints" else {request.name: request.body}
    arm_all(config, lazy=lazy, allow=allow, remote=True)
    return Reply(HTTPStatus.NO_CONTENT)


def _delete(request: Request, allow: tuple[str, ...]) -> Reply:
    disarm(request.name)
    return Reply(HTTPStatus.NO_CONTENT)


def _post(request: Request, allow: tuple[str, ...]) -> Reply:
    handle, view = _find(request.name, ("wait",))
    if view != "wait":
        return Reply(HTTPStatus.NOT_FOUND, "POST is for NAME/wait\n")
    times = _count(request.query.get("fired", "1"))
    timeout_s = seconds(_number_or_text(request.query.get("timeout", "10s")))
    fired = handle.wait_until_fired(times, min(timeout_s, LONGEST_WAIT_S))
    return Reply(HTTPStatus.OK, json.dumps({"fired": fired}), "application/json")


_METHODS = {"GET": _get, "PUT": _put, "DELETE": _delete, "POST": _post}


def _find(path: str, views: tuple[str, ...]) -> tuple[Failpoint, str]:
    """Return the failpoint that *path* names, and what of it is asked for; a failpoint's own name comes first."""
    name, slash, view = path.rpartition("/")
    handle = registry.HANDLES.get(path)
    if handle is None and slash and view in views:
        handle, path = registry.HANDLES.get(name), name
    else:
        view = ""
    if handle is None:
        raise UnknownFailpointError(path, registry.HANDLES)
    return handle, view


def _terms(handle: Failpoint) -> str:
    arming = process_arming(handle)
    return "" if arming is None else arming.plan.text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ValueError(f"fired says how often, 1 or more, not {text!r}")
    return int(text)


def _number_or_text(text: str) -> float | str:
    return float(text) if text.replace(".", "", 1).isdecimal() else text
