"""``chaoscore plugins``: what is installed, and what each plugin offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from chaoscore.cli.extensions import distribution, extensions
from chaoscore.cli.shell import emit, printable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from chaoscore.offers import Catalogue, Offer
    from chaoscore.parameters import Parameter


@click.command(short_help="Say what is installed, and what is broken.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def plugins(as_json: bool) -> None:
    """Say what is installed, what each plugin offers with which parameters, and which plugins are broken."""
    from chaoscore.plugins import catalogue

    found = catalogue()
    if as_json:
        import msgspec

        emit(msgspec.json.format(msgspec.json.encode(_as_data(found), enc_hook=repr), indent=2).decode())
    else:
        emit(printable("".join(f"{line}\n" for line in _lines(found))))


# -- text --------------------------------------------------------------------------------------------------------------


def _lines(found: Catalogue) -> Iterator[str]:
    broken = {(each.plugin, each.distribution): each.reason for each in found.broken}
    for plugin, brought_by in dict.fromkeys(found.plugins):
        yield f"{plugin} ({brought_by})"
        if (plugin, brought_by) in broken:
            yield f"  BROKEN: {broken[plugin, brought_by]}"
        for shelf in found.shelves:
            for offer in shelf.all:
                if (offer.plugin, offer.distribution) == (plugin, brought_by):
                    yield from _offer(shelf.what, offer)
        yield from (f"  command {each.name}" for each in _commands() if distribution(each) == brought_by)
        yield ""
    yield from _clashes(found)


def _commands() -> list[EntryPoint]:
    return [each for offers in extensions().values() for each in offers]


def _offer(what: str, offer: Offer[Any]) -> Iterator[str]:
    from chaoscore.parameters import parameters, summary

    yield f"  {what} {offer.name}: {summary(offer.part)}"
    taken = parameters(offer.part)
    width = max((len(each.name) for each in taken), default=0)
    for each in taken:
        yield f"      {each.name:<{width}}  {each.takes}{_default(each)}{each.description and f' - {each.description}'}"


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return ", required"
    return "" if (default := parameter.default_text) is None else f", default {default}"


def _clashes(found: Catalogue) -> Iterator[str]:
    for shelf in found.shelves:
        for name, offers in shelf.clashes():
            owners = " and ".join(f"{each.plugin} ({each.distribution})" for each in offers)
            yield f"UNUSABLE: the {shelf.what} {name!r} is offered by {owners}; uninstall all but one"


# -- data --------------------------------------------------------------------------------------------------------------


def _as_data(found: Catalogue) -> dict[str, Any]:
    broken = {(each.plugin, each.distribution): each.reason for each in found.broken}
    plugins = [
        {"plugin": plugin, "distribution": brought_by, "broken": broken.get((plugin, brought_by))}
        for plugin, brought_by in dict.fromkeys(found.plugins)
    ]
    shelves = {f"{shelf.what}s".replace(" ", "_"): [_offer_data(each) for each in shelf.all] for shelf in found.shelves}
    commands = [{"name": each.name, "distribution": distribution(each)} for each in _commands()]
    clashes = [{"what": shelf.what, "name": name} for shelf in found.shelves for name, _ in shelf.clashes()]
    return {"plugins": plugins, **shelves, "commands": commands, "clashes": clashes}


def _offer_data(offer: Offer[Any]) -> dict[str, Any]:
    from chaoscore.parameters import parameters, summary

    return {
        "name": offer.name,
        "plugin": offer.plugin,
        "distribution": offer.distribution,
        "summary": summary(offer.part),
        "parameters": [
            {
                "name": each.name,
                "takes": each.takes,
                "required": each.required,
                "default": each.default_text,
                "description": each.description,
            }
            for each in parameters(offer.part)
        ],
    }
