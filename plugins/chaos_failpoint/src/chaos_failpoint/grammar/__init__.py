"""The language of terms: values, their text, and what is odd about them."""

from chaos_failpoint.grammar.linting import explain, lint
from chaos_failpoint.grammar.parsing import parse, parse_config
from chaos_failpoint.grammar.terms import Config, Filter, Modifier, Most, Percent, Skip, Term, Terms
from chaos_failpoint.grammar.writing import format_config, format_term, format_terms

__all__ = [
    "Config",
    "Filter",
    "Modifier",
    "Most",
    "Percent",
    "Skip",
    "Term",
    "Terms",
    "explain",
    "format_config",
    "format_term",
    "format_terms",
    "lint",
    "parse",
    "parse_config",
]
