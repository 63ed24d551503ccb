"""The conformance kit catches every broken promise of a provider, and lets good ones pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import attrs
import pytest

from chaoscore import Site, Undo
from chaoscore.testing import ConformanceError, check_injector, check_provider
from tests.testing import lost


@attrs.frozen
class Good:
    """
    Set an environment variable.

    Attributes:
        value: What it is set to.
    """

    kind: ClassVar[str] = "good"
    undo: ClassVar[Undo] = Undo.KERNEL

    value: str = attrs.field(default="on", validator=attrs.validators.instance_of(str))

    @contextmanager
    def open(self, site: Site) -> Iterator[str]:
        """Set it for as long as the block lasts."""
        os.environ[lost.VARIABLE] = self.value
        try:
            yield self.value
        finally:
            del os.environ[lost.VARIABLE]


class Leaves(Good):
    """Leaves it set."""

    @contextmanager
    def open(self, site: Site) -> Iterator[str]:
        os.environ[lost.VARIABLE] = self.value
        yield self.value


class Undeclared(Good):
    """Does not say how it is undone."""

    undo = None  # type: ignore[assignment]


class Swallows(Good):
    """Keeps the exception that leaves it."""

    @contextmanager
    def open(self, site: Site) -> Iterator[str]:
        with super().open(site) as value, suppress(BaseException):
            yield value


@pytest.fixture(autouse=True)
def _unset() -> Iterator[None]:
    yield
    os.environ.pop(lost.VARIABLE, None)


def is_set(_: Any) -> bool:
    return lost.VARIABLE in os.environ


def test_a_good_one_passes() -> None:
    """A provider that keeps every promise passes."""
    check_provider(Good, in_effect=is_set, wrong=[{"value": 5}])


@pytest.mark.parametrize(
    ("make", "promise", "found"),
    [
        (Leaves, "lifts its fault", f"environment variable {lost.VARIABLE}"),
        (Undeclared, "declares that it makes something", "undo is None"),
        (Swallows, "lets the exception through", "was swallowed"),
    ],
)
def test_a_broken_promise_is_named(make: Any, promise: str, found: str) -> None:
    """Each broken promise is named, with what was found."""
    with pytest.raises(ConformanceError) as caught:
        check_provider(make)
    assert promise in caught.value.promise
    assert found in caught.value.found


@attrs.frozen
class Strikes:
    """Strike in what is provided."""

    kind: ClassVar[str] = "strikes"
    undo: ClassVar[Undo] = Undo.PROVIDED

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Tell what was provided."""
        site.landed(self.kind, site.provided["place"], "")
        yield


def test_injectors_are_tried_with_what_is_provided() -> None:
    """An injector that strikes in something provided is opened with it, by hand and in runs; the target gets it too."""
    seen = []

    class Target:
        def setup(self, place: str) -> None:
            seen.append(place)

    check_injector(Strikes, target=Target, providers={"place": Good("here")})
    assert set(seen) == {"here"}
    assert not is_set(None)
