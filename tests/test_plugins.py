import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chaoscore import injectors, reporters, validators
from chaoscore.errors import PluginError, UnknownNameError
from chaoscore.offers import Broken
from chaoscore.plugins import catalogue

Install = Callable[..., Path]

INJECTOR = """
    import attrs
    from chaoscore import Undo, hookimpl

    @attrs.frozen
    class Nap:
        kind = "{kind}"
        undo = Undo.KERNEL
        answers = frozenset({{"point"}})
        at = None

        def answer(self, ask):
            return None

    @hookimpl
    def chaos_injectors():
        return (Nap,)
"""


def broken(plugin: str) -> Broken:
    """The one broken plugin of that name."""
    (found,) = (each for each in catalogue().broken if each.plugin == plugin)
    return found


def test_what_the_core_exports_is_what_it_offers() -> None:
    """Every injector, validator and reporter of the core's doors can be asked for by the name it is exported under."""
    found = catalogue()
    for door, offers in ((injectors, found.injectors), (validators, found.validators), (reporters, found.reporters)):
        parts = {name: part for name in door.__all__ if hasattr(part := getattr(door, name), "kind")}
        assert {name: offers.need(name, "here").part for name in parts} == parts
        assert len(parts) >= 5


def test_the_core_is_the_first_plugin_and_not_broken() -> None:
    """The core's own parts come through the same hooks, before all others."""
    assert catalogue().plugins[0] == ("builtin", catalogue().injectors.all[0].distribution)
    assert "builtin" not in [each.plugin for each in catalogue().broken]


def test_an_installed_plugin_is_found(install: Install) -> None:
    """A plugin's injector is found by its kind, with the plugin and the distribution that bring it."""
    install("sleepy", INJECTOR.format(kind="sleepy.nap"))
    offer = catalogue().injectors.need("sleepy.nap", "here")
    assert (offer.plugin, offer.distribution) == ("sleepy", "chaos-sleepy 1.0")


def test_how_it_is_undone_may_depend_on_parameters(install: Install) -> None:
    """An injector whose `undo` is a property is one: only its values can tell."""
    source = INJECTOR.format(kind="sleepy.nap").replace("undo = Undo.KERNEL", "undo = property(lambda self: Undo.TTL)")
    install("sleepy", source)
    assert "sleepy.nap" in catalogue().injectors.names


def test_plugins_come_sorted_by_name(install: Install) -> None:
    """Plugins are asked in the order of their names, wherever on the path they are."""
    install("zebra", INJECTOR.format(kind="zebra.nap"))
    install("ant", INJECTOR.format(kind="ant.nap"), where="other")
    names = [plugin for plugin, _ in catalogue().plugins]
    assert names.index("ant") < names.index("zebra")


def test_targets_are_offered_by_name(install: Install) -> None:
    """A plugin may offer a target under any name, made by any callable."""
    install("t", "from chaoscore import hookimpl\n@hookimpl\ndef chaos_targets():\n    return {'t.list': list}")
    assert catalogue().targets.need("t.list", "here").part is list


PROVIDER = """
    from chaoscore import Undo, hookimpl

    class Shelf:
        kind = "shop.shelf"
        undo = {undo}

        def open(self, site): ...

    @hookimpl
    def chaos_providers():
        return (Shelf,)
"""


def test_providers_are_offered_by_kind(install: Install) -> None:
    """A plugin's provider is found by its kind."""
    install("shop", PROVIDER.format(undo="Undo.JOURNAL"))
    assert catalogue().providers.need("shop.shelf", "here").part.kind == "shop.shelf"


def test_a_provider_says_how_it_is_undone(install: Install) -> None:
    """A provider without its class of undo makes its plugin a broken one, whose reason names the hook."""
    install("shop", PROVIDER.format(undo="'somehow'"))
    assert "chaos_providers: 'shop.shelf' does not say how it is undone" in broken("shop").reason


def test_undo_actions_are_offered_by_name(install: Install) -> None:
    """A plugin may offer undo actions, and they can be had as a dict."""
    source = """
        from chaoscore import hookimpl

        class Back:
            def undo(self, args):
                return "done"

            def in_effect(self, args):
                return False

        @hookimpl
        def chaos_undos():
            return {"u.back": Back()}
    """
    install("u", source)
    assert catalogue().undos.by_name()["u.back"].undo({}) == "done"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException", "BaseException"),
        ("this is no Python", "SyntaxError"),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_injector(): return ()", "unknown hook 'chaos_injector'"),
        (
            "from chaoscore import hookimpl\n@hookimpl\ndef chaos_injectors(wrong): return ()",
            "can not be found in the hookspec",
        ),
        ("def chaos_injectors(): return ()", "it implements no hook; mark at least one of chaos_injectors"),
        (
            "from chaoscore import hookimpl\n@hookimpl\ndef chaos_injectors(): return 5",
            "must return a tuple of classes",
        ),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_injectors(): return (int,)", "classes with a `kind`"),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_injectors(): return 1 / 0", "ZeroDivisionError"),
        (
            "from chaoscore import hookimpl\nclass V: kind = 'v'\n@hookimpl\ndef chaos_validators(): return (V,)",
            "'v' can do nothing; give it a method 'start'",
        ),
        (
            "from chaoscore import hookimpl\nclass R: kind = 'r'\n@hookimpl\ndef chaos_reporters(): return (R,)",
            "give it a method 'follow' or 'report'",
        ),
        (
            "from chaoscore import hookimpl as h\nclass I: kind, open = 'i', id\n@h\ndef chaos_injectors(): return I,",
            "'i' does not say how it is undone",
        ),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_targets(): return [list]", "must return a mapping"),
        (
            "from chaoscore import hookimpl\n@hookimpl\ndef chaos_targets(): return {'a': 5}",
            "must map names to classes",
        ),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_targets(): return {'a:b': list}", "must map names"),
        ("from chaoscore import hookimpl\n@hookimpl\ndef chaos_undos(): return {'a': list}", "must map names to undo"),
    ],
)
def test_a_broken_plugin_is_kept_with_its_reason(install: Install, source: str, reason: str) -> None:
    """Whatever a plugin does wrong, it is known by its name and distribution, and the reason is kept."""
    install("bad", source)
    found = broken("bad")
    assert found.distribution == "chaos-bad 1.0"
    assert reason in found.reason


