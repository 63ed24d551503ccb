"""What is legal in terms and still hardly meant."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_failpoint.errors import did_you_mean
from chaos_failpoint.grammar.terms import Modifier, Most, Percent, Term, Terms
from chaos_failpoint.grammar.writing import format_term, percent_text

TAGS = ("pid", "worker", "thread", "task", "key", "caller", "scenario")
"""What can be filtered by without a tag of one's own in `hit(...)`; a ``key`` must be given there."""


def lint(terms: Terms) -> tuple[str, ...]:
    """Return a sentence for each thing in *terms* that is probably a mistake."""
    return tuple(_problems(terms))


def _problems(terms: Terms) -> Iterator[str]:
    for index, term in enumerate(terms):
        shown = format_term(term)
        yield from (f"{shown}: {problem}" for problem in _of_term(term))
        if not term.modifiers and not term.filters and index < len(terms) - 1:
            yield (f"{shown}: it always fires, so nothing after it is ever reached; '->' means otherwise, not then")
            return


def _of_term(term: Term) -> Iterator[str]:
    kinds = [type(each) for each in term.modifiers]
    if Most in kinds and Percent in kinds[kinds.index(Most) :]:
        yield "the count goes down before the probability is asked, at every hit; write p%n* for at most n faults"
    if any(each in (Percent(0.0), Most(0)) for each in term.modifiers):
        yield "it never fires"
    for each in term.filters:
        meant = "" if each.tag in TAGS else did_you_mean(each.tag, TAGS)
        if meant:
            yield f"only hits with a tag {each.tag!r} of their own are evaluated{meant}"


def explain(terms: Terms) -> str:
    """Return what *terms* do, a line for each, in the order in which they are tried."""
    lines = [f"  {'otherwise ' * (index > 0)}{_sentence(term)}" for index, term in enumerate(terms)]
    return "\n".join(["at each hit, the first that applies:", *lines, *(f"  note: {each}" for each in lint(terms))])


def _sentence(term: Term) -> str:
    conditions = [f"if {each.tag} is like {each.glob!r}" for each in term.filters]
    conditions += map(_condition, term.modifiers)
    return ", ".join([*(conditions or ["always"]), format_term(Term(term.action, term.args))])


def _condition(modifier: Modifier) -> str:
    if isinstance(modifier, Percent):
        return f"with a probability of {percent_text(modifier.percent)} %"
    if isinstance(modifier, Most):
        return f"at most {modifier.count} times"
    return f"but not the first {modifier.count} times"
