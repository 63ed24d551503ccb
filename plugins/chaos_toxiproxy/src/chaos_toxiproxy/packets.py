"""Faults of single packets, which only the embedded server has: of TCP streams and of UDP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from chaos_toxiproxy.striking import Poisons
from chaos_toxiproxy.toxics import milliseconds, some_ms, to_ms
from chaoscore import Probability, probability


def chance(value: Probability) -> float:
    """
    Return *value* as a number above 0, up to 1.

    Raises:
        ValueError: It lies outside.
    """
    number = probability(value)
    if not number:
        raise ValueError(f"a probability here lies above 0, up to 1 (or '100%'), not {value!r}: nothing would happen")
    return number


@attrs.frozen
class Loss(Poisons):
    """
    Lose packets: datagrams are gone; of a TCP stream, segments and what is behind them come late, as TCP makes of it.

    Attributes:
        probability: Chance of a packet to be lost, above 0, up to 1.
        delay_s: After so long a lost segment of TCP comes again; whole milliseconds.
    """

    kind: ClassVar[str] = "toxiproxy.loss"
    toxic: ClassVar[str] = "loss"

    probability: float = attrs.field(converter=chance)
    delay_s: float = attrs.field(default=0.2, converter=milliseconds, alias="delay")

    def sent(self) -> Mapping[str, Any]:
        """Return a share, and milliseconds."""
        return {"probability": self.probability, "delay": to_ms(self.delay_s)}


@attrs.frozen
class Corrupt(Poisons):
    """
    Flip a bit in some bytes.

    Attributes:
        probability: Chance of a byte to be damaged, above 0, up to 1.
    """

    kind: ClassVar[str] = "toxiproxy.corrupt"
    toxic: ClassVar[str] = "corrupt"

    probability: float = attrs.field(converter=chance)

    def sent(self) -> Mapping[str, Any]:
        """Return a share."""
        return {"probability": self.probability}


@attrs.frozen
class Duplicate(Poisons):
    """
    Let datagrams come twice; only for UDP.

    Attributes:
        probability: Chance of a datagram to come twice, above 0, up to 1.
    """

    kind: ClassVar[str] = "toxiproxy.duplicate"
    toxic: ClassVar[str] = "duplicate"

    probability: float = attrs.field(converter=chance)

    def sent(self) -> Mapping[str, Any]:
        """Return a share."""
        return {"probability": self.probability}


@attrs.frozen
class Reorder(Poisons):
    """
    Let datagrams be overtaken by others; only for UDP.

    Attributes:
        probability: Chance of a datagram to be kept back, above 0, up to 1.
        delay_s: How long it is kept back; whole milliseconds.
    """

    kind: ClassVar[str] = "toxiproxy.reorder"
    toxic: ClassVar[str] = "reorder"

    probability: float = attrs.field(converter=chance)
    delay_s: float = attrs.field(default=0.01, converter=some_ms, alias="delay")

    def sent(self) -> Mapping[str, Any]:
        """Return a share, and milliseconds."""
        return {"probability": self.probability, "delay": to_ms(self.delay_s)}
