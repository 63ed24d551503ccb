"""Rules find what they are meant to find: every valid history, broken in every way."""

from itertools import islice

import pytest
from hypothesis import HealthCheck, assume, given, settings

from chaos_sqlsaga.checkers import calls, check, depth, ends, forward, mirrors, once, progress
from chaos_sqlsaga.history import SagaEvent
from plugins.chaos_sqlsaga.tests.checkers.histories import histories, shown
from plugins.chaos_sqlsaga.tests.checkers.mutations import MUTATIONS

RULES = {each.name: each for each in (ends, mirrors, forward, calls, once, progress(1_000), depth(100, 1))}
MOST = 40
"""Broken histories of one valid one."""


@pytest.mark.parametrize("name", MUTATIONS)
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(histories())
def test_what_is_broken_is_found(name: str, history: list[SagaEvent]) -> None:
    """The rule that is meant to find a mutation finds it, wherever in the history it is, and no other history."""
    rule, mutate = MUTATIONS[name]
    mutants = list(islice(mutate(history), MOST))
    assume(mutants)
    assert RULES[rule](history) == []
    for mutant in mutants:
        found = RULES[rule](mutant)
        assert found, shown(mutant)
        assert {each.saga for each in found} == {"1"}
        assert all(each.rule == rule and str(each).startswith("saga 1 (d)") for each in found)


def test_every_rule_has_its_mutations() -> None:
    """There is no rule that no mutation tries."""
    assert {rule for rule, _ in MUTATIONS.values()} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_found_names_the_step(rule: str) -> None:
    """A finding about a step names it, in its text and as a value."""
    history = [SagaEvent("7", "began", at_s=1.0), SagaEvent("7", "started", "pay", attempt=1, at_s=2.0)]
    history += [SagaEvent("7", "started", "pay", attempt=1, at_s=3.0, worker="w")]
    found = [each for each in check(history, RULES["calls"]) if each.rule == "calls"]
    assert [(each.saga, each.step, each.since_s, each.at_s, each.worker) for each in found] == [("7", "pay", 1, 3, "w")]
    assert "step 'pay'" in str(found[0])
