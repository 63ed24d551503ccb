"""Which comments are markers, and where they stand."""

from __future__ import annotations

import pytest

from chaos_failpoint import MarkerError
from chaos_failpoint.markers.finding import find


def names(source: str) -> list[tuple[str, int]]:
    return [(each.name, each.line) for each in find(source.encode(), "module.py")]


def test_markers() -> None:
    """A comment of its own on a line is a marker if it says `failpoint:` and a name."""
    source = "# failpoint: a\nx = 1\n#failpoint:b/c\ndef f():\n    # failpoint:   d.e-f   \n    pass\n"
    assert names(source) == [("a", 1), ("b/c", 3), ("d.e-f", 5)]


def test_shared() -> None:
    """A marker can say that other places may have its name."""
    (marker,) = find(b"# failpoint: a , shared\n", "module.py")
    assert (marker.name, marker.shared) == ("a", True)


@pytest.mark.parametrize(
    "source",
    [
        'TEXT = """\n# failpoint: a\n"""\n',
        "TEXT = '# failpoint: a'\n",
        "x = f'{1} # failpoint: a'\n",
        "# failpoints are nice\n",
        "# a failpoint: b\n",
        "# see failpoint: b\n",
        "# the failpoint db.commit\n",
        "x = 1  # no failpoint here\n",
        "",
    ],
)
def test_what_only_looks_like_one(source: str) -> None:
    """Texts, docstrings and prose are no markers."""
    assert names(source) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("# failpoint:\n", 1),
        ("x = 1\n# failpoint: a b\n", 2),
        ("# failpoint: a=b\n", 1),
        ("# failpoint: a;b\n", 1),
        ("# failpoint: a, sahred\n", 1),
        ("# Failpoint: a\n", 1),
        ("# fail-point: a\n", 1),
        ("# fail point: a\n", 1),
        ("# failpoints: a\n", 1),
        ("# failpoint = a\n", 1),
    ],
)
def test_wrong_names(source: str, line: int) -> None:
    """What was meant as a marker and is none is an error at its line, which says how to write one."""
    with pytest.raises(MarkerError, match="write `# failpoint: name`") as caught:
        names(source)
    assert (caught.value.filename, caught.value.lineno) == ("module.py", line)
    assert isinstance(caught.value, SyntaxError)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1  # failpoint: a\n",
        "x = (\n    # failpoint: a\n    1\n)\n",
        "f(1,\n  # failpoint: a\n  2)\n",
        "if x:  # failpoint: a\n    pass\n",
        "x = [  # failpoint: a\n]\n",
    ],
)
def test_wrong_places(source: str) -> None:
    """Beside code, or inside a statement, a marker could not say when it is hit."""
    with pytest.raises(MarkerError, match="must stand on a line of its own"):
        names(source)


def test_other_encodings() -> None:
    """A source in another encoding is read as Python reads it."""
    source = "# coding: latin-1\n# failpoint: é\n".encode("latin-1")
    assert [each.name for each in find(source, "module.py")] == ["é"]
