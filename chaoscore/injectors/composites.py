"""Several injectors as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
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

from chaoscore.context import Ask, Fault
from chaoscore.faults import Several
from chaoscore.protocols import Answers, Evidence, Evident, Injector, Opens, Site, Undo
from chaoscore.units import probability


def _injectors(value: Sequence[Injector]) -> tuple[Injector, ...]:
    return tuple(value)


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
    undo: ClassVar[Undo] = Undo.KERNEL

    injectors: tuple[Injector, ...] = attrs.field(converter=_injectors)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    at: str | None = attrs.field(default=None, kw_only=True)

    @injectors.validator
    def _are_injectors(self, _: object, value: tuple[Injector, ...]) -> None:
        if not value or not all(isinstance(each, (Opens, Answers)) for each in value):
            raise ValueError(f"injectors must be a list of one or more injectors, not {value!r}")

    @property
    def answers(self) -> frozenset[str]:
        """Return the kinds of points that ask any of them."""
        return frozenset[str]().union(*(each.answers for each in self.injectors if isinstance(each, Answers)))

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
            faults = [None if each is None else stack.enter_context(each) for each in managers]
            yield OpenComposite(self, faults)

    @asynccontextmanager
    async def _aopen(self, managers: Sequence[Any]) -> AsyncIterator[object]:
        async with AsyncExitStack() as stack:
            faults = []
            for each in managers:
                if isinstance(each, AbstractAsyncContextManager):
                    faults.append(await stack.enter_async_context(each))
                else:
                    faults.append(None if each is None else stack.enter_context(each))
            yield OpenComposite(self, faults)


class OpenComposite:
    """A composite that is open: what each of its injectors opened stands for it."""

    def __init__(self, composite: Composite, faults: Sequence[Any]) -> None:
        self.answers, self.at = composite.answers, composite.at
        self._composite = composite
        self._faults = [own if fault is None else fault for own, fault in zip(composite.injectors, faults, strict=True)]
        self._fired = 0

    def answer(self, ask: Ask) -> Fault | None:
        """Return what all of them answer."""
        fault = _answer(self._composite, self._faults, ask)
        self._fired += fault is not None
        return fault

    async def evidence(self) -> Evidence:
        """Return what landed at points, and what each injector can prove beyond that."""
        fired = self._fired
        detail: dict[str, object] = {}
        for fault in self._faults:
            if isinstance(fault, Evident):
                evidence = fault.evidence()
                proof = await evidence if isawaitable(evidence) else evidence
                fired += proof.fired
                detail.update(proof.detail)
        return Evidence(fired=fired, detail=detail)


def _answer(composite: Composite, parts: Sequence[Any], ask: Ask) -> Fault | None:
    if not ask.chance(composite.probability):
        return None
    faults = []
    for part in parts:
        if (
            isinstance(part, Answers)
            and ask.kind in part.answers
            and (part.at is None or fnmatchcase(ask.point, part.at))
        ):
            fault = part.answer(ask)
            if fault is not None:
                faults.append(fault)
    return None if not faults else faults[0] if len(faults) == 1 else Several(tuple(faults))
