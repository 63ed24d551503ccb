"""Occasions are made from what an injector says about itself."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from chaoscore import injectors
from chaoscore.testing.occasions import fitting, visit_for


@pytest.mark.parametrize("glob", ["*", "db.*", "a?c", "[abc]d*", "*.read", "before:*", "plain", "[0-9]x"])
def test_a_name_fits_its_glob(glob: str) -> None:
    """A name made for a glob matches it."""
    assert fnmatchcase(fitting(glob, "point"), glob)


def test_any_name_fits_where_there_is_no_glob() -> None:
    """Without a glob the usual name is taken."""
    assert fitting(None, "point") == "point"


@pytest.mark.parametrize("glob", ["[!a]b", "[]]x"])
def test_a_glob_that_is_too_hard_is_refused(glob: str) -> None:
    """Where no name is found, the error asks for a step."""
    with pytest.raises(TypeError, match="pass strike="):
        fitting(glob, "point")


@pytest.mark.parametrize(
    ("injector", "kinds", "point", "step"),
    [
        (injectors.delay("1ms"), ("delay", "point"), "point", "strike"),
        (injectors.delay("1ms", at="db.*"), ("delay", "point"), "db.x", "strike"),
        (injectors.delay("1ms", at="after:buy"), (), "after:buy", "buy"),
        (injectors.network("db*", 5432, refuse=1), ("network",), "dbx:5432", "strike"),
        (injectors.network(refuse=1), ("network",), "x:1", "strike"),
    ],
)
def test_an_injector_is_visited_where_it_strikes(injector: Any, kinds: tuple[str, ...], point: str, step: str) -> None:
    """The points that are visited are those that ask the injector, borders of steps among them."""
    visit = visit_for(injector)
    assert (visit.kinds, visit.point, visit.step) == (kinds, point, step)


def test_a_connection_has_a_host_and_a_port() -> None:
    """A network point carries host and port as tags, as a real one does."""
    assert visit_for(injectors.network("db*", 5432, refuse=1)).tags == {"host": "dbx", "port": 5432}
