"""What this plugin offers."""

import inspect
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import chaos_prometheus
from chaos_prometheus import plugin
from chaoscore import Reporter


def test_it_offers_its_reporters() -> None:
    """`chaos_reporters` offers the page, the Pushgateway and the textfile."""
    kinds = [each.kind for each in plugin.chaos_reporters()]
    assert kinds == ["prometheus", "prometheus_pushgateway", "prometheus_textfile"]


@pytest.mark.parametrize("part", plugin.chaos_reporters(), ids=lambda part: part.kind)
def test_the_signature_is_the_schema(part: type[Reporter]) -> None:
    """Every parameter has a type that can be read, and a sentence in the docstring."""
    described = inspect.getdoc(part) or ""
    for name, parameter in inspect.signature(part).parameters.items():
        assert parameter.annotation is not inspect.Parameter.empty, name
        assert f"    {name}: " in described or f"    {name}_s: " in described, name


def test_every_public_name_is_there() -> None:
    """What the door lists can be imported, and the reporters under their kinds."""
    assert chaos_prometheus.__all__ == sorted(chaos_prometheus.__all__)
    assert all(hasattr(chaos_prometheus, name) for name in chaos_prometheus.__all__)
    assert {each.kind for each in plugin.chaos_reporters()} <= set(chaos_prometheus.__all__)


def test_the_client_library_is_not_loaded_before_a_run() -> None:
    """Commands that do not run anything do not pay for an HTTP server and a client library."""
    program = "import sys, chaos_prometheus.plugin; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_it_is_found_where_it_is_installed() -> None:
    """An installed plugin is an entry point of the group `chaoscore`, and its command one of `chaoscore.commands`."""
    found = entry_points(group="chaoscore", name="prometheus")
    if not found:
        pytest.skip("cannot run here: this plugin is not installed")
    assert [each.load() for each in found] == [plugin]
    [command] = entry_points(group="chaoscore.commands", name="prometheus")
    assert command.load().name == "prometheus"
