"""How sagas are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from chaos_sqlsaga.engine.checks import check
from chaos_sqlsaga.engine.definition import (
    Branch,
    Condition,
    Decision,
    Definition,
    Fork,
    Handler,
    Node,
    Savepoint,
    Step,
    SubSaga,
)
from chaos_sqlsaga.engine.errors import CycleError, DefinitionError, UnknownHandlerError
from chaoscore import Duration, optional_seconds, seconds

Named = Handler | str
"""A handler, or the name under which `Builder.build` finds it."""


class Builder:
    """
    Collects the nodes of a saga, or of a sequence inside one, in the order in which they run.

    Every method returns the builder, so that calls can be chained. Mistakes are told by `build`, all of them with the
    name of the saga and the step.
    """

    def __init__(self, name: str, version: int = 1) -> None:
        self.name, self.version = name, version
        self._nodes: list[Callable[[_Making], Node]] = []
        self._forks: list[tuple[str, Mapping[str, Builder]]] = []

    def step(
        self,
        name: str,
        handler: Named,
        *,
        on_failure: Named | None = None,
        retries: int = 1,
        compensation_retries: int = 10,
        idempotent: bool = True,
        delay: Duration = 0,
    ) -> Self:
        """
        Add a step.

        Args:
            name: Unique in the saga.
            handler: Does the work: plain or `async def`, called with a `Call`.
            on_failure: Takes it back.
            retries: Most calls of the handler, the first included.
            compensation_retries: Most calls of the compensation, the first included.
            idempotent: False: the handler is called once and never again, whatever happens to the worker.
            delay: Before the second call, doubled before each further one.
        """

        def make(making: _Making) -> Node:
            return Step(
                name=name,
                handler=making.handler(name, handler),
                on_failure=None if on_failure is None else making.handler(name, on_failure),
                retries=retries,
                compensation_retries=compensation_retries,
                idempotent=idempotent,
                delay_s=seconds(delay),
            )

        return self._add(make)

    def savepoint(self, name: str) -> Self:
        """Let rollbacks of what follows stop here."""
        return self._add(lambda _: Savepoint(name))

    def condition(self, name: str, predicate: Named, then: Builder, otherwise: Builder | None = None) -> Self:
        """Run *then* where the *predicate* returns something true, else *otherwise*."""

        def make(making: _Making) -> Node:
            other = () if otherwise is None else making.nodes(otherwise)
            return Condition(name, making.handler(name, predicate), making.nodes(then), other)

        return self._add(make)

    def fork(self, name: str, branches: Mapping[str, Builder]) -> Self:
        """Run *branches* side by side; a `join` must follow."""
        self._finish_fork()
        self._forks.append((name, branches))
        return self

    def join(
        self, name: str, *, wait_for: tuple[str, ...] | None = None, how: Literal["all", "any"] | int = "all"
    ) -> Self:
        """
        Wait for the branches of the fork before.

        Args:
            name: Unique in the saga.
            wait_for: Which branches; None: all of them.
            how: ``"all"``, ``"any"``, or how many of them. Branches that have not arrived by then are stopped, and what
                they did is compensated.
        """
        if not self._forks:
            self._nodes.append(_raise(name, "joins no fork", "call fork(...) before join(...)"))
            return self
        fork, branches = self._forks.pop()
        waited = tuple(branches) if wait_for is None else tuple(wait_for)
        need = {"all": len(waited), "any": 1}.get(how, how) if isinstance(how, str) else how

        def make(making: _Making) -> Node:
            made = tuple(Branch(each, making.nodes(inner)) for each, inner in branches.items())
            return Fork(fork, made, name, waited, need)  # type: ignore[arg-type]  # `check` looks at what it is

        self._nodes.append(make)
        return self

    def parallel(self, name: str, *steps: Builder, join: str | None = None) -> Self:
        """Run *steps*, each a builder of its own such as ``step("a", do_a)``, side by side, and wait for all."""
        return self.fork(name, {each.name: each for each in steps}).join(join or f"{name}.join")

    def decision(self, name: str, *, timeout: Duration | None = None) -> Self:
        """Wait until somebody calls `Engine.decide`."""
        return self._add(lambda _: Decision(name, optional_seconds(timeout)))

    def sub_saga(self, name: str, definition: Definition | Builder) -> Self:
        """Run another saga with the same payload, and go on when it has completed."""

        def make(making: _Making) -> Node:
            return SubSaga(name, definition if isinstance(definition, Definition) else making.inner(definition))

        return self._add(make)

    def build(self, handlers: Mapping[str, Handler] | None = None) -> Definition:
        """
        Return the definition.

        Args:
            handlers: Where handlers that were given by name are found.

        Raises:
            DefinitionError: `CycleError`, `UnknownHandlerError`, `DuplicateStepError`, `EndlessJoinError`, or another.
        """
        return _Making(self.name, handlers or {}).definition(self)

    def _add(self, make: Callable[[_Making], Node]) -> Self:
        self._finish_fork()
        self._nodes.append(make)
        return self

    def _finish_fork(self) -> None:
        if self._forks:
            name, _ = self._forks.pop()
            self._nodes.append(_raise(name, "is a fork that is never joined", "call join(...) after fork(...)"))


def saga(name: str, version: int = 1) -> Builder:
    """Begin a saga."""
    return Builder(name, version)


def step(name: str, handler: Named, **options: Any) -> Builder:
    """Begin a sequence with one step, for branches; *options* are those of `Builder.step`."""
    return Builder(name).step(name, handler, **options)


def branch() -> Builder:
    """Begin a sequence for a branch."""
    return Builder("branch")


class _Making:
    """One `build`, which knows what it is inside of."""

    def __init__(self, name: str, handlers: Mapping[str, Handler]) -> None:
        self.name, self.handlers = name, handlers
        self._inside: list[Builder] = []

    def definition(self, builder: Builder) -> Definition:
        outer, self.name = self.name, builder.name
        definition = Definition(builder.name, builder.version, self.nodes(builder))
        check(definition)
        self.name = outer
        return definition

    inner = definition

    def nodes(self, builder: Builder) -> tuple[Node, ...]:
        if builder in self._inside:
            chain = " -> ".join(each.name for each in [*self._inside[self._inside.index(builder) :], builder])
            raise CycleError(self.name, f"it contains itself: {chain}", "a saga ends only if nothing in it is itself")
        builder._finish_fork()
        self._inside.append(builder)
        made = tuple(make(self) for make in builder._nodes)
        self._inside.pop()
        return made

    def handler(self, step: str, given: Named) -> Handler:
        if isinstance(given, str):
            if given not in self.handlers:
                known = ", ".join(sorted(self.handlers)) or "none"
                raise UnknownHandlerError(
                    self.name, f"step {step!r} names the handler {given!r}; have {known}", "pass it to build(handlers)"
                )
            return self.handlers[given]
        if not callable(given):
            raise UnknownHandlerError(
                self.name, f"the handler of step {step!r} is {given!r}", "a handler is a function of one Call"
            )
        return given


def _raise(step: str, problem: str, remedy: str) -> Callable[[_Making], Node]:
    def make(making: _Making) -> Node:
        raise DefinitionError(making.name, f"{step!r} {problem}", remedy)

    return make
