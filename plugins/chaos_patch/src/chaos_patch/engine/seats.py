"""Where a replacement sits: in the code of a Python function, or under a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from inspect import getattr_static
from types import CodeType, FunctionType, ModuleType
from typing import Any

from chaos_patch.engine.aliases import Alias, aliases
from chaos_patch.engine.dispatch import Dispatcher, Gate
from chaos_patch.engine.kinds import kind_of
from chaos_patch.engine.trampolines import trampoline, wrapper
from chaos_patch.errors import ConflictError

MISSING = object()


class Installed(ABC):
    """
    A replacement that is in its seat.

    Attributes:
        name: What errors call the seat.
        dispatcher: Where the calls go.
        places: The names through which calls are known to arrive.
    """

    def __init__(self, name: str, dispatcher: Dispatcher, places: tuple[str, ...]) -> None:
        self.name, self.dispatcher, self.places = name, dispatcher, places

    @abstractmethod
    def above(self) -> str | None:
        """Return what somebody else has put over this replacement, or None where it is on top."""

    @abstractmethod
    def remove(self) -> None:
        """Put back what was there; raises `ConflictError` where that is not possible."""

    def check(self) -> None:
        """Raise `ConflictError` where somebody else has patched above."""
        found = self.above()
        if found is not None:
            raise ConflictError(self.name, found)


class Seat(ABC):
    """
    A place that a replacement can take. It reads what is there only when it is told to install.

    Attributes:
        name: What errors call it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Return what is the same for two seats that are one."""

    @abstractmethod
    def install(self, gate: Gate) -> Installed:
        """Put a replacement in, which lets everything through."""


# -- the code of a function


class CodeSeat(Seat):
    """
    A Python function.

    It keeps its identity, so that every alias, bound method, partial and default argument is reached.
    """

    def __init__(self, function: FunctionType, name: str = "") -> None:
        super().__init__(name or f"{function.__module__}:{function.__qualname__}")
        self.function = function

    @property
    def key(self) -> Hashable:
        return self.function

    def install(self, gate: Gate) -> Installed:
        """Give the function a trampoline for its code; the old code goes on in a copy that nobody else has."""
        function, code = self.function, self.function.__code__
        dispatcher = Dispatcher(gate, _copy(function))
        replacement = trampoline(code, kind_of(function), dispatcher)
        function.__code__ = replacement
        places = tuple(str(each) for each in aliases(function))
        return _InCode(self.name, dispatcher, places, function, code, replacement)


class _InCode(Installed):
    def __init__(
        self,
        name: str,
        dispatcher: Dispatcher,
        places: tuple[str, ...],
        function: FunctionType,
        code: CodeType,
        replacement: CodeType,
    ) -> None:
        super().__init__(name, dispatcher, places)
        self._function, self._code, self._replacement = function, code, replacement

    def above(self) -> str | None:
        now = self._function.__code__
        return None if now is self._replacement else f"the code of {now.co_qualname} ({now.co_filename})"

    def remove(self) -> None:
        self.check()
        self._function.__code__ = self._code


def _copy(function: FunctionType) -> Callable[..., Any]:
    """Return a function with the same code; defaults have been applied before it is called."""
    return FunctionType(function.__code__, function.__globals__, function.__name__, None, function.__closure__)


# -- a name


class AttributeSeat(Seat):
    """
    A name of a module, class or object that stands for something without Python code.

    Where it is a module's, names of other modules that stand for the same object are reached as well.
    """

    def __init__(self, owner: Any, attribute: str, name: str = "") -> None:
        super().__init__(name or f"{getattr(owner, '__name__', type(owner).__name__)}.{attribute}")
        self.owner, self.attribute = owner, attribute

    @property
    def key(self) -> Hashable:
        return id(self.owner), self.attribute

    def install(self, gate: Gate) -> Installed:
        """Replace the raw value, as it stands in the owner, and every alias of what it stands for."""
        raw = getattr_static(self.owner, self.attribute)
        original = called(raw)
        dispatcher = Dispatcher(gate, original)
        stand_in = wrapper(original, self.attribute, dispatcher)
        inherited = self.attribute not in vars(self.owner)
        replacement = dressed(raw, stand_in, in_class=isinstance(self.owner, type))
        found = list(aliases(raw)) if isinstance(self.owner, ModuleType) else []
        setattr(self.owner, self.attribute, replacement)
        moved = [each for each in found if each.get() is raw]  # the owner's own name is ours already
        for each in moved:
            each.set(stand_in)
        return _InName(self, dispatcher, raw, replacement, stand_in, moved, inherited)


class _InName(Installed):
    def __init__(
        self,
        seat: AttributeSeat,
        dispatcher: Dispatcher,
        raw: object,
        replacement: object,
        stand_in: object,
        moved: list[Alias],
        inherited: bool,
    ) -> None:
        super().__init__(seat.name, dispatcher, (seat.name, *map(str, moved)))
        self._seat, self._raw, self._replacement, self._stand_in = seat, raw, replacement, stand_in
        self._moved, self._inherited = moved, inherited

    def above(self) -> str | None:
        now = getattr_static(self._seat.owner, self._seat.attribute, MISSING)
        return None if now is self._replacement else "nothing" if now is MISSING else f"{now!r:.100}"

    def remove(self) -> None:
        """Put back what was there, also under names that were bound meanwhile; somebody else's are left alone."""
        owner, attribute = self._seat.owner, self._seat.attribute
        for each in aliases(self._stand_in):
            if each.module is not owner or each.name != attribute:
                each.set(self.dispatcher.original)
        self.check()
        if self._inherited:
            delattr(owner, attribute)
        else:
            setattr(owner, attribute, self._raw)
        for each in self._moved:
            if each.get() is not self._raw and each.get() is not None:
                raise ConflictError(str(each), f"{each.get()!r:.100}")


def called(raw: object) -> Callable[..., Any]:
    """Return what is called when *raw*, as it stands in a class or module, is used; TypeError where nothing is."""
    inner = raw.fget if isinstance(raw, property) else getattr(raw, "__func__", raw)
    if not callable(inner):
        raise TypeError(f"{inner!r:.100} cannot be called")
    function: Callable[..., Any] = inner
    return function


def dressed(raw: object, stand_in: Callable[..., Any], *, in_class: bool) -> object:
    """Return *stand_in* such that it behaves in its place as *raw* did."""
    if isinstance(raw, property):
        return property(stand_in, raw.fset, raw.fdel, raw.__doc__)
    if isinstance(raw, (staticmethod, classmethod)):
        return type(raw)(stand_in)
    if in_class and not hasattr(type(raw), "__get__"):  # a C function, say, which a class does not bind
        return staticmethod(stand_in)
    return stand_in
