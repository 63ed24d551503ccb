"""What the plugin offers."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import chaos_sqlsaga
from chaos_sqlsaga import plugin


def test_its_parts_are_offered_by_their_kinds() -> None:
    """`chaos_injectors`, `chaos_validators`, `chaos_targets` and `chaos_undos` offer every part, by its name."""
    assert [each.kind for each in plugin.chaos_injectors()] == [
        "saga.handler_error", "saga.compensation_error", "saga.lease_error", "saga.statement_error",
        "saga.commit_error", "saga.slow_statement", "saga.sever", "saga.corrupt_row", "saga.kill_worker",
    ]  # fmt: skip
    assert [each.kind for each in plugin.chaos_validators()] == [
        "saga.invariants", "saga.ends", "saga.mirrors", "saga.forward", "saga.calls", "saga.once", "saga.progress",
        "saga.rollback_depth", "saga.queue_empty", "saga.consistent",
    ]  # fmt: skip
    assert list(plugin.chaos_targets()) == ["sqlsaga.engine"]
    assert list(plugin.chaos_undos()) == ["saga.corrupt_row"]


def test_the_front_door_leads_to_everything() -> None:
    """Every public name is there, and no submodule of the same name gets in its way."""
    assert [name for name in chaos_sqlsaga.__all__ if isinstance(getattr(chaos_sqlsaga, name), ModuleType)] == []
    assert set(chaos_sqlsaga.__all__) <= set(dir(chaos_sqlsaga))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = chaos_sqlsaga.nothing


def test_telling_costs_no_engine() -> None:
    """Code that only tells what happens loads neither the engine nor asyncio."""
    code = "import sys; from chaos_sqlsaga import record_saga_event; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "chaos_sqlsaga.recording" in loaded
    assert loaded & {"asyncio", "sqlite3", "chaos_sqlsaga.engine", "chaos_sqlsaga.checkers"} == set()


def test_no_module_has_the_name_of_something_public() -> None:
    """A module of the same name would take the place of what is public as soon as somebody imports it."""
    modules = {path.stem for path in Path(chaos_sqlsaga.__file__).parent.iterdir()}
    assert modules & set(chaos_sqlsaga.__all__) == set()
