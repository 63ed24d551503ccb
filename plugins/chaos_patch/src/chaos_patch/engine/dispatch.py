"""What happens in a patched function: its hooks, around the original."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from chaos_patch.engine.calls import Call, Hook
from chaos_patch.engine.kinds import Kind

__chaos_hidden__ = True  # its frames are not where a fault struck

Gate = Callable[[], object]
"""Called first in every call of a patched function: None lets the call through, anything else is the hooks' ticket."""


class Dispatcher:
    """
    Calls the hooks of one patched function around its original.

    Attributes:
        original: Does what the function did before.
        hooks: Those that there are now. Replaced as a whole: one store, so a call sees all of a change or nothing.
    """

    __slots__ = ("gate", "hooks", "original")

    def __init__(self, gate: Gate, original: Callable[..., Any]) -> None:
        self.gate, self.original = gate, original
        self.hooks: tuple[Hook, ...] = ()

    def for_kind(self, kind: Kind) -> Callable[..., Any]:
        """Return the method that replaces a function of *kind*; it takes the ticket, the arguments and the keywords."""
        return {
            Kind.PLAIN: self.call,
            Kind.COROUTINE: self.acall,
            Kind.GENERATOR: self.generate,
            Kind.ASYNC_GENERATOR: self.agenerate,
        }[kind]

    def call(self, ticket: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Stand in for a plain function."""
        hooks, call = self.hooks, Call(args, kwargs)
        for hook in hooks:
            hook.before(ticket, call)
        call.value = self.original(*call.args, **call.kwargs)
        for hook in hooks:
            hook.after(ticket, call)
            hook.value(ticket, call)
        return call.value

    async def acall(self, ticket: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Stand in for an `async def` function."""
        hooks, call = self.hooks, Call(args, kwargs)
        for hook in hooks:
            await hook.abefore(ticket, call)
        call.value = await self.original(*call.args, **call.kwargs)
        for hook in hooks:
            await hook.aafter(ticket, call)
            hook.value(ticket, call)
        return call.value

    def generate(self, ticket: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        """Stand in for a generator function; hooks see the values that it yields."""
        hooks, call = self.hooks, Call(args, kwargs)
        for hook in hooks:
            hook.before(ticket, call)
        inner = self.original(*call.args, **call.kwargs)
        try:
            result = yield from _seen(inner, hooks, ticket, call)
        finally:
            inner.close()
        for hook in hooks:
            hook.after(ticket, call)
        return result

    async def agenerate(self, ticket: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncGenerator[Any, Any]:
        """Stand in for an asynchronous generator function; hooks see the values that it yields."""
        hooks, call = self.hooks, Call(args, kwargs)
        for hook in hooks:
            await hook.abefore(ticket, call)
        inner = self.original(*call.args, **call.kwargs)
        step = inner.asend(None)
        try:
            while True:
                try:
                    call.value = await step
                except StopAsyncIteration:
                    break
                for hook in hooks:
                    hook.value(ticket, call)
                try:
                    sent = yield call.value
                except GeneratorExit:
                    raise
                except BaseException as error:  # noqa: BLE001 - handed on to the generator
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)
        finally:
            await inner.aclose()
        for hook in hooks:
            await hook.aafter(ticket, call)


def _seen(
    inner: Generator[Any, Any, Any], hooks: tuple[Hook, ...], ticket: Any, call: Call
) -> Generator[Any, Any, Any]:
    """Yield what *inner* yields, once the hooks have seen it, and return what it returns (PEP 380)."""
    sent, error = None, None
    while True:
        try:
            call.value = inner.send(sent) if error is None else inner.throw(error)
        except StopIteration as stop:
            return stop.value
        for hook in hooks:
            hook.value(ticket, call)
        sent = error = None
        try:
            sent = yield call.value
        except GeneratorExit:
            raise
        except BaseException as thrown:  # noqa: BLE001 - handed on to the generator
            error = thrown
