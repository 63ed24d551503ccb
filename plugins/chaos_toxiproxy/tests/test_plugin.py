"""What this plugin offers."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import chaos_toxiproxy
from chaos_toxiproxy import plugin, servers
from chaoscore import Undo

OFFERED = [*plugin.chaos_injectors(), *plugin.chaos_providers()]


def test_it_offers_every_public_part() -> None:
    """What can be imported by a small name is offered to scenario files, under that name."""
    offered = {each.kind.removeprefix("toxiproxy."): each for each in OFFERED}
    public = {
        name for name in chaos_toxiproxy.__all__ if inspect.isclass(getattr(chaos_toxiproxy, name)) and name.islower()
    }
    assert set(offered) == public
    assert all(getattr(chaos_toxiproxy, name) is each for name, each in offered.items())


def test_faults_end_with_what_is_provided() -> None:
    """Every injector says that its faults end with the proxies, at the latest."""
    assert {vars(each).get("undo", Undo.PROVIDED) for each in plugin.chaos_injectors()} == {Undo.PROVIDED}


def test_it_offers_an_undo_for_everything_that_outlives_a_run() -> None:
    """There is an action for toxics, for proxies, and for those that are down."""
    assert set(plugin.chaos_undos()) == {"toxiproxy.toxic", "toxiproxy.proxy", "toxiproxy.down"}


@pytest.mark.parametrize("part", OFFERED, ids=lambda part: part.kind)
def test_the_signature_is_the_schema(part: type) -> None:
    """Every parameter of a part has a type that can be read, and a sentence in the docstring of its class or a base."""
    described = "\n".join(inspect.getdoc(each) or "" for each in part.__mro__)
    for name, parameter in inspect.signature(part, eval_str=False).parameters.items():
        assert parameter.annotation is not inspect.Parameter.empty, name
        assert f"    {name}: " in described or f"    {name}_" in described, name


def test_the_door_is_complete() -> None:
    """Every public name can be imported, and nothing else can; no module of the package has the name of a part."""
    assert sorted(chaos_toxiproxy._HOME) == chaos_toxiproxy.__all__
    assert all(callable(getattr(chaos_toxiproxy, name)) for name in chaos_toxiproxy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'burn'"):
        chaos_toxiproxy.burn  # noqa: B018
    modules = {each.name for each in pkgutil.iter_modules(chaos_toxiproxy.__path__)}
    assert modules & set(chaos_toxiproxy.__all__) == set()


def test_offering_loads_no_server() -> None:
    """Asking the plugin what it offers imports neither the embedded server nor asyncio."""
    code = (
        "import sys; from chaos_toxiproxy import plugin;"
        "plugin.chaos_injectors(), plugin.chaos_providers(), plugin.chaos_undos();"
        "print([name for name in sys.modules if name.startswith('chaos_toxiproxy.server.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_both_sides_mean_one_variable() -> None:
    """The token of the API stands in the same variable for servers and for clients."""
    assert importlib.import_module("chaos_toxiproxy.server.options").TOKEN == servers.TOKEN


def test_the_checkups_work() -> None:
    """What the doctor tries works here, and says what was felt."""
    assert {name: check() for name, check in plugin.chaos_checkups().items()}["toxiproxy.embedded"].count("50 ms") == 1


@pytest.mark.usefixtures("installed")
def test_it_is_found_where_it_is_installed() -> None:
    """An installed plugin is an entry point of the group `chaoscore`, and its command one of `chaoscore.commands`."""
    [found] = entry_points(group="chaoscore", name="toxiproxy")
    assert found.load() is plugin
    [command] = entry_points(group="chaoscore.commands", name="toxiproxy")
    assert command.load().name == "toxiproxy"
