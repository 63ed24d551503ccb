"""Rules find nothing in histories that are as they should be."""

from hypothesis import HealthCheck, given, settings

from chaos_sqlsaga.checkers import Checker, calls, check, depth, ends, forward, mirrors, once, progress
from chaos_sqlsaga.history import SagaEvent
from plugins.chaos_sqlsaga.tests.checkers.histories import mixed, shown

RULES = (ends, mirrors, forward, calls, once, progress(1_000), depth(100, 1))
SETTINGS = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(mixed())
def test_a_valid_history_breaks_no_rule(history: list[SagaEvent]) -> None:
    """Sagas that ran as they should, one by one or side by side, break no rule."""
    assert [str(each) for each in check(history, *RULES)] == [], shown(history)


@SETTINGS
@given(mixed())
def test_sagas_that_are_over_are_forgotten(history: list[SagaEvent]) -> None:
    """A checker keeps nothing of sagas that have ended but that they did."""
    checker = Checker(*RULES, remembered=1)
    for event in history:
        checker.see(event)
    assert not checker.sagas
    assert checker.seen == len(history)
