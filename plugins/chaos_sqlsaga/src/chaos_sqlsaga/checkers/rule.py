"""
Rules: what must hold of every saga, said of its history.

A rule looks at each event together with what is known of its saga *before* that event, and once more at each saga that
has not ended when the history does. It is a pure function: `rule(history)` returns what it finds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import attrs

from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What

REMEMBERED = 10_000
"""Sagas that are over and of which it is still known that they are; the others are forgotten."""


@attrs.frozen
class Complaint:
    """What a rule says of one event: what is wrong, and with which *step*, if it is about one."""

    text: str
    step: str | None = None


@attrs.frozen
class Broken:
    """
    A rule that does not hold.

    Attributes:
        rule: Which.
        saga: Of which instance.
        definition: What that is an instance of.
        step: Of which of its steps, if it is about one.
        text: What is wrong, with the values.
        since_s: When the saga began, seconds since 1970-01-01 UTC.
        at_s: When it was seen to be wrong, the same.
        worker: Who did it, if that is known.
    """

    rule: str
    saga: str
    definition: str
    step: str | None
    text: str
    since_s: float
    at_s: float
    worker: str = ""

    def __str__(self) -> str:
        definition = f" ({self.definition})" if self.definition else ""
        step = "" if self.step is None else f", step {self.step!r}"
        return f"saga {self.saga}{definition}{step}: {self.text}"


def _says_nothing(*_: object) -> tuple[Complaint, ...]:
    return ()


@attrs.frozen
class Rule:
    """
    A rule; call it with a history.

    Attributes:
        name: What it is called.
        look: Judges one event by what is known of its saga before it.
        end: Judges a saga that has not ended, at a time in seconds since 1970-01-01 UTC.
        stands_s: How long a saga may stand still before `end` is asked during the run; None: only at the end.
        late: Whether it also judges events of sagas that are over.
    """

    name: str
    look: Callable[[Saga, SagaEvent], Iterable[Complaint]] = attrs.field(default=_says_nothing, kw_only=True)
    end: Callable[[Saga, float], Iterable[Complaint]] = attrs.field(default=_says_nothing, kw_only=True)
    stands_s: float | None = attrs.field(default=None, kw_only=True)
    late: bool = attrs.field(default=False, kw_only=True)

    def __call__(self, history: Iterable[SagaEvent], now_s: float | None = None) -> list[Broken]:
        """
        Return what it finds in *history*.

        Args:
            history: What happened, in order; sagas may be mixed.
            now_s: When the history ended; by default with its last event.
        """
        return check(history, self, now_s=now_s)


def check(history: Iterable[SagaEvent], *rules: Rule, now_s: float | None = None) -> list[Broken]:
    """Return what *rules* find in *history*, in one pass."""
    checker = Checker(*rules)
    found, last_s = [], 0.0
    for event in history:
        found += checker.see(event)
        last_s = event.at_s
    return [*found, *checker.conclude(last_s if now_s is None else now_s)]


class Checker:
    """
    Applies rules to events as they come, and forgets sagas that are over: its memory does not grow with the run.

    Attributes:
        sagas: Those that have begun and not ended, the one whose last event is oldest first.
        seen: Events so far.
    """

    def __init__(self, *rules: Rule, remembered: int = REMEMBERED) -> None:
        self._rules, self._remembered = rules, remembered
        self._patience_s = min((each.stands_s for each in rules if each.stands_s is not None), default=None)
        self._late = tuple(each for each in rules if each.late)
        self._over: OrderedDict[str, Saga] = OrderedDict()
        self._told: set[str] = set()
        self.sagas: OrderedDict[str, Saga] = OrderedDict()
        self.seen = 0

    def see(self, event: SagaEvent) -> list[Broken]:
        """Take the next event, and return what is wrong with it."""
        self.seen += 1
        over = self._over.get(event.saga)
        if over is not None and over.part_of and event.what is What.CANCEL_ASKED:
            self.sagas[event.saga] = self._over.pop(event.saga)  # it is undone with the saga that it is a part of
        elif over is not None:
            return [_broken(rule, over, event, each) for rule in self._late for each in rule.look(over, event)]
        saga = self.sagas.get(event.saga) or Saga(event.saga)
        self.sagas[event.saga] = saga
        self.sagas.move_to_end(event.saga)
        self._told.discard(event.saga)
        found = [_broken(rule, saga, event, each) for rule in self._rules for each in rule.look(saga, event)]
        saga.apply(event)
        if event.what is What.ENDED:
            self._forget(saga)
        return found

    def look(self, now_s: float) -> list[Broken]:
        """Return which sagas have stood still for too long at *now_s*, each once until it moves again."""
        return [broken for saga in self._standing(now_s) for broken in self._judged(saga, now_s)]

    def conclude(self, now_s: float) -> list[Broken]:
        """Return what is wrong with the sagas that have not ended, if nothing follows."""
        return [
            _broken(rule, saga, saga.last, each, now_s)
            for saga in self.sagas.values()
            for rule in self._rules
            if rule.stands_s is None or saga.name not in self._told
            for each in rule.end(saga, now_s)
        ]

    def _standing(self, now_s: float) -> Iterator[Saga]:
        if self._patience_s is None:
            return
        for saga in self.sagas.values():
            if saga.last is None or now_s - saga.last.at_s <= self._patience_s:
                return  # the others have moved since
            yield saga

    def _judged(self, saga: Saga, now_s: float) -> Iterator[Broken]:
        for rule in self._rules:
            if rule.stands_s is not None and saga.name not in self._told:
                found = [_broken(rule, saga, saga.last, each, now_s) for each in rule.end(saga, now_s)]
                if found:
                    self._told.add(saga.name)
                yield from found

    def _forget(self, saga: Saga) -> None:
        del self.sagas[saga.name]
        short = Saga(saga.name, saga.definition, saga.began_s, state=saga.state)
        self._over[saga.name] = saga if saga.part_of else short
        if len(self._over) > self._remembered:
            self._over.popitem(last=False)


def _broken(rule: Rule, saga: Saga, event: SagaEvent | None, it: Complaint, at_s: float | None = None) -> Broken:
    now_s = at_s if at_s is not None else 0.0 if event is None else event.at_s
    definition = saga.definition or ("" if event is None else event.definition)
    worker = "" if event is None else event.worker
    since_s = saga.began_s if saga.events or saga.state else now_s
    return Broken(rule.name, saga.name, definition, it.step, it.text, since_s, now_s, worker)
