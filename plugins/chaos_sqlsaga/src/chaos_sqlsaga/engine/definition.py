"""
What a saga consists of, as frozen values.

A definition is a sequence of nodes; forks and conditions hold sequences of their own. So every node has exactly one
place, and what follows it is known before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from chaos_sqlsaga.history import promises


@attrs.frozen(kw_only=True)
class Call:
    """
    What a handler is given.

    Attributes:
        saga: The instance.
        step: Which of its steps.
        attempt: Which call of this handler, from 1.
        payload: What the saga was started with.
        results: Maps the steps that are completed to what their handlers returned.
        result: For a compensation: what the handler of the same step returned; None where that is not known.
        key: The same for every attempt, and for nothing else: what others may tell repeated calls by.
    """

    saga: str
    step: str
    attempt: int
    payload: Any
    results: Mapping[str, Any]
    result: Any = None

    @property
    def key(self) -> str:
        """Return what tells repeated calls of this step from first ones."""
        return f"{self.saga}/{self.step}"


Handler = Callable[[Call], Any]
"""Does the work of a step, and returns what is stored; plain, or `async def`."""


@attrs.frozen(kw_only=True)
class Step:
    """
    Work, and how it is taken back.

    Attributes:
        name: Unique in its saga.
        handler: Does it.
        on_failure: Takes it back; None: there is nothing to take back. May be called more than once.
        retries: Most calls of the handler, the first included.
        compensation_retries: Most calls of the compensation; after the last, the saga waits in the dead letter queue.
        idempotent: Whether the handler may be called again when a worker is lost; if not, the step has failed then, and
            is compensated.
        delay_s: Seconds before the second call; doubled before each further one, to at most `MOST_DELAY_S`.
    """

    name: str
    handler: Handler
    on_failure: Handler | None = None
    retries: int = 1
    compensation_retries: int = 10
    idempotent: bool = True
    delay_s: float = 0.0


@attrs.frozen
class Savepoint:
    """Where a rollback stops."""

    name: str


@attrs.frozen
class Condition:
    """Runs one of two sequences, as its *predicate* says."""

    name: str
    predicate: Handler
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


@attrs.frozen
class Branch:
    """One of the sequences of a fork."""

    name: str
    nodes: tuple[Node, ...]


@attrs.frozen
class Fork:
    """
    Runs branches side by side, up to a join.

    Attributes:
        name: Unique in its saga.
        branches: What runs.
        join: The name of the join.
        wait_for: Names of the branches that count.
        need: How many of those must arrive; then the others are stopped and undone.
    """

    name: str
    branches: tuple[Branch, ...]
    join: str
    wait_for: tuple[str, ...]
    need: int


@attrs.frozen
class Decision:
    """Waits until somebody decides; a refusal fails the saga, and so do *timeout_s* seconds without a word."""

    name: str
    timeout_s: float | None = None


@attrs.frozen
class SubSaga:
    """Runs another saga with the same payload, and is compensated by undoing it."""

    name: str
    definition: Definition


Node = Step | Savepoint | Condition | Fork | Decision | SubSaga


@attrs.frozen
class Place:
    """
    Where a node stands.

    Attributes:
        node: The node.
        following: What comes after it in its sequence; None: it is the last.
        owner: The fork or condition whose sequence that is; None: the saga itself.
        branch: Which of the owner's sequences: a branch's name, ``"then"`` or ``"otherwise"``.
    """

    node: Node
    following: Node | None
    owner: Fork | Condition | None
    branch: str


def _within(nodes: tuple[Node, ...], owner: Fork | Condition | None = None, branch: str = "") -> Iterator[Place]:
    for node, following in zip(nodes, (*nodes, None)[1:], strict=True):
        yield Place(node, following, owner, branch)
        for name, inner in sequences(node):
            assert isinstance(node, Fork | Condition)
            yield from _within(inner, node, name)


def sequences(node: Node) -> tuple[tuple[str, tuple[Node, ...]], ...]:
    """Return the sequences that *node* holds, by name."""
    if isinstance(node, Fork):
        return tuple((each.name, each.nodes) for each in node.branches)
    if isinstance(node, Condition):
        return (("then", node.then), ("otherwise", node.otherwise))
    return ()


@attrs.frozen
class Definition:
    """
    A saga that can be run.

    Attributes:
        name: What instances say they are.
        version: From 1; instances keep the version that they were started with.
        nodes: The sequence.
        places: Maps the name of every node, joins aside, to its place.
    """

    name: str
    version: int
    nodes: tuple[Node, ...]
    places: Mapping[str, Place] = attrs.field(init=False, repr=False, eq=False)
    promises: Mapping[str, Any] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        places = {each.node.name: each for each in _within(self.nodes)}
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "promises", {name: _promised(each.node) for name, each in places.items()})

    @property
    def kind(self) -> str:
        """Return name and version as one text."""
        return f"{self.name}@{self.version}"

    def owners(self, name: str) -> Iterator[tuple[Fork | Condition, str]]:
        """Yield the forks and conditions around a node, innermost first, each with the sequence it is in."""
        place = self.places[name]
        while place.owner is not None:
            yield place.owner, place.branch
            place = self.places[place.owner.name]


def names(nodes: tuple[Node, ...]) -> Iterator[str]:
    """Yield the names of *nodes* and of everything in them, joins included."""
    for node in nodes:
        yield node.name
        for _, inner in sequences(node):
            yield from names(inner)
        if isinstance(node, Fork):
            yield node.join


def _promised(node: Node) -> dict[str, Any]:
    if isinstance(node, Step):
        return promises(
            retries=node.retries,
            compensation_retries=node.compensation_retries,
            idempotent=node.idempotent,
            compensated=node.on_failure is not None,
        )
    return promises(compensated=isinstance(node, SubSaga))
