"""From a term to the action that it names."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import attrs

from chaos_failpoint import corruption
from chaos_failpoint.actions.base import Action
from chaos_failpoint.actions.ending import Exit, Kill
from chaos_failpoint.actions.holding import Delay, Pause, Sleep, Wait, Yield
from chaos_failpoint.actions.resolving import resolve
from chaos_failpoint.actions.speaking import Break, Call, Cancel, Corrupt, Off, Panic, Print, Raise, Return
from chaos_failpoint.errors import NotAllowedError, TargetError
from chaos_failpoint.grammar import Term

DANGEROUS = ("break", "call", "exit", "kill")
"""Actions that whoever arms failpoints over HTTP may not use unless the plan allows them."""


@attrs.frozen(kw_only=True)
class Rules:
    """
    What a term may do, by whom it comes.

    Attributes:
        allow: Dangerous actions that are allowed beyond what is usual.
        remote: Whether the term comes from outside: then dangerous actions are refused, and nothing is imported.
        late: Whether names are looked up when the term fires for the first time: at the start of a process, what they
            name is not there yet.
    """

    allow: frozenset[str] = frozenset()
    remote: bool = False
    late: bool = False


def action_of(term: Term, rules: Rules) -> Action:
    """
    Return the action of *term*.

    Raises:
        NotAllowedError: It is dangerous, and *rules* do not allow it.
        TargetError: What it names cannot be found, or is not what the action needs.
    """
    needs = "call" if term.action == "corrupt" and term.args[0] not in corruption.KINDS else term.action
    if rules.remote and needs in DANGEROUS and needs not in rules.allow:
        raise NotAllowedError(needs, f"it may not be armed from outside; allow=({needs!r},) permits it")
    return _BUILDERS[term.action](term, rules)


def _plain(make: Callable[..., Action]) -> Callable[[Term, Rules], Action]:
    return lambda term, rules: make(*term.args)


def _timed(make: Callable[..., Action]) -> Callable[[Term, Rules], Action]:
    return lambda term, rules: make(*(each / 1e9 for each in term.args))


def _exit(term: Term, rules: Rules) -> Action:
    return Exit(*term.args, allowed="exit" in rules.allow)


def _kill(term: Term, rules: Rules) -> Action:
    numbers = (signal.Signals[each].value if isinstance(each, str) else each for each in term.args)
    return Kill(*numbers, allowed="kill" in rules.allow)


def _raise(term: Term, rules: Rules) -> Action:
    return Raise(_looked_up(term.args[0], rules, _error_class), term.args[1:])


def _call(term: Term, rules: Rules) -> Action:
    return Call(_looked_up(term.args[0], rules, _function), term.args[1:])


def _corrupt(term: Term, rules: Rules) -> Action:
    kind = term.args[0]
    if kind in corruption.KINDS:
        return Corrupt(partial(corruption.KINDS.__getitem__, kind))
    return Corrupt(_looked_up(kind, rules, _seeded), term.args[1:])


def _looked_up(target: str, rules: Rules, check: Callable[[str, Any], Any]) -> Callable[[], Any]:
    """Return what returns the thing that *target* names; looked up now, or when it is first needed."""
    importing = not rules.remote or "call" in rules.allow

    @cache
    def look_up() -> Any:
        return check(target, resolve(target, importing=importing))

    if not rules.late:
        look_up()
    return look_up


def _error_class(target: str, found: Any) -> Any:
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise TargetError(target, f"it is {found!r:.100}, not an exception class")
    return found


def _function(target: str, found: Any) -> Any:
    if not callable(found):
        raise TargetError(target, f"it is {found!r:.100}, which cannot be called")
    return found


def _seeded(target: str, found: Any) -> Callable[..., Any]:
    """Return the user's function of (value, rng, ...) as one that takes a source of numbers instead of a generator."""
    function = _function(target, found)

    def corrupt(value: Any, uniform: Callable[[], float], *args: Any) -> Any:
        from random import Random

        return function(value, Random(uniform()), *args)  # noqa: S311 - seeded by the run, for no secret

    return corrupt


_BUILDERS: dict[str, Callable[[Term, Rules], Action]] = {
    "off": _plain(Off),
    "return": _plain(Return),
    "sleep": _timed(Sleep),
    "delay": _timed(Delay),
    "panic": _plain(Panic),
    "break": _plain(Break),
    "print": _plain(Print),
    "pause": _timed(Pause),
    "yield": _plain(Yield),
    "raise": _raise,
    "cancel": _plain(Cancel),
    "corrupt": _corrupt,
    "call": _call,
    "wait": _plain(Wait),
    "exit": _exit,
    "kill": _kill,
}
