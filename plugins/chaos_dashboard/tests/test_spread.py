"""Durations in a bounded number of cells."""

import random

import pytest

from chaos_dashboard.spread import Spread

CHANCE = random.Random(1)
DURATIONS = sorted(CHANCE.lognormvariate(-4, 1) for _ in range(20_000))


@pytest.mark.parametrize("share", [0.001, 0.5, 0.9, 0.99, 1.0])
def test_a_quantile_is_off_by_four_thousandths(share: float) -> None:
    """Each quantile lies within 0.4 % of the exact one, and of a coarse spread within 3.2 %."""
    exact = DURATIONS[max(round(share * len(DURATIONS)) - 1, 0)]
    spread = Spread.of(DURATIONS)
    assert spread.quantiles(share)[0] == pytest.approx(exact, rel=0.004)
    assert spread.coarse().quantiles(share)[0] == pytest.approx(exact, rel=0.032)


def test_two_together_are_as_one() -> None:
    """Spreads that are added count as if one had counted everything."""
    both = Spread.of(DURATIONS[::2])
    both.add(Spread.of(DURATIONS[1::2]))
    assert both.cells == Spread.of(DURATIONS).cells
    assert both.count == 20_000


def test_nothing_has_no_quantile() -> None:
    """An empty spread has no quantiles and no density."""
    assert Spread().quantiles(0.5, 0.99) == (None, None)
    assert list(Spread().density()) == []
    assert not Spread()


def test_zero_is_a_duration() -> None:
    """What took no time at all is counted."""
    assert Spread.of([0.0, 0.0]).quantiles(0.5) == (0.0,)


def test_the_density_is_all_of_it() -> None:
    """The shares of the density add up to one, and its durations rise."""
    points = list(Spread.of(DURATIONS).density())
    assert sum(share for _, share in points) == pytest.approx(1)
    assert [at for at, _ in points] == sorted(at for at, _ in points)
