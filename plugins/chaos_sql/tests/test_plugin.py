"""What the plugin offers."""

from chaos_sql import plugin


def test_its_parts_are_offered_by_their_kinds() -> None:
    """`chaos_injectors` and `chaos_validators` offer every part, under names that begin with the plugin's own."""
    kinds = [each.kind for each in plugin.chaos_injectors()]
    assert kinds == ["sql.delay", "sql.error", "sql.commit_error", "sql.kill"]
    assert [each.kind for each in plugin.chaos_validators()] == ["sql.consistent"]
