"""What is stored, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos_sqlsaga.engine import SagaState, saga
from chaos_sqlsaga.engine.errors import TooLargeError, UnknownDefinitionError, UnstorableError
from chaos_sqlsaga.history import What

Carry = Callable[..., Any]
TEN_MB = "x" * 10_000_000


class Circle(list[Any]):
    def __init__(self) -> None:
        self.append(self)


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), b"bytes", Circle(), {(1, 2): 3}])
def test_a_handler_that_returns_what_cannot_be_stored(opens: Any, called: Any, carrying: Carry, value: object) -> None:
    """Such a step has failed, at once and for good, and the error says what can be stored; nothing else is lost."""
    built = saga("s").step("a", called.do, on_failure=called.undo).step("b", lambda _: value, retries=5).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        look = engine.look(it)
        assert look.state is SagaState.FAILED
        assert "what s.b returned cannot be stored" in str(look.instance.error)
        assert called.calls == ["a", "-a"]
        assert [each.what for each in engine.history(it)].count(What.FAILED) == 1


def test_a_payload_that_cannot_be_stored(opens: Any, called: Any) -> None:
    """A saga whose payload is not JSON is not put in."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        with pytest.raises(UnstorableError, match=r"the payload of saga 's' cannot be stored.*None, bool, int"):
            engine.start("s", {"when": object()})
        assert engine.count() == {}


@pytest.mark.parametrize(
    "value", [None, True, -1, 2**70, 1.5, "", "\x00\ud800'\"; DROP TABLE saga_step --", [[]], {"ü": {}}]
)
def test_what_is_json_comes_back(opens: Any, called: Any, carrying: Carry, value: object) -> None:
    """Every value of JSON comes back as it was, in payloads, results and decisions."""
    with opens(saga("s").step("a", lambda call: call.payload).decision("d").build()) as engine:
        it = engine.start("s", value)
        carrying(engine)
        engine.decide(it, "d", True, value)
        results = engine.look(it).results()
        assert (results["a"], results["d"]) == (value, value)


def test_ten_megabytes_are_refused(opens: Any, called: Any, carrying: Carry) -> None:
    """A payload or a result of 10 MB is refused with its size, the limit and the remedy, and the saga rolls back."""
    built = saga("s").step("a", called.do, on_failure=called.undo).step("b", lambda _: TEN_MB).build()
    with opens(built) as engine:
        with pytest.raises(TooLargeError, match=r"takes 10,000,002 bytes.*at most 1,048,576.*value_bytes"):
            engine.start("s", TEN_MB)
        it = engine.start("s")
        carrying(engine)
        assert "10,000,002 bytes" in str(engine.look(it).instance.error)
        assert called.calls == ["a", "-a"]


def test_ten_megabytes_can_be_allowed(opens: Any, carrying: Carry) -> None:
    """With a higher limit they are stored and come back."""
    built = saga("s").step("a", lambda call: call.payload).step("b", lambda call: len(call.results["a"])).build()
    with opens(built, value_bytes="16MiB") as engine:
        it = engine.start("s", TEN_MB)
        carrying(engine)
        assert engine.look(it).results()["b"] == 10_000_000


def test_errors_of_handlers_are_kept_short(opens: Any, carrying: Carry) -> None:
    """An endless error message does not fill the database."""

    def shout(call: Any) -> None:
        raise ValueError("A" * 100_000)

    with opens(saga("s").step("a", shout).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert len(str(engine.look(it).instance.error)) < 3000


def test_errors_of_handlers_may_be_any_text(opens: Any, called: Any, carrying: Carry) -> None:
    """What no database stores as text is shown in another way, and the saga rolls back as ever."""

    def mutter(call: Any) -> None:
        raise ValueError("\x00 \ud800 ü")

    built = saga("s").step("a", called.do, on_failure=called.undo).step("b", mutter).build()
    with opens(built) as engine:
        it = engine.start("s")
        carrying(engine)
        assert engine.look(it).instance.error == r"b: ValueError: \0 \ud800 ü"
        assert called.calls == ["a", "-a"]


def test_unknown_sagas_are_not_put_in(opens: Any, called: Any) -> None:
    """A name or a version that the engine does not know is an error that lists those it does."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        with pytest.raises(UnknownDefinitionError, match="no saga 'order'; have s@1"):
            engine.start("order")
        with pytest.raises(UnknownDefinitionError, match="no saga 's@2'"):
            engine.start("s", version=2)
        with pytest.raises(ValueError, match="'rollback' or 'pause'"):
            engine.start("s", on_failure="explode")


def test_two_sagas_of_one_name_and_version(opens: Any, called: Any) -> None:
    """Two different definitions of one version are refused: instances would not know what they are."""
    one, two = (saga("s").step(name, called.do).build() for name in "ab")
    with pytest.raises(ValueError, match="two different sagas are called s@1"):
        opens(one, two)


def test_a_saga_that_compensates_itself(opens: Any, called: Any, carrying: Carry) -> None:
    """A compensation that starts and cancels sagas, even its own, changes nothing about its own rollback."""

    def undo(call: Any) -> None:
        called.undo(call)
        engine.cancel(call.saga)
        engine.start("small")

    built = saga("s").step("a", called.do, on_failure=undo).step("b", called.fail).build()
    with opens(built, saga("small").step("c", called.do).build()) as engine:
        it = engine.start("s")
        carrying(engine)
        assert called.calls == ["a", "!b", "-a", "c"]
        assert engine.look(it).state is SagaState.CANCELLED
        assert engine.count() == {SagaState.CANCELLED: 1, SagaState.COMPLETED: 1}
