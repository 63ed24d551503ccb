"""Discovery: every installed plugin is asked once what it offers, and a broken one harms nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pluggy

from chaoscore import builtin, hookspecs
from chaoscore.metrics import ENDINGS, NAME, Metric
from chaoscore.offers import Broken, Catalogue, Offer, Offers
from chaoscore.protocols import Undo, UndoAction
from chaoscore.version import __version__

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILTIN = "builtin"
"""The name of the plugin that the core itself is."""


def catalogue() -> Catalogue:
    """Return what is installed; plugins are imported at the first call, and when ``sys.path`` has changed."""
    return _catalogue(tuple(sys.path))


def offered_metrics() -> Mapping[str, Metric]:
    """Return the metrics of all installed plugins, by name, for whoever shows them."""
    return catalogue().metrics.by_name()


@lru_cache(maxsize=4)
def _catalogue(_: tuple[str, ...]) -> Catalogue:
    inquiry = _Inquiry()
    inquiry.ask(BUILTIN, f"chaoscore {__version__}", lambda: builtin)
    for entry in _entry_points():
        inquiry.ask(entry.name, _distribution(entry), entry.load)
    return inquiry.catalogue()


def _entry_points() -> list[EntryPoint]:
    """Return the entry points, sorted; a distribution that is on the path twice counts once, as the first."""
    from importlib.metadata import entry_points  # 40 ms that `--help` need not pay

    return sorted(entry_points(group=hookspecs.PROJECT), key=lambda each: (each.name, _distribution(each), each.value))


def _distribution(entry: EntryPoint) -> str:
    return "an unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


class _Inquiry:
    """Asks plugins one after the other; each is taken whole or not at all."""

    def __init__(self) -> None:
        self._offers: dict[str, list[Offer[Any]]] = {hook: [] for hook in _READERS}
        self._plugins: list[tuple[str, str]] = []
        self._broken: list[Broken] = []

    def ask(self, name: str, distribution: str, load: Callable[[], object]) -> None:
        """Ask one plugin what it offers; whatever it does wrong becomes the reason why it is broken."""
        self._plugins.append((name, distribution))
        try:
            offered = _offered(name, load())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may even exit; the reason is shown to who needs it
            self._broken.append(Broken(name, distribution, _reason(error)))
            return
        for hook, parts in offered:
            self._offers[hook] += [Offer(part_name, part, name, distribution) for part_name, part in parts]

    def catalogue(self) -> Catalogue:
        """Return the answers of all."""
        broken = tuple(self._broken)
        offers: dict[str, Any] = {
            hook.removeprefix("chaos_"): Offers(_READERS[hook][0], tuple(found), broken)
            for hook, found in self._offers.items()
        }
        return Catalogue(**offers, plugins=tuple(self._plugins), broken=broken)


class _MisuseError(Exception):
    """A plugin does not keep to the hooks; the text says how."""


_Named = list[tuple[str, Any]]


def _offered(name: str, plugin: object) -> list[tuple[str, _Named]]:
    """Return what *plugin* offers, hook by hook. It gets a manager of its own, so that a broken one leaves no trace."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    manager.check_pending()
    offered = [
        (hook, reader(hook, implementation.function()))
        for hook, (_, reader) in _READERS.items()
        for implementation in getattr(manager.hook, hook).get_hookimpls()
    ]
    if not offered:
        raise _MisuseError(
            f"it implements no hook; mark at least one of {', '.join(_READERS)} with @chaoscore.hookimpl"
        )
    return offered


def _reason(error: BaseException) -> str:
    if isinstance(error, _MisuseError):
        return str(error)
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split())
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# -- what a hook may return


def _injectors(hook: str, answer: object) -> _Named:
    return _undone(hook, _classes(hook, answer, "open", "answer"))


def _providers(hook: str, answer: object) -> _Named:
    return _undone(hook, _classes(hook, answer, "open"))


def _undone(hook: str, classes: Iterator[tuple[str, type]]) -> _Named:
    found = list(classes)
    for kind, each in found:
        if not isinstance(getattr(each, "undo", None), (Undo, property)):
            raise _MisuseError(f"{hook}: {kind!r} does not say how it is undone; add `undo = Undo.KERNEL` or another")
    return found


def _validators(hook: str, answer: object) -> _Named:
    return list(_classes(hook, answer, "start"))


def _reporters(hook: str, answer: object) -> _Named:
    return list(_classes(hook, answer, "follow", "report"))


def _targets(hook: str, answer: object) -> _Named:
    return _mapping(hook, answer, "classes or functions", callable)


def _undos(hook: str, answer: object) -> _Named:
    expected = "undo actions, with `undo` and `in_effect`"
    return _mapping(hook, answer, expected, lambda each: isinstance(each, UndoAction) and not isinstance(each, type))


def _checkups(hook: str, answer: object) -> _Named:
    return _mapping(hook, answer, "functions without arguments", callable)


def _metrics(hook: str, answer: object) -> _Named:
    found = _mapping(hook, answer, "metrics", lambda each: isinstance(each, Metric))
    for name, _ in found:
        if not NAME.fullmatch(name) or name.rpartition("_")[2] in ENDINGS:
            rule = f"use small letters, digits and underscores, and none of the endings {', '.join(sorted(ENDINGS))}"
            raise _MisuseError(f"{hook}: {name!r} is no name for a metric; {rule}")
    return found


def _mapping(hook: str, answer: object, expected: str, fits: Callable[[object], bool]) -> _Named:
    if not isinstance(answer, Mapping):
        raise _MisuseError(f"{hook} must return a mapping of names to {expected}, not {answer!r:.200}")
    for name, part in answer.items():
        if not _is_name(name) or not fits(part):
            raise _MisuseError(f"{hook} must map names to {expected}, not {name!r} to {part!r:.200}")
    return list(answer.items())


def _classes(hook: str, answer: object, *methods: str) -> Iterator[tuple[str, type]]:
    """Yield the classes in *answer* by their kinds; each must have one of *methods*."""
    if not isinstance(answer, (tuple, list)):
        raise _MisuseError(f"{hook} must return a tuple of classes, not {answer!r:.200}")
    seen: set[str] = set()
    for each in answer:
        kind = getattr(each, "kind", None)
        if not isinstance(each, type) or not isinstance(kind, str) or not _is_name(kind):
            raise _MisuseError(f"{hook} must return classes with a `kind`, a short text, not {each!r:.200}")
        if not any(callable(getattr(each, method, None)) for method in methods):
            raise _MisuseError(f"{hook}: {kind!r} can do nothing; give it a method {' or '.join(map(repr, methods))}")
        if kind in seen:
            raise _MisuseError(f"{hook} offers {kind!r} twice")
        seen.add(kind)
        yield kind, each


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and name.strip() == name != "" and ":" not in name


_READERS: dict[str, tuple[str, Callable[[str, object], _Named]]] = {
    "chaos_injectors": ("injector", _injectors),
    "chaos_providers": ("provider", _providers),
    "chaos_validators": ("validator", _validators),
    "chaos_reporters": ("reporter", _reporters),
    "chaos_targets": ("target", _targets),
    "chaos_undos": ("undo action", _undos),
    "chaos_checkups": ("check-up", _checkups),
    "chaos_metrics": ("metric", _metrics),
}
"""For each hook, what it offers and what reads its answers. A new hook is a line here and a field of `Catalogue`."""
