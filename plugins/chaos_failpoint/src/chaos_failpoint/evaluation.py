"""
Which term of several fires: decided without acting.

A probability is not drawn at every hit. What is drawn is the distance to the next success, which follows the same law
and needs a number only for each success; until then the failpoint costs little more than a method call.

Source: the geometric distribution as the waiting time of a Bernoulli process; ``u < p`` holds exactly where the
distance is 0, so ``0%`` never and ``100%`` always succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log1p

from chaos_failpoint.grammar import Most, Percent, Skip, Term, Terms

Draw = Callable[[], float]

LONGEST = 2**62
"""The longest lull: more hits than there can be."""


class Counts:
    """How often each modifier of each term may still pass, or still has to be passed by."""

    def __init__(self, terms: Terms) -> None:
        self.left = [[0 if isinstance(each, Percent) else each.count for each in term.modifiers] for term in terms]


class Gaps:
    """How many failures each probability of each term has before its next success; None where that is not drawn yet."""

    def __init__(self, terms: Terms) -> None:
        self.left: list[list[float | None]] = [[None for _ in term.modifiers] for term in terms]


def distance(percent: float, draw: Draw) -> float:
    """Return how many failures come before the next success of this probability."""
    probability = percent / 100
    if probability <= 0.0:
        return inf
    if probability >= 1.0:
        return 0
    return log1p(-draw()) / log1p(-probability) // 1


def evaluate(terms: Terms, matching: Sequence[bool], counts: Counts, gaps: Gaps | None, draw: Draw) -> int | None:
    """
    Return which term fires, or None.

    Args:
        terms: The terms, in order.
        matching: For each, whether the hit passes its filters; if not, nothing of it is used up.
        counts: Is changed.
        gaps: Is changed; None draws a number for each probability instead, where hits have no order.
        draw: Returns the next number in [0, 1).
    """
    for index, term in enumerate(terms):
        if matching[index] and _passes(term, counts.left[index], None if gaps is None else gaps.left[index], draw):
            return index
    return None


def _passes(term: Term, counts: list[int], gaps: list[float | None] | None, draw: Draw) -> bool:
    """Tell whether all modifiers pass, in written order."""
    for at, modifier in enumerate(term.modifiers):
        if isinstance(modifier, Percent):
            passes = distance(modifier.percent, draw) == 0 if gaps is None else _succeeds(modifier, gaps, at, draw)
        else:
            passes = (counts[at] > 0) is isinstance(modifier, Most)
            counts[at] -= counts[at] > 0
        if not passes:
            return False
    return True


def _succeeds(modifier: Percent, gaps: list[float | None], at: int, draw: Draw) -> bool:
    gap = gaps[at]
    if gap is None:
        gap = distance(modifier.percent, draw)
    gaps[at] = gap - 1 if gap else None
    return not gap


def lull(terms: Terms, counts: Counts, gaps: Gaps, draw: Draw) -> int:
    """
    Return for how many evaluations no term can fire, and count them as done.

    Only what lies in *gaps* is looked ahead: counts may go down elsewhere in the meantime.
    """
    waiting = []
    shortest: float = LONGEST
    for index, term in enumerate(terms):
        at = _decisive(term, counts.left[index])
        if at is None:
            continue
        if at < 0 or term.filters:
            return 0
        modifier, left = term.modifiers[at], gaps.left[index]
        assert isinstance(modifier, Percent)
        if left[at] is None:
            left[at] = distance(modifier.percent, draw)
        shortest = min(shortest, left[at] or 0)
        waiting.append((left, at))
    for left, at in waiting:
        left[at] = (left[at] or 0) - shortest
    return int(shortest)


def _decisive(term: Term, counts: list[int]) -> int | None:
    """
    Return which modifier decides about the next evaluations of *term*: the first probability.

    None where it can never fire again, -1 where the very next evaluation changes something or may fire.
    """
    for at, modifier in enumerate(term.modifiers):
        if modifier == Percent(0.0) or (isinstance(modifier, Most) and not counts[at]):
            return None
    for at, modifier in enumerate(term.modifiers):
        if isinstance(modifier, Percent) and modifier.percent < 100:
            return at
        if isinstance(modifier, Most) or (isinstance(modifier, Skip) and counts[at]):
            return -1
    return -1
