"""
What must hold of sagas: pure functions over their histories.

    from chaos_sqlsaga.checkers import check, ends, mirrors

    for broken in check(history, ends, mirrors):
        print(broken)  # saga 17 (order), step 'pay': it was completed, the saga ended failed, and ...

A rule is called with a history, and `check` applies several in one pass; `Checker` takes events as they come.
"""

from chaos_sqlsaga.checkers.calls import calls
from chaos_sqlsaga.checkers.depth import depth
from chaos_sqlsaga.checkers.direction import forward
from chaos_sqlsaga.checkers.ending import ends
from chaos_sqlsaga.checkers.mirroring import mirrors
from chaos_sqlsaga.checkers.once import once
from chaos_sqlsaga.checkers.progress import progress
from chaos_sqlsaga.checkers.rule import Broken, Checker, Rule, check
from chaos_sqlsaga.checkers.saga import Saga

__all__ = [
    "Broken",
    "Checker",
    "Rule",
    "Saga",
    "calls",
    "check",
    "depth",
    "ends",
    "forward",
    "mirrors",
    "once",
    "progress",
]
