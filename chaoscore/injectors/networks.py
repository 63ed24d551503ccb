"""Network faults for code that says which host and port it is about to talk to."""

from __future__ import annotations

from errno import ECONNREFUSED
from functools import partial
from typing import ClassVar

import attrs

from chaoscore.context import Ask, Fault
from chaoscore.faults import Delay, Raise
from chaoscore.injectors.parameters import glob
from chaoscore.protocols import Undo
from chaoscore.units import probability, seconds


@attrs.frozen
class Network:
    """
    Delay, refuse or drop connections to hosts and ports, at `maybe_network_chaos`. For several rules, inject several.

    Attributes:
        host: Glob that the host must match.
        port: The port; None: any.
        delay_s: Added delay, seconds.
        jitter_s: Most that is added to the delay at random, seconds.
        refuse: Chance of a `ConnectionRefusedError`, 0 to 1.
        drop: Chance that the packets are lost: nothing happens for *drop_after_s* seconds, then a `TimeoutError`.
        drop_after_s: How long a caller waits for a dropped connection, seconds.
    """

    kind: ClassVar[str] = "network"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"network"})

    host: str = attrs.field(default="*", converter=glob)
    port: int | None = attrs.field(default=None)
    delay_s: float = attrs.field(default=0.0, converter=seconds, alias="delay", kw_only=True)
    jitter_s: float = attrs.field(default=0.0, converter=seconds, alias="jitter", kw_only=True)
    refuse: float = attrs.field(default=0.0, converter=probability, kw_only=True)
    drop: float = attrs.field(default=0.0, converter=probability, kw_only=True)
    drop_after_s: float = attrs.field(default=1.0, converter=seconds, alias="drop_after", kw_only=True)

    @port.validator
    def _is_a_port(self, _: object, value: object) -> None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536):
            raise ValueError(f"port must be a whole number from 1 to 65535, not {value!r}")

    def __attrs_post_init__(self) -> None:
        if not (self.delay_s or self.jitter_s or self.refuse or self.drop):
            raise ValueError("network does nothing; give it delay=, jitter=, refuse= or drop=")

    @property
    def at(self) -> str:
        """Return the glob of its points, ``host:port``."""
        return f"{self.host}:{'*' if self.port is None else self.port}"

    def answer(self, ask: Ask) -> Fault | None:
        """Return what happens to this connection."""
        if ask.chance(self.drop):
            return Raise(partial(TimeoutError, f"injected: no answer from {ask.point}"), "drop", self.drop_after_s)
        if ask.chance(self.refuse):
            text = f"injected: connection to {ask.point} refused"
            return Raise(partial(ConnectionRefusedError, ECONNREFUSED, text), "refuse")
        if self.delay_s or self.jitter_s:
            return Delay(ask.between(self.delay_s, self.delay_s + self.jitter_s))
        return None
