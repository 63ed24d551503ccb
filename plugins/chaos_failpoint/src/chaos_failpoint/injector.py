"""Failpoints in a scenario: armed for a window, and for the code of its run alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

import attrs

from chaos_failpoint import registry
from chaos_failpoint.engine import KIND
from chaos_failpoint.errors import UnknownFailpointError
from chaos_failpoint.grammar import parse
from chaos_failpoint.handles import Failpoint
from chaos_failpoint.hits import Hit
from chaos_failpoint.plans import Plan, plan
from chaos_failpoint.running import RunArming, TermFault, Watch, fault_for
from chaos_failpoint.switching import put, take
from chaoscore import Ask, Evidence, Place, Site, Undo

SHOWN = 50
"""How many failpoints the evidence names one by one."""


def names_glob(value: str) -> str:
    """Return *value*, a glob that names of failpoints must match; raises ValueError or TypeError where it is none."""
    if not isinstance(value, str):
        raise TypeError(f"at is a glob such as 'payment-*', not {value!r}")
    if not value.strip() or {"=", ";"} & set(value):
        raise ValueError(f"at is a glob such as 'payment-*', without '=' and ';', not {value!r}")
    return value


def terms_text(value: str) -> str:
    """Return *value*, a text of terms; raises ParseError, which is a ValueError, where it is none."""
    if not isinstance(value, str):
        raise TypeError(f"terms are text such as '3%panic', not {value!r}")
    parse(value)
    return value


def action_names(value: Sequence[str]) -> tuple[str, ...]:
    """Return *value*, names of dangerous actions, as a tuple."""
    if isinstance(value, str) or not set(value) <= {"exit", "kill"}:
        raise ValueError(f"allow is a list of 'exit' and 'kill', not {value!r}")
    return tuple(value)


def package_names(value: Sequence[str]) -> tuple[str, ...]:
    """Return *value*, names of packages, as a tuple."""
    if isinstance(value, str) or not all(isinstance(each, str) and each for each in value):
        raise ValueError(f"markers is a list of packages such as ['orders'], not {value!r}")
    return tuple(value)


def _hooked(packages: tuple[str, ...]) -> AbstractContextManager[object]:
    if not packages:
        return nullcontext()
    from chaos_failpoint.markers import install

    return install(packages)


def _is_scope(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in ("window", "task"):
        raise ValueError(f"{attribute.alias} is 'window' or 'task', not {value!r}")


@attrs.frozen
class Failpoints:
    """
    Arm all failpoints whose names match a glob; those that are declared later are armed as well.

    Attributes:
        at: Glob that the names must match, such as ``"payment-*"``.
        terms: What strikes, and when: ``"3%panic"``, ``"1*return(5)->sleep(20)"``.
        everywhere: Whether code that does not belong to the run is struck, too, such as a server's own threads.
        counts: What ``n*`` and ``n+`` count in: the whole ``"window"``, where threads race for them, or each logical
            ``"task"`` alone, which is the same in every run with the same seed.
        lazy: Whether none of them need be declared when the window opens.
        allow: Which of ``exit`` and ``kill`` may end this process, although it is no child.
        markers: Packages whose ``# failpoint: name`` comments are failpoints while this is open.
    """

    kind: ClassVar[str] = "failpoint.terms"
    undo: ClassVar[Undo] = Undo.KERNEL

    at: str = attrs.field(converter=names_glob)
    terms: str = attrs.field(converter=terms_text)
    everywhere: bool = attrs.field(default=False, kw_only=True, validator=attrs.validators.instance_of(bool))
    counts: Literal["window", "task"] = attrs.field(default="window", kw_only=True, validator=_is_scope)
    lazy: bool = attrs.field(default=False, kw_only=True, validator=attrs.validators.instance_of(bool))
    allow: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=action_names)
    markers: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=package_names)

    def finds(self) -> tuple[str, ...]:
        """Return the failpoints that are declared now and match."""
        return tuple(sorted(name for name in registry.HANDLES if fnmatchcase(name, self.at)))

    @contextmanager
    def open(self, site: Site) -> Iterator[OpenFailpoints]:
        """Arm them until the block is left."""
        opened = OpenFailpoints(self, site, plan(self.terms, allow=self.allow, lazy=self.lazy))
        with _hooked(self.markers):
            registry.watch(opened.arm)
            try:
                opened.arm_all()
                yield opened
            finally:
                registry.unwatch(opened.arm)
                opened.disarm()


class OpenFailpoints:
    """
    Failpoints that are armed.

    Attributes:
        injector: What asked for them.
        site: Where it was opened.
        plan: What is armed.
        reached: Names of other failpoints that the run reached.
    """

    answers: ClassVar[frozenset[str]] = frozenset({KIND})

    def __init__(self, injector: Failpoints, site: Site, plan: Plan) -> None:
        self.injector, self.site, self.plan = injector, site, plan
        self.reached: set[str] = set()
        self._lock, self._is_open = threading.Lock(), True
        self._armings: dict[str, RunArming] = {}
        self._watches: dict[str, Watch] = {}
        self._run: object = None
        self._active: Any = None

    @property
    def at(self) -> str:
        """Return the glob of its points."""
        return self.injector.at

    def owns(self, place: Place | None) -> bool:
        """Tell whether *place* belongs to the run in which this is open."""
        if place is None:
            return False
        if self._run is None:
            for active in place.run.answering[KIND]:
                if getattr(active.answer, "__self__", None) is self:
                    self._active, self._run = active, place.run
        return place.run is self._run

    # -- arming

    def arm_all(self) -> None:
        """Arm what is declared, and watch the rest."""
        handles = registry.declared()
        if not self.injector.lazy and not any(fnmatchcase(each.name, self.at) for each in handles):
            raise UnknownFailpointError(self.at, [each.name for each in handles], glob=True)
        for handle in handles:
            self.arm(handle)

    def arm(self, handle: Failpoint) -> None:
        """Arm *handle* if its name matches, else watch it; nothing if that was done before, or it is too late."""
        with self._lock:
            if not self._is_open or handle.name in self._armings or handle.name in self._watches:
                return
            if fnmatchcase(handle.name, self.at):
                put(handle, self._armings.setdefault(handle.name, RunArming(handle, self)))
            else:
                put(handle, self._watches.setdefault(handle.name, Watch(handle, self)))

    def disarm(self) -> None:
        """Disarm them all, and let go whom they have paused."""
        with self._lock:
            self._is_open = False
        for arming in (*self._armings.values(), *self._watches.values()):
            take(arming.handle, arming)

    # -- striking

    def answer(self, ask: Ask) -> TermFault | None:
        """Return the fault that strikes, or None."""
        hit, arming = ask.tags, self._armings.get(ask.point)
        if arming is None or not isinstance(hit, Hit) or arming in hit.seen:
            return None
        return fault_for(arming, hit, ask.uniform)

    # -- evidence

    def evidence(self) -> Evidence:
        """Return how often faults struck; and which failpoints were never hit, never fired, never reached."""
        armings = self._armings
        if self._active is not None:  # most hits were never asked about, since the next fault was known to be far
            self._active.asked = max(self._active.asked, sum(each.hits for each in armings.values()))
        hit = [name for name, each in armings.items() if each.hits]
        detail = {
            "fired": {name: armings[name].fired for name in hit if armings[name].fired},
            "never_fired": [name for name in hit if not armings[name].fired],
            "never_hit": [name for name in armings if name not in hit],
            "unreached": [name for name in self._watches if name not in self.reached],
        }
        fired = sum(each.fired for each in armings.values())
        return Evidence(fired=fired, detail={key: _shortened(value) for key, value in detail.items() if value})


def _shortened(names: Iterable[str]) -> Any:
    """Return the first of *names*, sorted, and how many more there are."""
    ordered = sorted(names)
    if isinstance(names, dict):
        return {name: names[name] for name in ordered[:SHOWN]}
    return ordered if len(ordered) <= SHOWN else [*ordered[:SHOWN], f"... and {len(ordered) - SHOWN} more"]
