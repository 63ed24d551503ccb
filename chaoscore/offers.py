"""What plugins offer: one offer, all of one sort, and the catalogue of everything that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import attrs

from chaoscore.errors import PluginError, UnknownNameError, near_miss
from chaoscore.metrics import Metric
from chaoscore.protocols import Checkup, InjectorType, ProviderType, ReporterType, TargetType, UndoAction, ValidatorType

_T = TypeVar("_T", covariant=True)


@attrs.frozen
class Offer(Generic[_T]):
    """
    One part that a plugin offers.

    Attributes:
        name: What scenario files call it.
        part: Its class, or a function that makes one; an undo action itself.
        plugin: The plugin's entry-point name.
        distribution: The installed distribution that brings the plugin, with its version.
    """

    name: str
    part: _T
    plugin: str
    distribution: str


@attrs.frozen
class Broken:
    """A *plugin* of an installed *distribution* that cannot be used, and the *reason*."""

    plugin: str
    distribution: str
    reason: str


@attrs.frozen
class Offers(Generic[_T]):
    """
    Everything of one sort that is installed.

    Attributes:
        what: The sort: injector, provider, validator, reporter, target, undo action, check-up or metric.
        all: The offers, built-in ones first, then by plugin; a name may be offered twice.
        broken: Plugins whose offers nobody knows.
    """

    what: str
    all: tuple[Offer[_T], ...]
    broken: tuple[Broken, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that can be used, sorted."""
        return tuple(sorted({each.name for each in self.all} - {name for name, _ in self.clashes()}))

    def by_name(self) -> dict[str, _T]:
        """Return the parts that can be used, by name."""
        usable = self.names
        return {each.name: each.part for each in self.all if each.name in usable}

    def clashes(self) -> Iterator[tuple[str, tuple[Offer[_T], ...]]]:
        """Yield the names that several plugins offer, with their offers."""
        for name in sorted({each.name for each in self.all}):
            offers = tuple(each for each in self.all if each.name == name)
            if len(offers) > 1:
                yield name, offers

    def need(self, name: str, where: str) -> Offer[_T]:
        """
        Return the offer of *name*.

        Args:
            name: What a scenario asks for.
            where: The place in the scenario, for the error.

        Raises:
            UnknownNameError: Nobody offers it.
            PluginError: Several plugins do; or nobody does and a broken plugin may be the one that should.
        """
        offers = [each for each in self.all if each.name == name]
        if len(offers) > 1:
            raise self._clash(name, offers)
        if not offers and self.broken:
            raise self._perhaps_broken(name)
        if not offers:
            raise UnknownNameError(where, self.what, name, self.names)
        return offers[0]

    def _clash(self, name: str, offers: list[Offer[_T]]) -> PluginError:
        first, *rest = offers
        others = " and ".join(f"plugin {each.plugin!r} of {each.distribution}" for each in rest)
        return PluginError(
            first.plugin,
            first.distribution,
            f"it offers the {self.what} {name!r}, and so does {others}; uninstall all but one",
        )

    def _perhaps_broken(self, name: str) -> PluginError:
        owner = name.partition(".")[0]
        first, *rest = sorted(self.broken, key=lambda each: each.plugin != owner)
        others = "".join(
            f"; plugin {each.plugin!r} of {each.distribution} is broken too ({each.reason})" for each in rest
        )
        wanted = f"{self.what} {name!r}{near_miss(name, self.names)}"
        problem = f"no other plugin offers the {wanted}, and this one is broken: {first.reason}{others}"
        return PluginError(first.plugin, first.distribution, problem)


@attrs.frozen(kw_only=True)
class Catalogue:
    """
    Everything that is installed.

    Attributes:
        injectors: By the names that scenario files use.
        providers: The same.
        validators: The same.
        reporters: By the KIND of ``--report KIND=PATH``.
        targets: By the names that scenario files use.
        undos: By the names that journals use.
        checkups: By the names that `chaoscore doctor` shows.
        metrics: By the names that exporters put ``chaos_`` before.
        plugins: Name and distribution of every plugin, also of the broken ones, in the order in which they were asked.
        broken: The plugins that cannot be used.
    """

    injectors: Offers[InjectorType]
    providers: Offers[ProviderType]
    validators: Offers[ValidatorType]
    reporters: Offers[ReporterType]
    targets: Offers[TargetType]
    undos: Offers[UndoAction]
    checkups: Offers[Checkup]
    metrics: Offers[Metric]
    plugins: tuple[tuple[str, str], ...]
    broken: tuple[Broken, ...]

    @property
    def shelves(self) -> tuple[Offers[Any], ...]:
        """Return the offers of every sort."""
        offered = self.injectors, self.providers, self.validators, self.reporters, self.targets, self.undos
        return (*offered, self.checkups, self.metrics)
