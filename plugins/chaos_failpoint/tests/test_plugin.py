"""What the plugin offers, and how a scenario file asks for it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import chaos_failpoint
from chaos_failpoint import failpoint, failpoints, plugin


def test_its_parts_are_offered_by_their_kinds() -> None:
    """`chaos_injectors` offers the one injector, under a name that begins with the plugin's own."""
    assert [each.kind for each in plugin.chaos_injectors()] == ["failpoint.terms"]


def test_the_signature_is_the_schema() -> None:
    """The signature shows what scenario files may write: names, types and defaults."""
    parameters = inspect.signature(failpoints, eval_str=True).parameters
    assert {name: (each.annotation, each.default) for name, each in parameters.items() if name in ("at", "terms")} == {
        "at": (str, inspect.Parameter.empty),
        "terms": (str, inspect.Parameter.empty),
    }
    assert all(each.kind is each.KEYWORD_ONLY for name, each in parameters.items() if name not in ("at", "terms"))


@pytest.mark.parametrize("name", [*chaos_failpoint.__all__, "markers.install", "markers.found", "failpoints.open"])
def test_public_names_are_documented(name: str) -> None:
    """Every public class and function says what it is for."""
    found = chaos_failpoint
    for part in name.split("."):
        found = getattr(found, part)
    assert inspect.getdoc(found)


def test_no_test_leaves_anything_armed() -> None:
    """Every test begins with no failpoint at all."""
    assert chaos_failpoint.statuses() == ()
    assert failpoint("the first").name == "the first"


def test_readme_is_there() -> None:
    """The readme is the page that package indexes show."""
    assert (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").startswith("# chaos-failpoint\n")
