"""What the plugin offers."""

from chaos_dashboard import plugin


def test_its_reporters_are_offered_by_their_kinds() -> None:
    """`chaos_reporters` offers the page and the report under the names that the command line asks for."""
    assert [each.kind for each in plugin.chaos_reporters()] == ["live", "html"]
