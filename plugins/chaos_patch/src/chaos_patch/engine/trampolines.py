"""
Code objects that stand in for those of a function: same kind, same signature, same free variables.

A trampoline asks the gate whether anybody wants to know of this call, and hands it to the original or to the
dispatcher. Both are constants of its code object, because the function keeps its own globals. Since the parameters are
those of the original, the function's defaults apply as before, a wrong call is refused as before, and `inspect` tells
the truth.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

import attrs

from chaos_patch.engine.dispatch import Dispatcher
from chaos_patch.engine.kinds import Kind, kind_of

__chaos_hidden__ = True  # its frames are not where a fault struck

_GATE, _ORIGINAL, _DISPATCH = (f"chaos_patch\0{name}" for name in ("gate", "original", "dispatch"))
"""Constants that are replaced; a NUL keeps them from being anybody else's."""

_BODIES = {
    Kind.PLAIN: "return {original} if {ticket} is None else {dispatch}",
    Kind.COROUTINE: "return await ({original} if {ticket} is None else {dispatch})",
    Kind.GENERATOR: "return (yield from ({original} if {ticket} is None else {dispatch}))",
    # An asynchronous generator cannot delegate, so it hands everything on by itself, in both directions.
    Kind.ASYNC_GENERATOR: """
        {inner} = {original} if {ticket} is None else {dispatch}
        {step} = {inner}.asend(None)
        try:
            while True:
                try:
                    {item} = await {step}
                except StopAsyncIteration:
                    return
                try:
                    {step} = {inner}.asend((yield {item}))
                except GeneratorExit:
                    raise
                except BaseException as {error}:
                    {step} = {inner}.athrow({error})
        finally:
            await {inner}.aclose()
    """,
}
_LOCALS = ("ticket", "inner", "step", "item", "error")


@attrs.frozen
class _Shape:
    """Everything about a function that its trampoline depends on."""

    kind: Kind
    positional_only: tuple[str, ...]
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    spread: str | None
    keywords: str | None
    free: int

    @classmethod
    def of(cls, kind: Kind, code: CodeType) -> _Shape:
        """Read it off a code object."""
        names = iter(code.co_varnames)

        def take(count: int) -> tuple[str, ...]:
            return tuple(next(names) for _ in range(count))

        positional_only = take(code.co_posonlyargcount)
        positional = take(code.co_argcount - code.co_posonlyargcount)
        keyword_only = take(code.co_kwonlyargcount)
        spread = next(names) if code.co_flags & inspect.CO_VARARGS else None
        keywords = next(names) if code.co_flags & inspect.CO_VARKEYWORDS else None
        return cls(kind, positional_only, positional, keyword_only, spread, keywords, len(code.co_freevars))

    def parameters(self) -> str:
        """Return the parameters as source; defaults are the function's own affair."""
        parts = [*self.positional_only, "/"] if self.positional_only else []
        parts += self.positional
        if self.spread or self.keyword_only:
            parts.append(f"*{self.spread or ''}")
        parts += self.keyword_only
        return ", ".join([*parts, *([f"**{self.keywords}"] if self.keywords else [])])

    def arguments(self) -> str:
        """Return the arguments for the original as source."""
        return ", ".join([*self._args(), *(f"{name}={name}" for name in self.keyword_only), *self._rest()])

    def packed(self) -> str:
        """Return the arguments for the dispatcher as source: a tuple and a dict."""
        if self.spread and not (self.positional_only or self.positional):
            args = self.spread
        else:
            args = f"({''.join(f'{each}, ' for each in self._args())})"
        if self.keywords and not self.keyword_only:
            return f"{args}, {self.keywords}"
        return f"{args}, {{{', '.join([*(f'{name!r}: {name}' for name in self.keyword_only), *self._rest()])}}}"

    def local(self, name: str) -> str:
        """Return a name like *name* that no parameter has."""
        taken = {*self.positional_only, *self.positional, *self.keyword_only, self.spread, self.keywords}
        while name in taken:
            name += "_"
        return name

    def _args(self) -> Iterator[str]:
        yield from (*self.positional_only, *self.positional)
        if self.spread:
            yield f"*{self.spread}"

    def _rest(self) -> Iterator[str]:
        if self.keywords:
            yield f"**{self.keywords}"


def trampoline(code: CodeType, kind: Kind, dispatcher: Dispatcher) -> CodeType:
    """
    Return a code object that stands in for *code*.

    Args:
        code: What the function has now.
        kind: The kind of the function.
        dispatcher: What the calls go to.
    """
    template = _template(_Shape.of(kind, code))
    constants = {_GATE: dispatcher.gate, _ORIGINAL: dispatcher.original, _DISPATCH: dispatcher.for_kind(kind)}
    return template.replace(
        co_consts=tuple(constants.get(each, each) if type(each) is str else each for each in template.co_consts),
        co_flags=template.co_flags | code.co_flags & inspect.CO_ITERABLE_COROUTINE,
        co_freevars=code.co_freevars,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )


def wrapper(original: Callable[..., Any], name: str, dispatcher: Dispatcher) -> Callable[..., Any]:
    """
    Return a function that stands in for *original*, which has no code object of its own.

    Args:
        original: What is called behind it.
        name: What tracebacks call it.
        dispatcher: What the calls go to.
    """

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        """Be replaced."""

    code = stand_in.__code__.replace(co_name=name, co_qualname=name)
    stand_in.__code__ = trampoline(code, kind_of(original), dispatcher)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(original, attribute, None)
        if isinstance(value, str):
            setattr(stand_in, attribute, value)
    stand_in.__wrapped__ = original  # type: ignore[attr-defined]  # where `inspect.signature` looks
    return stand_in


@lru_cache(maxsize=500)
def _template(shape: _Shape) -> CodeType:
    tree = ast.parse(_source(shape))
    for node in ast.walk(tree):  # all of it stands in the line of the `def`, which is the only one that it shares
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    factory = _code_in(compile(tree, "<chaos_patch>", "exec"))
    return _code_in(factory)


def _source(shape: _Shape) -> str:
    free = [shape.local(f"chaos_free_{number}") for number in range(shape.free)]
    names = {name: shape.local(f"chaos_{name}") for name in _LOCALS}
    body = _BODIES[shape.kind].format(
        original=f"{_constant(_ORIGINAL)}({shape.arguments()})",
        dispatch=f"{_constant(_DISPATCH)}({names['ticket']}, {shape.packed()})",
        **names,
    )
    lines = [
        "def factory():",
        *(f"    {name} = None" for name in free),
        f"    {'async ' if shape.kind in (Kind.COROUTINE, Kind.ASYNC_GENERATOR) else ''}def f({shape.parameters()}):",
        # Naming a variable in code that never runs makes it a free variable all the same.
        *(f"        if False: {name}" for name in free),
        f"        {names['ticket']} = {_constant(_GATE)}()",
        *(body.rstrip().splitlines() if body.startswith("\n") else [f"        {body}"]),
    ]
    return "\n".join(lines)


def _constant(name: str) -> str:
    """Return source that loads a constant, written such that the compiler does not warn that a text is called."""
    return f"({name!r} if 1 else 0)"


def _code_in(code: CodeType) -> CodeType:
    [inner] = [each for each in code.co_consts if isinstance(each, CodeType)]
    return inner
