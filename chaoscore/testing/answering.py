"""What is promised of an injector's `answer`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

from chaoscore.context import Fault
from chaoscore.testing.hand import answers
from chaoscore.testing.occasions import visit_for
from chaoscore.testing.promises import Promise
from chaoscore.testing.traces import left_since, traces
from chaoscore.testing.trials import REPEATABLE

ANSWERS = Promise(
    "its answer is a fault or None, at once and without any effect of its own",
    "return a value such as `chaoscore.Delay(0.1)`, which the point applies; sleep, raise and draw nothing in `answer`",
)

VISITS = 50


def check_answers(make: Callable[[], Any], deterministic: bool) -> None:
    """
    See that the injector that *make* returns answers with faults, at once, alike for the same seed, and does no more.

    Where no point can be found that it answers to, there is nothing to see here: its author knows one.
    """
    injector = make()
    try:
        visit = visit_for(injector)
    except TypeError:
        return
    before = traces()
    for kind in visit.kinds:
        tried = f"let it answer at a {kind!r} point named {visit.point!r}"
        ask = partial(answers, visits=VISITS, point=visit.point, kind=kind, tags=visit.tags)
        found, again = (_answers(each, tried, ask) for each in (injector, make()))
        if deterministic and _described(found) != _described(again):
            raise REPEATABLE.broken(injector, f"{tried}, twice with one seed", "the answers differ")
    left = left_since(before)
    if left:
        raise ANSWERS.broken(injector, "let it answer", f"it left: {'; '.join(left)}")


def _answers(injector: Any, tried: str, ask: Callable[[Any], list[Fault | None]]) -> list[Fault | None]:
    with ANSWERS.kept(injector, tried), _watched(injector, tried):
        found = ask(injector)
    for fault in found:
        if fault is not None and not isinstance(fault, Fault):
            raise ANSWERS.broken(injector, tried, f"it returned {fault!r:.200}")
    return found


def _described(faults: list[Fault | None]) -> list[tuple[str, str] | None]:
    return [None if fault is None else (fault.kind, fault.describe()) for fault in faults]


@contextmanager
def _watched(injector: Any, tried: str) -> Iterator[None]:
    """Let nobody sleep in the block, nor draw what belongs to no seed of the run."""
    chance = random.getstate()
    with mock.patch.object(time, "sleep") as sleep:
        yield
    if sleep.called:
        raise ANSWERS.broken(injector, tried, "it slept, which would hold up every task of the loop")
    if random.getstate() != chance:
        raise ANSWERS.broken(injector, tried, "it drew from `random`, which follows no seed of the run")
