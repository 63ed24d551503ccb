"""How what a scenario provides is made before the target is set up, and taken away after it is torn down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from chaoscore.executor.openings import Hooks, enter, leave
from chaoscore.spec import Provision, setup_parameters


class Provisions:
    """
    What is provided now.

    Attributes:
        values: What the providers yielded, by their names.
    """

    def __init__(self, hooks: Hooks, provisions: Iterable[Provision]) -> None:
        self._hooks, self._provisions = hooks, tuple(provisions)
        self._open: list[tuple[Provision, Any]] = []
        self.values: dict[str, object] = {}

    async def open_all(self, ending: Callable[[], bool]) -> bool:
        """Open them in order, until one does not open or the run is *ending*; tell whether all are open."""
        for each in self._provisions:
            if ending() or not await self._make(each):
                return False
        return not ending()

    async def close_all(self) -> None:
        """Take them away, last opened first."""
        while self._open:
            each, manager = self._open.pop()
            await leave(self._hooks, who(each.name), manager)
            del self.values[each.name]

    def arguments(self, target: object) -> dict[str, object]:
        """Return those of them that the `setup` of *target* takes."""
        return {name: self.values[name] for name in setup_parameters(target) if name in self.values}

    async def _make(self, provision: Provision) -> bool:
        site = self._hooks.site(provision, 0, _no_fault)
        entered = await enter(self._hooks, who(provision.name), provision.provider, site)
        if entered is None:
            return False
        manager, self.values[provision.name] = entered
        self._open.append((provision, manager))
        return True


def who(name: str) -> str:
    """Return what the stream of events calls the provider of that name."""
    return f"provider {name!r}"


def _no_fault(fault: str, where: str, detail: str) -> None:
    raise TypeError(f"a provider brings no fault, so none can have landed: {fault} at {where} ({detail})")
