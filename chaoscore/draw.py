"""
Seeded decisions: every draw is a pure function of its identity.

A shared random generator hands out its numbers in the order in which threads happen to ask, so the same seed strikes
elsewhere in each run. Here a draw depends on nothing but (seed, injector, iteration, task path, how many times this
task has asked): the same seed gives the same faults at the same places whatever the interleaving, and one iteration can
be run again alone. Which worker runs an iteration is a race, so the worker is not part of the identity.

Source: BLAKE2b (RFC 7693) as a keyed function; 53 bits of the digest make a float as `random.random` does.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

Path = tuple[int, ...]
"""
Where in the tree of tasks a decision is made: () for the iteration, (k,) for the k-th task or thread it started, ...
"""

_UNIT = 2.0**-53


class Stream:
    """
    The draws of one injector in one logical task.

    The hashed identity is kept and copied for every draw (0.4 us); hashing it anew would cost twice that.
    """

    __slots__ = ("_prefix",)

    def __init__(self, seed: int, injector: str, iteration: int, path: Path) -> None:
        self._prefix = blake2b(repr((seed, injector, iteration, path)).encode(), digest_size=8)

    def uniform(self, n: int, k: int = 0) -> float:
        """Return the *k*-th number in [0, 1) that belongs to the *n*-th ask."""
        state = self._prefix.copy()
        state.update(b"%d.%d" % (n, k))
        return (int.from_bytes(state.digest(), "little") >> 11) * _UNIT


def once(seed: int, *identity: object) -> float:
    """Return a number in [0, 1) for a decision that is made once, such as whether a window opens."""
    digest = blake2b(repr((seed, *identity)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * _UNIT


def fresh_seed() -> int:
    """Return a new seed, short enough to be typed."""
    return secrets.randbelow(2**32)
