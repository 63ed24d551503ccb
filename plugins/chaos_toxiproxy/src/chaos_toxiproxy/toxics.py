"""The toxics that every Toxiproxy has, as injectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import attrs

from chaos_toxiproxy.striking import Poisons
from chaoscore import Duration, Size, seconds, size_bytes

LARGEST_S = 366 * 24 * 3600.0
"""Longer makes no sense, and would overflow somewhere."""


def milliseconds(value: Duration) -> float:
    """
    Return *value* in seconds, where it is a whole number of milliseconds: servers know nothing finer.

    Raises:
        ValueError: It is not, or longer than a year.
    """
    return _whole(value, 1000, "milliseconds")


def microseconds(value: Duration) -> float:
    """Return *value* in seconds, where it is a whole number of microseconds; raises ValueError."""
    return _whole(value, 1_000_000, "microseconds")


def _whole(value: Duration, per_s: int, unit: str) -> float:
    number = seconds(value)
    if number > LARGEST_S:
        raise ValueError(f"a duration here is at most a year, not {value!r}")
    if abs(number * per_s - round(number * per_s)) > 1e-6:
        raise ValueError(f"a duration here is a whole number of {unit}, not {value!r}")
    return number


def some_ms(value: Duration) -> float:
    """Return *value* in seconds, where it is a whole number of milliseconds and not 0; raises ValueError."""
    number = milliseconds(value)
    if not number:
        raise ValueError("it must be 1 ms or more: with 0 nothing would happen")
    return number


def _rate(value: Size) -> int:
    number = size_bytes(value)
    if number < 1000:
        raise ValueError(f"a rate is 1kB per second or more, not {value!r}; to let nothing through use `timeout`")
    return round(number / 1000) * 1000


def _positive(value: Size) -> int:
    number = size_bytes(value)
    if number < 1:
        raise ValueError(f"expected 1 byte or more, not {value!r}")
    return number


def to_ms(value_s: float) -> int:
    """Return seconds as milliseconds."""
    return round(value_s * 1000)


@attrs.frozen
class Latency(Poisons):
    """
    Delay all data, without slowing its flow.

    Attributes:
        latency_s: Added to the way of each piece of data; whole milliseconds.
        jitter_s: Up to so much more or less, evenly spread; whole milliseconds, at most *latency*.
    """

    kind: ClassVar[str] = "toxiproxy.latency"
    toxic: ClassVar[str] = "latency"

    latency_s: float = attrs.field(converter=some_ms, alias="latency")
    jitter_s: float = attrs.field(default=0.0, converter=milliseconds, alias="jitter")

    def __attrs_post_init__(self) -> None:
        if self.jitter_s > self.latency_s:
            raise ValueError(f"jitter ({self.jitter_s:g} s) must not be more than latency ({self.latency_s:g} s)")

    def sent(self) -> Mapping[str, Any]:
        """Return milliseconds."""
        return {"latency": to_ms(self.latency_s), "jitter": to_ms(self.jitter_s)}


@attrs.frozen
class Bandwidth(Poisons):
    """
    Let each connection carry no more than a rate, or all connections together.

    Attributes:
        rate_bytes: Bytes per second: ``"500kB"``, rounded to whole kB (1000 bytes), 1kB or more.
        shared: Whether all connections of the proxy share the rate; only on the embedded server.
    """

    kind: ClassVar[str] = "toxiproxy.bandwidth"
    toxic: ClassVar[str] = "bandwidth"

    rate_bytes: int = attrs.field(converter=_rate, alias="rate")
    shared: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool), kw_only=True)

    def sent(self) -> Mapping[str, Any]:
        """Return thousands of bytes per second."""
        return {"rate": self.rate_bytes // 1000} | ({"shared": True} if self.shared else {})


@attrs.frozen
class SlowClose(Poisons):
    """
    Hold up the end of connections.

    Attributes:
        delay_s: How long; whole milliseconds.
    """

    kind: ClassVar[str] = "toxiproxy.slow_close"
    toxic: ClassVar[str] = "slow_close"

    delay_s: float = attrs.field(converter=some_ms, alias="delay")

    def sent(self) -> Mapping[str, Any]:
        """Return milliseconds."""
        return {"delay": to_ms(self.delay_s)}


@attrs.frozen
class Timeout(Poisons):
    """
    Let no data through, and close the connections after a time.

    Attributes:
        timeout_s: After so long they are closed; whole milliseconds. 0: they stay open, and silent, until it is lifted.
    """

    kind: ClassVar[str] = "toxiproxy.timeout"
    toxic: ClassVar[str] = "timeout"

    timeout_s: float = attrs.field(default=0.0, converter=milliseconds, alias="timeout")

    def sent(self) -> Mapping[str, Any]:
        """Return milliseconds."""
        return {"timeout": to_ms(self.timeout_s)}


@attrs.frozen
class ResetPeer(Poisons):
    """
    Reset connections (TCP RST), as a crashed peer or a firewall does.

    Attributes:
        timeout_s: How long after their first data; whole milliseconds. 0: at once.
    """

    kind: ClassVar[str] = "toxiproxy.reset_peer"
    toxic: ClassVar[str] = "reset_peer"

    timeout_s: float = attrs.field(default=0.0, converter=milliseconds, alias="timeout")

    def sent(self) -> Mapping[str, Any]:
        """Return milliseconds."""
        return {"timeout": to_ms(self.timeout_s)}


@attrs.frozen
class Slicer(Poisons):
    """
    Cut data into small pieces, so that whoever reads gets it bit by bit.

    Attributes:
        average_bytes: Mean size of the pieces, 1 byte or more.
        variation_bytes: Up to so many more or fewer, less than the mean.
        delay_s: Pause after each piece; whole microseconds.
    """

    kind: ClassVar[str] = "toxiproxy.slicer"
    toxic: ClassVar[str] = "slicer"

    average_bytes: int = attrs.field(converter=_positive, alias="average")
    variation_bytes: int = attrs.field(default=0, converter=size_bytes, alias="variation")
    delay_s: float = attrs.field(default=0.0, converter=microseconds, alias="delay")

    def __attrs_post_init__(self) -> None:
        if self.variation_bytes >= self.average_bytes:
            raise ValueError(f"variation ({self.variation_bytes} B) must be less than average ({self.average_bytes} B)")

    def sent(self) -> Mapping[str, Any]:
        """Return bytes and microseconds."""
        return {
            "average_size": self.average_bytes,
            "size_variation": self.variation_bytes,
            "delay": round(self.delay_s * 1_000_000),
        }


@attrs.frozen
class LimitData(Poisons):
    """
    Close each connection when it has carried so much.

    Attributes:
        limit_bytes: How much, 1 byte or more.
    """

    kind: ClassVar[str] = "toxiproxy.limit_data"
    toxic: ClassVar[str] = "limit_data"

    limit_bytes: int = attrs.field(converter=_positive, alias="limit")

    def sent(self) -> Mapping[str, Any]:
        """Return bytes."""
        return {"bytes": self.limit_bytes}


def _attributes(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"attributes are a mapping of names to values, not {value!r}")
    return MappingProxyType(dict(value))


def _type(value: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\w+", value):
        raise ValueError(f"the type of a toxic is a word, such as 'latency', not {value!r}")
    return value


@attrs.frozen
class Toxic(Poisons):
    """
    Add a toxic of any type, for servers that have more than the usual ones.

    Attributes:
        type: Its type at the server.
        attributes: Its attributes there, in the server's units; the server checks them.
    """

    kind: ClassVar[str] = "toxiproxy.toxic"

    type: str = attrs.field(converter=_type)
    attributes: Mapping[str, Any] = attrs.field(factory=dict, converter=_attributes)

    @property
    def toxic_type(self) -> str:
        """Return its type at the server."""
        return self.type

    def sent(self) -> Mapping[str, Any]:
        """Return them as they are."""
        return self.attributes
