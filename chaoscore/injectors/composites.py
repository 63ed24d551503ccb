"""Several injectors as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from fnmatch import fnmatchcase
from inspect import isawaitable
from typing import Any, ClassVar

import attrs

from chaoscore.context import Active, Ask, Fault
from chaoscore.faults import several
from chaoscore.injectors.parameters import at_border, optional_glob
from chaoscore.protocols import Answers, Evidence, Evident, Injector, Opens, Site, Undo
from chaoscore.spec import check_injector
from chaoscore.units import probability


def _injectors(value: Sequence[Injector]) -> tuple[Injector, ...]:
    if not isinstance(value, Iterable):
        raise TypeError(f"injectors must be a list of one or more injectors, not {value!r}")
    return tuple(value)


class _Worst:
    """How a composite is undone: as the worst of its injectors; for the class itself, as the best."""

    def __get__(self, composite: Composite | None, _: object = None) -> Undo:
        if composite is None:
            return Undo.KERNEL
        return max((each.undo for each in composite.injectors), key=list(Undo).index)


@attrs.frozen
class Composite:
    """
    Let several injectors act as one, in order: opened together, lifted last first, and with one chance for all of them.

    Attributes:
        injectors: Those that act.
        probability: Chance that a point is struck at all, 0 to 1; each injector then decides for itself.
        at: Glob that the names of the points must match, beside each injector's own.
    """

    kind: ClassVar[str] = "composite"
    undo: ClassVar[_Worst] = _Worst()

    injectors: tuple[Injector, ...] = attrs.field(converter=_injectors)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    at: str | None = attrs.field(default=None, converter=optional_glob, kw_only=True)

    @injectors.validator
    def _are_injectors(self, _: object, value: tuple[Injector, ...]) -> None:
        if not value:
            raise ValueError("injectors must be a list of one or more injectors, not ()")
        for each in value:
            check_injector("composite", each)
            at = getattr(each, "at", None)
            if at_border(at) and not at_border(self.at):
                raise ValueError(
                    f"{each.kind} strikes at {at!r}, the composite elsewhere; give at={at!r} to the composite"
                )
        if {Undo.JOURNAL, Undo.MANUAL} <= {each.undo for each in value}:
            raise ValueError(
                "what the journal undoes and what somebody has to undo cannot be one; inject them one by one"
            )

    @property
    def answers(self) -> frozenset[str]:
        """Return the kinds of points that ask any of them."""
        return _kinds(self.injectors)

    def answer(self, ask: Ask) -> Fault | None:
        """Return what all of them answer."""
        return _answer(self, self.injectors, ask)

    def open(self, site: Site) -> AbstractContextManager[object] | AbstractAsyncContextManager[object]:
        """Open all of them, in order."""
        managers = [each.open(site) if isinstance(each, Opens) else None for each in self.injectors]
        if any(isinstance(each, AbstractAsyncContextManager) for each in managers):
            return self._aopen(managers)
        return self._open(managers)

    @contextmanager
    def _open(self, managers: Sequence[Any]) -> Iterator[object]:
        with ExitStack() as stack:
            yield _opened(self, [None if each is None else stack.enter_context(each) for each in managers])

    @asynccontextmanager
    async def _aopen(self, managers: Sequence[Any]) -> AsyncIterator[object]:
        async with AsyncExitStack() as stack:
            faults = []
            for each in managers:
                if isinstance(each, AbstractAsyncContextManager):
                    faults.append(await stack.enter_async_context(each))
                else:
                    faults.append(None if each is None else stack.enter_context(each))
            yield _opened(self, faults)


class OpenComposite:
    """A composite that is open: what each of its injectors opened stands for it."""

    def __init__(self, composite: Composite, parts: Sequence[Any]) -> None:
        self.answers, self.at = _kinds(parts), composite.at
        self._composite, self._parts = composite, parts
        self._active: Active | None = None

    def answer(self, ask: Ask) -> Fault | None:
        """Return what all of them answer."""
        self._active = ask.active
        return _answer(self._composite, self._parts, ask)


class EvidentComposite(OpenComposite):
    """An open composite of which a part has evidence of its own; for others what landed at points is all there is."""

    async def evidence(self) -> Evidence:
        """Return what landed at points, and what each injector can prove beyond that."""
        proof = await self._beyond_points()
        if proof.fired is None or self._active is None:
            return proof
        return attrs.evolve(proof, fired=proof.fired + self._active.fired)

    async def _beyond_points(self) -> Evidence:
        fired: int | None = None
        detail: dict[str, object] = {}
        for part in self._parts:
            if isinstance(part, Evident):
                # What landed at points belongs to the outermost: inside it, another composite must not count it again.
                evidence = part._beyond_points() if isinstance(part, EvidentComposite) else part.evidence()
                proof = await evidence if isawaitable(evidence) else evidence
                if proof.fired is not None:
                    fired = proof.fired + (fired or 0)
                detail.update(proof.detail)
        return Evidence(fired=fired, detail=detail)


def _kinds(parts: Sequence[Any]) -> frozenset[str]:
    return frozenset[str]().union(*(each.answers for each in parts if isinstance(each, Answers)))


def _opened(composite: Composite, faults: Sequence[Any]) -> OpenComposite:
    parts = [own if fault is None else fault for own, fault in zip(composite.injectors, faults, strict=True)]
    evident = any(isinstance(each, Evident) for each in parts)
    return EvidentComposite(composite, parts) if evident else OpenComposite(composite, parts)


def _answer(composite: Composite, parts: Sequence[Any], ask: Ask) -> Fault | None:
    if not ask.chance(composite.probability):
        return None
    faults = []
    for part in parts:
        if (
            isinstance(part, Answers)
            and (ask.kind == "border" or ask.kind in part.answers)
            and (part.at is None or fnmatchcase(ask.point, part.at))
        ):
            fault = part.answer(ask)
            if fault is not None:
                faults.append(fault)
    return several(faults)
