"""What all toxics are made of: settings that one type of them has, and the toxic that a proxy has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import attrs

from chaos_toxiproxy.server.answers import bad_body
from chaos_toxiproxy.server.gojson import Object, checked
from chaos_toxiproxy.server.stages import Stage

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain

UPSTREAM, DOWNSTREAM = "upstream", "downstream"
DIRECTIONS = (UPSTREAM, DOWNSTREAM)


def _not_negative(_: object, field: attrs.Attribute[Any], value: float) -> None:
    if value < 0:
        raise ValueError(f"{field.name} must be 0 or more, not {value}")


def whole(default: int = 0, *, check: Callable[[Any, Any, int], None] | None = None) -> Any:
    """Return a field for an integer, 0 or more, with which *check* may find something else wrong."""
    checks = [_not_negative, *([] if check is None else [check])]
    return attrs.field(default=default, validator=checks, metadata={"kind": int})


def share(default: float = 0.0) -> Any:
    """Return a field for a number from 0 to 1."""
    return attrs.field(default=default, validator=_in_unit, metadata={"kind": float})


def _in_unit(_: object, field: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{field.name} must be from 0 to 1, not {value}")


def flag(*, extra: bool = False) -> Any:
    """Return a field for true or false; what is *extra* shows only where it is true."""
    return attrs.field(default=False, metadata={"kind": bool, "extra": extra})


def word() -> Any:
    """Return a field for a text."""
    return attrs.field(default="", metadata={"kind": str})


@attrs.frozen(kw_only=True)
class Settings:
    """
    The attributes of one type of toxic: a value that is replaced as a whole.

    Attributes:
        type: What requests call it.
        networks: What it can be used on.
        directions: Where it can be used.
        owner: What Toxiproxy calls it in errors.
    """

    type: ClassVar[str]
    networks: ClassVar[frozenset[str]] = frozenset({"tcp"})
    directions: ClassVar[tuple[str, ...]] = DIRECTIONS
    owner: ClassVar[str]
    stage: ClassVar[Callable[..., Stage[Any]]]

    def __init_subclass__(cls) -> None:
        if "owner" not in cls.__dict__:
            cls.owner = f"{cls.__name__}Toxic"

    def changed(self, attributes: Object) -> Self:
        """
        Return these settings with the values in *attributes*; unknown ones are passed over.

        Raises:
            ApiError: A value is of the wrong kind, or out of range.
        """
        try:
            return attrs.evolve(self, **dict(self._read(attributes)))
        except ValueError as error:
            raise bad_body(str(error)) from None

    def _read(self, attributes: Object) -> Iterator[tuple[str, Any]]:
        for field in attrs.fields(type(self)):
            value = attributes.get(field.name)
            if value is not None:
                yield field.name, checked(value, field.metadata["kind"], f"{self.owner}.attributes.{field.name}")

    def shown(self) -> dict[str, Any]:
        """Return what requests see."""
        return {
            field.name: getattr(self, field.name)
            for field in attrs.fields(type(self))
            if not field.metadata.get("extra") or getattr(self, field.name) != field.default
        }


@attrs.define
class Line:
    """What data goes over: free from a time of the loop's clock on."""

    free_at_s: float = 0.0


SettingsT = TypeVar("SettingsT", bound=Settings)


@attrs.define(eq=False)
class Toxic(Generic[SettingsT]):
    """
    A toxic of a proxy.

    Attributes:
        name: Unique in its proxy.
        stream: The direction that it works on, as the request spelt it.
        toxicity: The share of connections that it strikes, 0 to 1.
        settings: Its attributes.
        on_strike: Called with a link when it strikes that for the first time.
        connections: How many connections it struck.
        bytes: How many bytes it disturbed.
        line: What all connections share where they share a bandwidth.
    """

    name: str
    stream: str
    toxicity: float
    settings: SettingsT
    on_strike: Callable[[Toxic[Any], Chain], None]
    connections: int = 0
    bytes: int = 0
    line: Line = attrs.field(factory=Line)

    @property
    def direction(self) -> str:
        return self.stream.lower()

    def struck(self, link: Chain) -> None:
        """Note that it strikes *link*."""
        self.connections += 1
        self.on_strike(self, link)

    def shown(self) -> dict[str, Any]:
        """Return what requests see."""
        return {
            "attributes": self.settings.shown(),
            "name": self.name,
            "type": self.settings.type,
            "stream": self.stream,
            "toxicity": int(self.toxicity) if self.toxicity.is_integer() else self.toxicity,
        }
