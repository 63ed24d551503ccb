"""``chaoscore toxiproxy``: what toxiproxy-cli does, against either server, and a server to do it to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import click

from chaos_toxiproxy.addresses import PORT
from chaos_toxiproxy.client import Client
from chaoscore import ChaosError

_DASHED = {"ignore_unknown_options": True, "help_option_names": []}


class UnknownError(ChaosError, LookupError):
    """A server has no proxy, or no toxic, of a name."""


class Aliased(click.Group):
    """A group whose commands may also be called what toxiproxy-cli calls them."""

    aliases: ClassVar[Mapping[str, str]] = {}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name or alias."""
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))


class Proxies(Aliased):
    """The commands of proxies."""

    aliases: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("l", "li", "ls"), "list"),
        **dict.fromkeys(("i", "ins"), "inspect"),
        **dict.fromkeys(("c", "new"), "create"),
        "tog": "toggle",
        "d": "delete",
        "t": "toxic",
    }


class Toxics(Aliased):
    """The commands of toxics."""

    aliases: ClassVar[Mapping[str, str]] = {"a": "add", "u": "update", **dict.fromkeys(("r", "delete", "d"), "remove")}


@click.group(cls=Proxies, short_help="Talk to a Toxiproxy server, or be one.")
@click.option(
    "--host",
    "-h",
    "url",
    envvar="TOXIPROXY_URL",
    default=f"http://localhost:{PORT}",
    show_default=True,
    help="Where the server is; also $TOXIPROXY_URL. A token for it comes from $CHAOS_TOXIPROXY_TOKEN.",
)
@click.pass_context
def toxiproxy(ctx: click.Context, url: str) -> None:
    """Talk to a Toxiproxy server, Toxiproxy's own or the embedded one; or be one (serve)."""
    from chaos_toxiproxy.servers import connected

    try:
        ctx.obj = ctx.with_resource(connected(url))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--host") from error


