import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from chaoscore import hookspecs

Chaos = Callable[..., Result]
Install = Callable[..., Path]

NAP = """
    import attrs
    from chaoscore import Undo, hookimpl
    from chaoscore.units import seconds

    @attrs.frozen
    class Nap:
        '''
        Sleep at points.

        Attributes:
            long_s: How long, in seconds.
        '''
        kind = "nap"
        undo = Undo.KERNEL
        answers = frozenset({"point"})
        at = None
        long_s: float = attrs.field(converter=seconds, alias="long")
        deep: bool = False

        def answer(self, ask): ...

    @hookimpl
    def chaos_injectors():
        return (Nap,)

    class Back:
        '''Wake up.'''
        def undo(self, args): return "woken"
        def in_effect(self, args): return False

    @hookimpl
    def chaos_undos():
        return {"nap.wake": Back()}
"""


def test_what_is_installed(chaos: Chaos, install: Install) -> None:
    """Each plugin is listed with its distribution, what it offers, and the parameters with units and defaults."""
    install("sleepy", NAP)
    text = chaos("plugins").stdout
    assert "sleepy (chaos-sleepy 1.0)\n  injector nap: Sleep at points.\n" in text
    assert "      long  duration: '5ms', '1m30s' or seconds, required - How long, in seconds.\n" in text
    assert "      deep  true or false, default false\n" in text
    assert "  undo action nap.wake: Wake up.\n" in text
    assert text.startswith("builtin (chaoscore ")


def test_a_broken_plugin_is_listed_with_its_reason(chaos: Chaos, install: Install) -> None:
    """A plugin that cannot be used is listed all the same, and is no failure of the command."""
    install("bad", "1 / 0")
    text = chaos("plugins").stdout
    assert "bad (chaos-bad 1.0)\n  BROKEN: ZeroDivisionError: division by zero\n" in text


def test_a_name_that_two_offer_is_listed_with_both(chaos: Chaos, install: Install) -> None:
    """A name that cannot be used because two plugins offer it names both."""
    install("one", NAP)
    install("two", NAP, where="other")
    text = chaos("plugins").stdout
    assert "UNUSABLE: the injector 'nap' is offered by one (chaos-one 1.0) and two (chaos-two 1.0)" in text


def test_the_same_as_json(chaos: Chaos, install: Install) -> None:
    """Programs get the same as JSON."""
    install("sleepy", NAP)
    install("bad", "1 / 0", where="other")
    found = json.loads(chaos("plugins", "--json").stdout)
    plugins = {each["plugin"]: each for each in found["plugins"]}
    assert plugins["sleepy"] == {"plugin": "sleepy", "distribution": "chaos-sleepy 1.0", "broken": None}
    assert plugins["bad"]["broken"] == "ZeroDivisionError: division by zero"
    (nap,) = (each for each in found["injectors"] if each["name"] == "nap")
    assert nap["parameters"][0] == {
        "name": "long",
        "takes": "duration: '5ms', '1m30s' or seconds",
        "required": True,
        "default": None,
        "description": "How long, in seconds.",
    }
    assert "nap.wake" in [each["name"] for each in found["undo_actions"]]
    assert found["clashes"] == []


def test_every_hook_has_its_list(chaos: Chaos) -> None:
    """What any hook offers is in the output: no sort of part is forgotten."""
    found = json.loads(chaos("plugins", "--json").stdout)
    hooks = [name for name in dir(hookspecs) if name.startswith("chaos_")]
    assert len(found.keys() - {"plugins", "commands", "clashes"}) == len(hooks)


def test_a_hostile_reason_moves_no_cursor(chaos: Chaos, install: Install) -> None:
    """The text of a plugin's error is shown with its control characters escaped."""
    install("bad", "raise ValueError('\\x1b[2J')")
    assert "ValueError: \\x1b[2J" in chaos("plugins").stdout
