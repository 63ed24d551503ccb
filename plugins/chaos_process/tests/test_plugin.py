"""What this plugin offers."""

import inspect
from importlib.metadata import entry_points

import pytest

import chaos_process
from chaos_process import plugin
from chaoscore import Injector, Undo


def test_it_offers_its_injectors() -> None:
    """`chaos_injectors` offers five faults, and each says what undoes it."""
    offered = {each.kind: vars(each)["undo"] for each in plugin.chaos_injectors()}
    assert offered == {
        "process.cpu": Undo.KERNEL,
        "process.kill": Undo.MANUAL,
        "process.limit": Undo.JOURNAL,
        "process.memory": Undo.KERNEL,
        "process.pause": Undo.JOURNAL,
    }


def test_it_offers_a_checkup_for_every_fault() -> None:
    """`chaos_checkups` tries each injector's fault, and nothing else."""
    assert set(plugin.chaos_checkups()) == {each.kind for each in plugin.chaos_injectors()}


def test_it_offers_its_validators() -> None:
    """`chaos_validators` offers three limits."""
    kinds = {each.kind for each in plugin.chaos_validators()}
    assert kinds == {"process.child_limit", "process.fd_limit", "process.memory_limit"}


def test_it_offers_an_undo_for_every_fault_that_needs_one() -> None:
    """`chaos_undos` has an action for each injector whose faults a journal undoes, and for no other."""
    needed = {each.kind for each in plugin.chaos_injectors() if vars(each)["undo"] is Undo.JOURNAL}
    assert set(plugin.chaos_undos()) == needed


@pytest.mark.parametrize("part", [*plugin.chaos_injectors(), *plugin.chaos_validators()], ids=lambda part: part.kind)
def test_the_signature_is_the_schema(part: type[Injector]) -> None:
    """Every parameter of a part has a type that can be read, and a sentence in the docstring of its class or a base."""
    described = "\n".join(inspect.getdoc(each) or "" for each in part.__mro__)
    for name, parameter in inspect.signature(part, eval_str=False).parameters.items():
        assert parameter.annotation is not inspect.Parameter.empty, name
        assert f"    {name}: " in described or f"    {name}_" in described, name


def test_the_door_is_complete() -> None:
    """Every public name can be imported, and nothing else can."""
    assert sorted(chaos_process._HOME) == chaos_process.__all__
    assert all(callable(getattr(chaos_process, name)) for name in chaos_process.__all__)
    with pytest.raises(AttributeError, match="no attribute 'burn'"):
        chaos_process.burn  # noqa: B018


@pytest.mark.usefixtures("installed")
def test_it_is_found_where_it_is_installed() -> None:
    """An installed plugin is an entry point of the group `chaoscore`."""
    [found] = entry_points(group="chaoscore", name="process")
    assert found.load() is plugin
