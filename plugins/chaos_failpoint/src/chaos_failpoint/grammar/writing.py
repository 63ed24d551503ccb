"""From terms to text: `parse(format_terms(x)) == x`."""

from __future__ import annotations

from chaos_failpoint.grammar.arguments import ACTIONS
from chaos_failpoint.grammar.terms import Config, Modifier, Percent, Skip, Term, Terms


def format_terms(terms: Terms) -> str:
    """Return *terms* as text."""
    return "->".join(map(format_term, terms))


def format_config(config: Config) -> str:
    """Return the terms of several failpoints as text."""
    return ";".join(f"{name}={format_terms(terms)}" for name, terms in config.items())


def format_term(term: Term) -> str:
    """Return one term as text."""
    modifiers = "".join(map(_modifier, term.modifiers))
    args = ACTIONS[term.action].write(term.args) if term.args else ""
    filters = "".join(f"[{each.tag}={each.glob}]" for each in term.filters)
    return f"{modifiers}{term.action}{f'({args})' if args else ''}{filters}"


def _modifier(modifier: Modifier) -> str:
    if isinstance(modifier, Percent):
        return f"{percent_text(modifier.percent)}%"
    return f"{modifier.count}{'+' if isinstance(modifier, Skip) else '*'}"


def percent_text(percent: float) -> str:
    """Return *percent* as digits, without the exponent that the grammar does not know."""
    text = repr(percent)
    if "e" in text:
        from decimal import Decimal  # probabilities of one in a million, and smaller

        text = format(Decimal(text), "f")
    return text.removesuffix(".0")
