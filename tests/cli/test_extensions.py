import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Chaos = Callable[..., Result]
Install = Callable[..., Path]

HUM = """
    import click
    from chaoscore import UnknownNameError, hookimpl

    @hookimpl
    def chaos_targets():
        return {}

    @click.command()
    @click.argument("tune", default="")
    def hum(tune):
        if not tune:
            raise UnknownNameError("hum", "tune", tune, ("one",))
        print("hum", tune)

    run = hum
    nothing = 5
"""


def test_a_plugin_brings_a_command(chaos: Chaos, install: Install) -> None:
    """What an entry point names is a command like any other, whose errors are messages."""
    install("hum", HUM, commands="hum")
    assert chaos("hum", "one").stdout == "hum one\n"
    assert "no tune ''" in chaos("hum", code=4).stderr


def test_it_is_imported_only_where_it_is_used(chaos: Chaos, install: Install) -> None:
    """The help says where to look; the list of plugins names the command, also where the plugin does not import."""
    install("hum", "raise ImportError('no tune')", commands="hum")
    assert "see `chaoscore plugins`" in chaos("--help").stdout
    assert "\n  command hum\n" in chaos("plugins").stdout
    assert {"name": "hum", "distribution": "chaos-hum 1.0"} in json.loads(chaos("plugins", "--json").stdout)["commands"]
    stderr = chaos("hum", code=3).stderr
    assert "chaos-hum 1.0" in stderr
    assert "its command 'hum' does not load: ImportError: no tune" in stderr


def test_the_cores_own_commands_come_first(chaos: Chaos, install: Install) -> None:
    """No plugin takes the place of a command of the core."""
    install("hum", HUM, commands="run")
    assert "VERDICT PASS" in chaos("run", "shop.py").stdout


def test_two_plugins_with_one_command(chaos: Chaos, install: Install) -> None:
    """A command that two plugins bring is an error that names both."""
    install("hum", HUM, commands="hum")
    install("other", HUM, commands="hum", where="elsewhere")
    stderr = chaos("hum", "one", code=3).stderr
    assert "chaos-hum 1.0" in stderr
    assert "so does chaos-other 1.0; uninstall all but one" in stderr


def test_what_is_no_command(chaos: Chaos, install: Install) -> None:
    """An entry point that names something else is an error that shows it."""
    install("hum", HUM, commands="nothing")
    assert "must be a click.Command, not 5" in chaos("nothing", code=3).stderr


@pytest.mark.parametrize("command", ["hmu", "--hum"])
def test_an_unknown_command(chaos: Chaos, install: Install, command: str) -> None:
    """What nobody offers is wrong usage."""
    install("hum", HUM, commands="hum")
    assert command in chaos(command, code=2).stderr
