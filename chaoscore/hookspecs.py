"""
What a plugin can offer: one hook per kind of part.

A plugin is a module that an entry point of the group ``chaoscore`` names. It implements any of these hooks with
`hookimpl`; each returns what the plugin offers and has no effects.
"""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from chaoscore.metrics import Metric
from chaoscore.protocols import Checkup, InjectorType, ProviderType, ReporterType, TargetType, UndoAction, ValidatorType

PROJECT = "chaoscore"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def chaos_injectors() -> tuple[InjectorType, ...]:  # type: ignore[empty-body]
    """Offer injectors: classes whose ``kind`` is the name and whose constructor is the schema of their parameters."""


@hookspec
def chaos_providers() -> tuple[ProviderType, ...]:  # type: ignore[empty-body]
    """Offer what can be there before a target is set up: classes like those of injectors, which bring no fault."""


@hookspec
def chaos_validators() -> tuple[ValidatorType, ...]:  # type: ignore[empty-body]
    """Offer validators: classes whose ``kind`` is the name and whose constructor is the schema of their parameters."""


@hookspec
def chaos_reporters() -> tuple[ReporterType, ...]:  # type: ignore[empty-body]
    """Offer reporters: classes whose ``kind`` is the name; `--report KIND=PATH` constructs them with that path."""


@hookspec
def chaos_targets() -> Mapping[str, TargetType]:  # type: ignore[empty-body]
    """Offer targets: maps the name that scenario files use to a class or function that makes one."""


@hookspec
def chaos_undos() -> Mapping[str, UndoAction]:  # type: ignore[empty-body]
    """Offer undo actions: maps the name that journals use, prefixed like a kind, to what takes that fault back."""


@hookspec
def chaos_checkups() -> Mapping[str, Checkup]:  # type: ignore[empty-body]
    """Offer check-ups: maps a name to what `chaoscore doctor` runs in a child process to see whether a thing works."""


@hookspec
def chaos_metrics() -> Mapping[str, Metric]:  # type: ignore[empty-body]
    """Offer metrics: maps a name, without the ``chaos_`` that exporters put before it, to what reads it from events."""
