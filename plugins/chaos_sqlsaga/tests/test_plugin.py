"""What the plugin offers."""

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
