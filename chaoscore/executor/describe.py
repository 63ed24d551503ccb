"""Errors, stacks and parameters as bounded text, for events."""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback
from collections.abc import Iterable
from types import CoroutineType, FrameType, TracebackType
from typing import Any

import attrs
import msgspec

from chaoscore.errors import injected_by, text_of
from chaoscore.events import ErrorInfo, Event, encoder
from chaoscore.redact import redact_all

MESSAGE_CHARS = 2_000
TRACEBACK_CHARS = 8_000
HIDDEN = "__chaos_hidden__"
"""A module-level name by which a plugin says that its frames stand between a point and the code that it belongs to."""


def error_info(error: BaseException, *, with_traceback: bool = True) -> ErrorInfo:
    """Return *error* as text; an injected one needs no traceback, since its event says where it struck."""
    injector = injected_by(error)
    return ErrorInfo(
        type=_type_name(error),
        message=shorten(text_of(error), MESSAGE_CHARS),
        injected_by=injector,
        where=_raised_at(error.__traceback__),
        traceback=_traceback(error) if with_traceback and injector is None else "",
        while_handling=_handled(error) if injector is None else None,
        panic=not isinstance(error, (Exception, asyncio.CancelledError)),
    )


def shorten(text: str, limit: int) -> str:
    """Return *text* with its middle left out where it is longer than *limit* characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} ... [{len(text) - 2 * half} characters] ... {text[-half:]}"


def caller() -> str:
    """Return ``file:line in function`` of the innermost frame that belongs to neither the framework nor a plugin."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_hidden(frame):
        frame = frame.f_back
    return "" if frame is None else _at(frame, frame.f_lineno)


def thread_stack(thread_id: int) -> str:
    """Return the stack of a thread, outermost first, without the framework's own frames at its foot."""
    frame = sys._current_frames().get(thread_id)
    return "" if frame is None else _format(traceback.walk_stack(frame))


def task_stack(task: asyncio.Task[Any]) -> str:
    """Return the chain of coroutines that *task* is suspended in, outermost first."""
    frames: list[tuple[FrameType, int]] = []
    coroutine: Any = task.get_coro()
    while isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
        frames.append((coroutine.cr_frame, coroutine.cr_frame.f_lineno))
        coroutine = coroutine.cr_await
    return _format(reversed(frames))


def parameters(part: object) -> dict[str, Any]:
    """Return the parameters of an injector or validator by their public names, as JSON-able values."""
    kind: Any = type(part)
    if not attrs.has(kind):
        return {}
    shown: dict[str, Any] = {}
    for field in attrs.fields(kind):
        if field.init and not field.name.startswith("_"):
            shown[field.name] = _plain(getattr(part, field.name))
    return shown


def redact(event: Event, secrets: Iterable[str]) -> Event:
    """Return *event* with every one of *secrets* in its texts replaced by ``***``."""
    redacted: Event = redact_all(event, secrets)
    return redacted


def _plain(value: object) -> Any:
    if inspect.isroutine(value) or isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if hasattr(value, "kind") and attrs.has(type(value)):
        return {"kind": value.kind, **parameters(value)}
    return msgspec.json.decode(encoder.encode(value))


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _raised_at(trace: TracebackType | None) -> str:
    if trace is None:
        return ""
    best = trace
    while trace is not None:
        if not _is_hidden(trace.tb_frame):
            best = trace
        trace = trace.tb_next
    return _at(best.tb_frame, best.tb_lineno)


def _is_hidden(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("chaoscore.") or HIDDEN in frame.f_globals


def _at(frame: FrameType, line: int) -> str:
    return f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as broken:  # noqa: BLE001 - as in `text_of`
        return f"<its traceback could not be formatted: {type(broken).__name__}>"
    return shorten(text, TRACEBACK_CHARS)


def _handled(error: BaseException) -> str | None:
    context = error.__context__
    seen: set[int] = set()
    while context is not None and id(context) not in seen:
        seen.add(id(context))
        if injector := injected_by(context):
            return injector
        context = context.__context__
    return None


def _format(frames: Iterable[tuple[FrameType, int]]) -> str:
    entries = traceback.StackSummary.extract(iter(list(frames)[:100]))
    entries.reverse()
    ours = [index for index, entry in enumerate(entries) if "/chaoscore/executor/" in entry.filename.replace("\\", "/")]
    inner = entries[ours[-1] + 1 :] if ours and ours[-1] + 1 < len(entries) else entries
    return shorten("".join(traceback.format_list(inner)), TRACEBACK_CHARS)