@toxiproxy.command(context_settings=_DASHED, short_help="Be a server, until a signal comes.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def serve(ctx: click.Context, options: tuple[str, ...]) -> None:
    """Be a server; the OPTIONS are those of Toxiproxy's, and `serve --help` shows them."""
    from chaos_toxiproxy.server.options import parse
    from chaos_toxiproxy.server.running import main

    ctx.exit(main(parse(options)))


# -- proxies


@toxiproxy.command("list", short_help="List the proxies.")
@click.pass_obj
def list_(client: Client) -> None:
    """List the proxies: name, listen, upstream, enabled or disabled, number of toxics."""
    found = [_row(proxy) for _, proxy in sorted(client.proxies().items())]
    _show(("Name", "Listen", "Upstream", "Enabled", "Toxics"), found, "no proxies; see `chaoscore toxiproxy create`")


@toxiproxy.command(short_help="List the toxics of a proxy.")
@click.argument("proxy")
@click.pass_obj
def inspect(client: Client, proxy: str) -> None:
    """List the toxics of PROXY: name, type, stream, toxicity, attributes."""
    found = [_toxic_row(each) for each in _need(client, proxy)["toxics"]]
    _show(("Name", "Type", "Stream", "Toxicity", "Attributes"), found, "no toxics; see `chaoscore toxiproxy toxic add`")


@toxiproxy.command(short_help="Create a proxy.")
@click.argument("proxy")
@click.option("--listen", "-l", required=True, help="Where it listens: host:port; port 0: any that is free.")
@click.option("--upstream", "-u", required=True, help="What it leads to: host:port.")
@click.pass_obj
def create(client: Client, proxy: str, listen: str, upstream: str) -> None:
    """Create PROXY."""
    made = client.create(proxy, upstream, listen)
    click.echo(f"Created new proxy {proxy} at {made['listen']}")


@toxiproxy.command(short_help="Enable a proxy, or disable it.")
@click.argument("proxy")
@click.pass_obj
def toggle(client: Client, proxy: str) -> None:
    """Disable PROXY where it is enabled, and the other way round."""
    updated = client.update(proxy, enabled=not _need(client, proxy)["enabled"])
    click.echo(f"Proxy {proxy} is now {_enabled(updated)}")


@toxiproxy.command(short_help="Delete a proxy.")
@click.argument("proxy")
@click.pass_obj
def delete(client: Client, proxy: str) -> None:
    """Delete PROXY, with its toxics and connections."""
    if not client.delete(proxy):
        raise _unknown(client, proxy)
    click.echo(f"Deleted proxy {proxy}")


# -- toxics


@toxiproxy.group(cls=Toxics, short_help="Add, change or remove a toxic.")
def toxic() -> None:
    """Add, change or remove a toxic of a proxy."""


_toxicity = click.option(
    "--toxicity", "--tox", "-tox", type=click.FloatRange(0, 1), help="Share of connections that it strikes, 0 to 1."
)
_attributes = click.option(
    "--attribute", "-a", "attributes", multiple=True, metavar="KEY=VALUE", help="An attribute; may be repeated."
)
_name = click.option("--toxicName", "-n", "name", help="Its name; by default <type>_<stream>.")
_needed_name = click.option("--toxicName", "-n", "name", required=True, help="Its name.")


@toxic.command(short_help="Add a toxic.")
@click.argument("proxy")
@click.option("--type", "-t", "type_", required=True, help="Its type, such as latency.")
@_name
@_toxicity
@_attributes
@click.option("--upstream", "-u", is_flag=True, help="Strike what goes to the upstream.")
@click.option("--downstream", "-d", is_flag=True, help="Strike what comes from the upstream; the default.")
@click.pass_obj
def add(
    client: Client,
    proxy: str,
    type_: str,
    name: str | None,
    toxicity: float | None,
    attributes: tuple[str, ...],
    upstream: bool,
    downstream: bool,
) -> None:
    """Add a toxic to PROXY."""
    if upstream and downstream:
        raise click.UsageError("a toxic has one stream: --upstream or --downstream")
    added = client.add_toxic(
        proxy,
        type_,
        _read(attributes),
        name=name,
        stream="upstream" if upstream else "downstream",
        toxicity=1.0 if toxicity is None else toxicity,
    )
    click.echo(f"Added {added['stream']} {added['type']} toxic '{added['name']}' on proxy '{proxy}'")


@toxic.command(short_help="Change a toxic.")
@click.argument("proxy")
@_needed_name
@_toxicity
@_attributes
@click.pass_obj
def update(client: Client, proxy: str, name: str, toxicity: float | None, attributes: tuple[str, ...]) -> None:
    """Change a toxic of PROXY; its toxicity, and attributes that are not named, stay as they are."""
    # a request that does not name the toxicity leaves it; toxiproxy-cli always names it, and so resets it to 1
    changes: dict[str, Any] = {} if toxicity is None else {"toxicity": toxicity}
    if attributes:
        changes["attributes"] = _read(attributes)
    if not changes:
        raise click.UsageError("nothing to change: give --toxicity or --attribute")
    client.update_toxic(proxy, name, **changes)
    click.echo(f"Updated toxic '{name}' on proxy '{proxy}'")


@toxic.command(short_help="Remove a toxic.")
@click.argument("proxy")
@_needed_name
@click.pass_obj
def remove(client: Client, proxy: str, name: str) -> None:
    """Remove a toxic of PROXY."""
    if not client.remove_toxic(proxy, name):
        _need_toxic(client, proxy, name)
    click.echo(f"Removed toxic '{name}' on proxy '{proxy}'")


# -- helpers


def _need(client: Client, proxy: str) -> dict[str, Any]:
    found = client.proxy(proxy)
    if found is None:
        raise _unknown(client, proxy)
    return found


def _unknown(client: Client, proxy: str) -> UnknownError:
    return UnknownError(f"{client.url} has no proxy {proxy!r}; have {', '.join(sorted(client.proxies())) or 'none'}")


def _need_toxic(client: Client, proxy: str, name: str) -> dict[str, Any]:
    found = client.toxic(proxy, name)
    if found is None:
        names = [each["name"] for each in _need(client, proxy)["toxics"]]
        raise UnknownError(f"{client.url}: proxy {proxy!r} has no toxic {name!r}; have {', '.join(names) or 'none'}")
    return found


def _read(attributes: Iterable[str]) -> dict[str, Any]:
    return dict(_attribute(each) for each in attributes)


def _attribute(text: str) -> tuple[str, Any]:
    """Return key and value; what looks like a number is one, and a whole one stays whole: servers insist on that."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--attribute")
    return key, _value(value)


def _value(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text, text)


def _enabled(proxy: Mapping[str, Any]) -> str:
    return "enabled" if proxy["enabled"] else "disabled"


def _row(proxy: Mapping[str, Any]) -> tuple[str, ...]:
    return proxy["name"], proxy["listen"], proxy["upstream"], _enabled(proxy), str(len(proxy["toxics"]))


def _toxic_row(toxic: Mapping[str, Any]) -> tuple[str, ...]:
    attributes = "".join(f"\t{key}={value}" for key, value in sorted(toxic["attributes"].items()))
    return (
        toxic["name"],
        f"type={toxic['type']}",
        f"stream={toxic['stream']}",
        f"toxicity={toxic['toxicity']:.2f}",
        f"attributes=[{attributes}\t]",
    )


def _show(head: tuple[str, ...], rows: list[tuple[str, ...]], nothing: str) -> None:
    """Print a table for people on a terminal, and lines with tabs, as toxiproxy-cli does, for programs."""
    if not _is_terminal():
        for row in rows:
            click.echo("\t".join(row))
        return
    click.echo("\n".join(_table([head, *([cell.replace("\t", " ") for cell in row] for row in rows)])))
    if not rows:
        click.echo(nothing)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _table(rows: list[Any]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
