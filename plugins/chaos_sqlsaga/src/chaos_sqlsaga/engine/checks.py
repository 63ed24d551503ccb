"""What is wrong with a definition, before anything of it runs."""

from __future__ import annotations

from collections import Counter
from typing import Final

from chaos_sqlsaga.engine.definition import Decision, Definition, Fork, Place, Savepoint, Step, SubSaga, names
from chaos_sqlsaga.engine.errors import CycleError, DefinitionError, DuplicateStepError, EndlessJoinError

MOST_DELAY_S: Final = 600.0
"""The longest pause between two calls, seconds."""


def check(definition: Definition) -> None:
    """
    Refuse what cannot run to an end.

    Raises:
        DefinitionError: With the name of the step, and what to do.
    """
    if not definition.name or "@" in definition.name:
        raise DefinitionError(definition.name, "its name is empty or has an '@'", "choose a name such as 'order'")
    if definition.version < 1:
        raise DefinitionError(definition.name, f"version {definition.version} is not from 1", "count versions from 1")
    _names(definition)
    _recursion(definition, (definition.name,))
    for place in definition.places.values():
        _node(definition, place)


def _names(definition: Definition) -> None:
    counted = Counter(names(definition.nodes))
    if not counted:
        raise DefinitionError(definition.name, "it has no steps", "add one with step(...)")
    for name, count in counted.items():
        if not name:
            raise DefinitionError(definition.name, "a step has no name", "give every step a name")
        if count > 1:
            raise DuplicateStepError(
                definition.name, f"{count} steps are called {name!r}", "every step and join needs a name of its own"
            )


def _recursion(definition: Definition, inside: tuple[str, ...]) -> None:
    """Sub-sagas are started by name and version, so one of the same name inside itself would never end."""
    for place in definition.places.values():
        if isinstance(place.node, SubSaga):
            inner = place.node.definition
            if inner.name in inside:
                chain = " -> ".join([*inside, inner.name])
                raise CycleError(
                    inside[0], f"it contains itself: {chain}", "a saga ends only if nothing in it is itself"
                )
            _recursion(inner, (*inside, inner.name))


def _node(definition: Definition, place: Place) -> None:
    node = place.node
    if isinstance(node, Step):
        _step(definition, node)
    elif isinstance(node, Fork):
        _fork(definition, node)
    elif isinstance(node, Savepoint):
        for owner, _ in definition.owners(node.name):
            if isinstance(owner, Fork):
                raise DefinitionError(
                    definition.name,
                    f"savepoint {node.name!r} is inside fork {owner.name!r}, of which a rollback would keep one half",
                    "put it before the fork or after its join",
                )
    elif isinstance(node, Decision) and node.timeout_s is not None and node.timeout_s <= 0:
        raise DefinitionError(definition.name, f"decision {node.name!r} has no time", "let timeout be more than 0 s")


def _step(definition: Definition, step: Step) -> None:
    if step.retries < 1 or step.compensation_retries < 1:
        raise DefinitionError(
            definition.name,
            f"step {step.name!r} has {step.retries} and {step.compensation_retries} calls",
            "retries and compensation_retries count calls, the first included, so they are from 1",
        )
    if not step.idempotent and step.retries > 1:
        raise DefinitionError(
            definition.name,
            f"step {step.name!r} is not idempotent and has {step.retries} calls",
            "what is not idempotent is called once: retries=1",
        )
    if not 0 <= step.delay_s <= MOST_DELAY_S:
        raise DefinitionError(
            definition.name, f"step {step.name!r} has a delay of {step.delay_s:g} s", f"0 to {MOST_DELAY_S:g} s"
        )


def _fork(definition: Definition, fork: Fork) -> None:
    have = {each.name for each in fork.branches}
    where = f"join {fork.join!r} of fork {fork.name!r}"
    if not have:
        raise EndlessJoinError(definition.name, f"{where} has no branches to wait for", "give the fork branches")
    strangers = [name for name in fork.wait_for if name not in have]
    if strangers:
        raise EndlessJoinError(
            definition.name,
            f"{where} waits for {', '.join(map(repr, strangers))}, which no branch is called",
            f"have {', '.join(map(repr, sorted(have)))}",
        )
    waited = len(set(fork.wait_for))
    need: object = fork.need
    if not isinstance(need, int) or isinstance(need, bool) or not 1 <= need <= waited:
        raise EndlessJoinError(
            definition.name,
            f"{where} needs {need!r} of the {waited} branches that it waits for",
            f"how is 'all', 'any', or a number from 1 to {waited}",
        )
    empty = [each.name for each in fork.branches if not each.nodes]
    if empty:
        raise DefinitionError(
            definition.name, f"branch {empty[0]!r} of fork {fork.name!r} is empty", "give it a step or leave it out"
        )