def test_a_broken_plugin_offers_nothing(install: Install) -> None:
    """Of a plugin one of whose hooks is wrong, the other hooks count for nothing either."""
    install("bad", INJECTOR.format(kind="bad.nap") + "\n    @hookimpl\n    def chaos_targets():\n        return 5\n")
    assert "bad.nap" not in catalogue().injectors.names


def test_a_broken_plugin_harms_nobody_else(install: Install) -> None:
    """Names of other plugins stay usable beside a broken one."""
    install("bad", "1 / 0")
    install("good", INJECTOR.format(kind="good.nap"), where="other")
    assert catalogue().injectors.need("good.nap", "here").part


def test_a_misspelt_hook_in_one_plugin_is_not_blamed_on_the_next(install: Install) -> None:
    """Each plugin is checked for itself."""
    install("a", "from chaoscore import hookimpl\n@hookimpl\ndef chaos_injektors(): return ()")
    install("b", INJECTOR.format(kind="b.nap"), where="other")
    assert [each.plugin for each in catalogue().broken] == ["a"]


def test_an_interrupted_import_is_an_interruption(install: Install) -> None:
    """Ctrl-C while a plugin is imported ends the program instead of breaking the plugin."""
    install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        catalogue()


def test_an_unknown_name_gets_a_near_miss() -> None:
    """A name that nobody offers is an error with the place, the nearest name and where to look."""
    with pytest.raises(
        UnknownNameError, match=r"here: no injector 'dely' \(did you mean 'delay'\?\).*chaoscore plugins"
    ):
        catalogue().injectors.need("dely", "here")


def test_a_needed_name_of_a_broken_plugin_names_the_plugin(install: Install) -> None:
    """A name that nobody offers while a plugin is broken is blamed on that plugin, its distribution and its reason."""
    install("bad", "1 / 0")
    with pytest.raises(PluginError) as caught:
        catalogue().injectors.need("bad.nap", "here")
    assert (caught.value.plugin, caught.value.distribution) == ("bad", "chaos-bad 1.0")
    assert "ZeroDivisionError" in str(caught.value)
    assert "'bad.nap'" in str(caught.value)


def test_of_several_broken_plugins_the_owner_of_the_name_comes_first(install: Install) -> None:
    """A kind is prefixed by its plugin's name, so that plugin is the first suspect; the others are named as well."""
    install("a", "1 / 0")
    install("b", "import nothing_of_this_name", where="other")
    with pytest.raises(PluginError) as caught:
        catalogue().injectors.need("b.nap", "here")
    assert caught.value.plugin == "b"
    assert "'a' of chaos-a 1.0 is broken too" in str(caught.value)


def test_a_name_that_two_plugins_offer_is_an_error_naming_both(install: Install) -> None:
    """Neither of two plugins silently wins a name."""
    install("one", INJECTOR.format(kind="nap"))
    install("two", INJECTOR.format(kind="nap"), where="other")
    found = catalogue()
    with pytest.raises(PluginError) as caught:
        found.injectors.need("nap", "here")
    assert "'one' of chaos-one 1.0" in str(caught.value)
    assert "'two' of chaos-two 1.0" in str(caught.value)
    assert "nap" not in found.injectors.names
    assert "nap" not in found.injectors.by_name()
    assert found.injectors.need("delay", "here").part


def test_a_plugin_cannot_take_a_name_of_the_core(install: Install) -> None:
    """A plugin that offers ``delay`` makes ``delay`` ambiguous; it does not replace the core's."""
    install("thief", INJECTOR.format(kind="delay"))
    with pytest.raises(PluginError, match=r"'builtin' of chaoscore .* and so does plugin 'thief'"):
        catalogue().injectors.need("delay", "here")


def test_one_plugin_offering_a_name_twice_is_broken(install: Install) -> None:
    """Two classes of one kind in one plugin are its own mistake."""
    install("twice", INJECTOR.format(kind="nap").replace("(Nap,)", "(Nap, Nap)"))
    assert "offers 'nap' twice" in broken("twice").reason


def test_a_distribution_that_is_on_the_path_twice_counts_once(install: Install) -> None:
    """An editable install beside a wheel of the same distribution is one plugin."""
    install("same", INJECTOR.format(kind="same.nap"))
    install("same", INJECTOR.format(kind="same.nap"), where="other")
    assert [plugin for plugin, _ in catalogue().plugins].count("same") == 1
    assert catalogue().injectors.need("same.nap", "here").part


def test_plugins_are_imported_once(install: Install) -> None:
    """Asking again costs nothing as long as the path is the same."""
    install("good", INJECTOR.format(kind="good.nap"))
    assert catalogue() is catalogue()


def test_importing_the_catalogue_loads_no_entry_points() -> None:
    """Entry points are looked for when somebody asks what is installed, not before."""
    program = "import sys, chaoscore.plugins; sys.exit('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
