"""
Commands of plugins: each entry point of the group ``chaoscore.commands`` names a click command.

They are no hook, since no command should wait for plugins that it does not need: names stand in the metadata of what
is installed, and a plugin is imported only when its own command is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "chaoscore.commands"


def extensions() -> dict[str, list[EntryPoint]]:
    """Return what offers each command, by its name; a distribution that is on the path twice counts once."""
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for each in sorted(entry_points(group=GROUP), key=lambda each: (each.name, distribution(each))):
        offers = found.setdefault(each.name, [])
        if distribution(each) not in map(distribution, offers):
            offers.append(each)
    return found


def load(name: str) -> click.Command | None:
    """
    Return the command of that name, or None where no plugin offers it.

    Raises:
        PluginError: Its plugin cannot be used, or several plugins offer it.
    """
    offers = extensions().get(name, [])
    if not offers:
        return None
    first, *others = offers
    if others:
        owners = " and ".join(distribution(each) for each in others)
        raise _unusable(first, f"it offers the command {name!r}, and so does {owners}; uninstall all but one")
    try:
        command = first.load()
    except Exception as error:
        raise _unusable(first, f"its command {name!r} does not load: {type(error).__name__}: {error}") from error
    if not isinstance(command, click.Command):
        raise _unusable(first, f"its command {name!r} must be a click.Command, not {command!r:.200}")
    return command


def distribution(entry: EntryPoint) -> str:
    """Return what brings *entry*, with its version."""
    return "an unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _unusable(entry: EntryPoint, problem: str) -> Exception:
    from chaoscore.errors import PluginError

    return PluginError(entry.module.partition(".")[0], distribution(entry), problem)
