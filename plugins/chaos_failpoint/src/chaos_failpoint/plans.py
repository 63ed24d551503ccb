"""What is to be armed: terms, and the actions that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import attrs

from chaos_failpoint.actions import Action, Rules, action_of
from chaos_failpoint.errors import UnknownFailpointError
from chaos_failpoint.grammar import Term, Terms, format_terms, parse
from chaos_failpoint.registry import declared

Given = str | Terms | Callable[..., Any]
"""What can be armed: a text of terms, terms as values, or a function that is called with the `Moment`."""


@attrs.frozen(eq=False)
class Plan:
    """
    Terms that can be armed, at any number of failpoints.

    Attributes:
        terms: The terms.
        actions: The action of each.
        text: The terms as text.
    """

    terms: Terms
    actions: tuple[Action, ...]
    text: str

    @property
    def has_filters(self) -> bool:
        """Tell whether any term looks at what is hit."""
        return any(term.filters for term in self.terms)


def plan(given: Given, *, allow: Collection[str] = (), lazy: bool = False, remote: bool = False) -> Plan:
    """
    Return what *given* stands for.

    Args:
        given: Terms, or a function.
        allow: Dangerous actions that are allowed.
        lazy: Whether it may name what is not there yet.
        remote: Whether it comes from outside the process.

    Raises:
        ParseError: It is a text and not made of terms.
        NotAllowedError: An action is dangerous and not allowed.
        TargetError: A term names what cannot be found.
        UnknownFailpointError: A term waits for a failpoint that does not exist.
    """
    if not isinstance(given, (str, tuple)):
        return _call(given)
    terms = parse(given) if isinstance(given, str) else given
    rules = Rules(allow=frozenset(allow), remote=remote, late=lazy and not remote)
    if not lazy:
        _check_waits(terms)
    return Plan(terms, tuple(action_of(term, rules) for term in terms), format_terms(terms))


def _check_waits(terms: Terms) -> None:
    names = [each.name for each in declared()]
    for term in terms:
        if term.action == "wait" and term.args[0] not in names:
            raise UnknownFailpointError(term.args[0], names)


def _call(function: Callable[..., Any]) -> Plan:
    from chaos_failpoint.actions.speaking import Call

    if not callable(function):
        raise TypeError(f"{function!r:.100} cannot be armed; give terms such as '1*return(5)', or a function")
    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', '?')}"
    return Plan((Term("call", (name,)),), (Call(lambda: function),), f"call({name})")
