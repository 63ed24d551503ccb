"""Every kind of function, reached in every way in which it may be known, and what `inspect` says of it."""

import asyncio
import inspect
import types
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import cached_property, partial, wraps
from typing import Any

import pytest

from chaos_patch.engine import CodeSeat, Kind, Patches, kind_of

PLAIN = ["before", "after", "value 2"]
ASYNC = ["abefore", "aafter", "value 2"]


def plain(number: int, /, step: int = 1, *rest: int, scale: int = 1, **names: int) -> int:
    """Add."""
    return (number + step) * scale + sum(rest) + sum(names.values())


async def coroutine(number: int, *, step: int = 1) -> int:
    await asyncio.sleep(0)
    return number + step


def generator(number: int) -> Iterator[int]:
    yield number + 1
    yield number + 2


async def asynchronous_generator(number: int) -> AsyncIterator[int]:
    for each in (1, 2):
        await asyncio.sleep(0)
        yield number + each


FUNCTIONS: dict[Kind, Any] = {
    Kind.PLAIN: plain,
    Kind.COROUTINE: coroutine,
    Kind.GENERATOR: generator,
    Kind.ASYNC_GENERATOR: asynchronous_generator,
}
SEEN = {
    Kind.PLAIN: PLAIN,
    Kind.COROUTINE: ASYNC,
    Kind.GENERATOR: ["before", "value 2", "value 3", "after"],
    Kind.ASYNC_GENERATOR: ["abefore", "value 2", "value 3", "aafter"],
}
EACH_KIND = pytest.mark.parametrize("kind", Kind)


def result(called: Any) -> Any:
    """What a call of a function of any kind comes to."""

    async def awaited() -> Any:
        return await called

    async def collected() -> Any:
        return [each async for each in called]

    if inspect.isasyncgen(called):
        return asyncio.run(collected())
    if inspect.isawaitable(called):
        return asyncio.run(awaited())
    return list(called) if inspect.isgenerator(called) else called


# -- kinds


@EACH_KIND
def test_a_hook_sees_a_call(patches: Patches, hook: Any, kind: Kind) -> None:
    """Hooks see the beginning, the values and the end of a call, in the form that suits the kind."""
    function = FUNCTIONS[kind]
    code = function.__code__
    armed = patches.arm(CodeSeat(function), hook)
    try:
        assert result(function(1)) in (2, [2, 3])
    finally:
        armed.disarm()
    assert hook.seen == SEEN[kind]
    assert function.__code__ is code
    result(function(1))
    assert hook.seen == SEEN[kind]


@EACH_KIND
def test_a_closed_gate_lets_everything_through(recorder: Any, kind: Kind) -> None:
    """Where the gate gives no ticket, the function does what it did, and no hook sees that."""
    patches, hook, function = Patches(lambda: None), recorder(), FUNCTIONS[kind]
    armed = patches.arm(CodeSeat(function), hook)
    try:
        assert result(function(1)) in (2, [2, 3])
    finally:
        armed.disarm()
    assert hook.seen == []


@EACH_KIND
def test_a_hook_changes_values(patches: Patches, hook: Any, kind: Kind) -> None:
    """What a hook makes of a value is what the caller gets."""
    hook.change = lambda value: value * 10
    armed = patches.arm(CodeSeat(FUNCTIONS[kind]), hook)
    try:
        assert result(FUNCTIONS[kind](1)) in (20, [20, 30])
    finally:
        armed.disarm()


@EACH_KIND
def test_introspection_tells_the_truth(patches: Patches, hook: Any, kind: Kind) -> None:
    """While a function is patched, `inspect` and its own attributes say what they said before."""
    function = FUNCTIONS[kind]
    before = looks(function)
    armed = patches.arm(CodeSeat(function), hook)
    try:
        assert looks(function) == before
        assert function.__code__.co_varnames[: function.__code__.co_argcount] == before[-1]
    finally:
        armed.disarm()
    assert looks(function) == before


def looks(function: Any) -> tuple[Any, ...]:
    return (
        kind_of(function),
        inspect.iscoroutinefunction(function),
        inspect.isgeneratorfunction(function),
        inspect.isasyncgenfunction(function),
        inspect.signature(function),
        inspect.getsource(function),
        function.__name__,
        function.__qualname__,
        function.__doc__,
        function.__defaults__,
        function.__kwdefaults__,
        function.__closure__,
        function.__code__.co_firstlineno,
        function.__code__.co_filename,
        function.__code__.co_varnames[: function.__code__.co_argcount],
    )


@pytest.mark.parametrize("gate", [lambda: None, lambda: True], ids=["through", "hooked"])
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {}), ((1, 2), {}), ((1,), {"step": 2}), ((1, 2, 3, 4), {"scale": 2, "number": 5, "more": 6})],
)
def test_arguments_arrive(gate: Any, recorder: Any, args: Any, kwargs: Any) -> None:
    """Whatever way arguments are passed, the function gets them as before."""
    expected = plain(*args, **kwargs)
    armed = Patches(gate).arm(CodeSeat(plain), recorder())  # type: ignore[arg-type]  # a function
    try:
        assert plain(*args, **kwargs) == expected
    finally:
        armed.disarm()


def test_a_wrong_call_is_refused_as_before(patches: Patches, hook: Any) -> None:
    """A call with wrong arguments raises the error that it raised before, and no hook sees it."""
    with pytest.raises(TypeError) as before:
        plain()  # type: ignore[call-arg]
    armed = patches.arm(CodeSeat(plain), hook)  # type: ignore[arg-type]  # a function
    try:
        with pytest.raises(TypeError) as patched:
            plain()  # type: ignore[call-arg]
    finally:
        armed.disarm()
    assert str(patched.value) == str(before.value)
    assert hook.seen == []


def test_defaults_may_change_while_it_is_patched(patches: Patches, hook: Any) -> None:
    """Defaults are the function's own, patched or not."""

    def function(number: int = 1) -> int:
        return number

    armed = patches.arm(CodeSeat(function), hook)  # type: ignore[arg-type]  # a function
    function.__defaults__ = (7,)
    assert function() == 7
    armed.disarm()
    assert function() == 7


def test_names_of_parameters_may_be_any(patches: Patches, hook: Any) -> None:
    """Parameters that are called like what the trampoline uses get their values all the same."""

    def function(chaos_ticket: int, call: int, *, chaos_ticket_: int, value: int) -> tuple[int, ...]:
        return chaos_ticket, call, chaos_ticket_, value

    armed = patches.arm(CodeSeat(function), hook)  # type: ignore[arg-type]  # a function
    assert function(1, 2, chaos_ticket_=3, value=4) == (1, 2, 3, 4)
    armed.disarm()


# -- aliases


def test_every_alias_is_reached(patches: Patches, hook: Any, module: Any) -> None:
    """Names imported elsewhere, default arguments, partials, containers and decorators made before are reached."""
    home = module("patched_home", "def function(number): return number + 1")
    other = module(
        "patched_other",
        """
        from functools import partial, wraps
        from patched_home import function as renamed
        bound = partial(renamed, 1)
        listed = [renamed]
        def with_default(number, by=renamed): return by(number)
        @wraps(renamed)
        def decorated(number): return renamed(number)
        """,
    )
    armed = patches.arm(CodeSeat(home.function), hook)
    try:
        for call in (home.function, other.renamed, other.listed[0], other.with_default, other.decorated):
            hook.seen.clear()
            assert call(1) == 2
            assert hook.seen == PLAIN, call
        hook.seen.clear()
        assert other.bound() == 2
        assert hook.seen == PLAIN
        assert armed.places == ("patched_home.function", "patched_other.renamed")
    finally:
        armed.disarm()


class Base:
    def __init__(self, number: int = 1) -> None:
        self.number = number

    def method(self) -> int:
        return self.number + 1

    @classmethod
    def of_class(cls) -> int:
        return cls(1).number + 1

    @staticmethod
    def static(number: int = 1) -> int:
        return number + 1

    @property
    def computed(self) -> int:
        return self.number + 1

    @cached_property
    def cached(self) -> int:
        return self.number + 1

    async def awaited(self) -> int:
        return self.number + 1

    def __call__(self) -> int:
        return self.number + 1


class Child(Base):
    def method(self) -> int:
        return super().method()


def raw(name: str) -> Any:
    found = inspect.getattr_static(Base, name)
    return getattr(found, "__func__", None) or getattr(found, "fget", None) or getattr(found, "func", None) or found


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("method", lambda it: it.method()),
        ("method", Base.method),
        ("of_class", lambda it: it.of_class()),
        ("of_class", lambda it: Base.of_class()),
        ("static", lambda it: it.static()),
        ("static", lambda it: Base.static(1)),
        ("computed", lambda it: it.computed),
        ("cached", lambda it: Base().cached),
        ("awaited", lambda it: it.awaited()),
        ("__call__", lambda it: it()),
    ],
)
def test_what_belongs_to_a_class_is_reached(patches: Patches, hook: Any, name: str, call: Callable[[Any], Any]) -> None:
    """Methods of all sorts, properties and calls of instances are reached, and the class stays as it is."""
    before, instance = dict(vars(Base)), Base()
    armed = patches.arm(CodeSeat(raw(name)), hook)
    try:
        assert result(call(instance)) == 2
        assert hook.seen[-1] == "value 2"
        assert dict(vars(Base)) == before
    finally:
        armed.disarm()


def test_stored_bound_methods_are_reached(patches: Patches, hook: Any) -> None:
    """A bound method that somebody keeps is reached, and so is one in a partial."""
    stored = Base().method
    kept = partial(stored)
    armed = patches.arm(CodeSeat(raw("method")), hook)
    assert (stored(), kept()) == (2, 2)
    armed.disarm()
    assert hook.seen == [*PLAIN, *PLAIN]


def test_super_and_closures_work(patches: Patches, recorder: Any) -> None:
    """A method that calls `super()` and a function with free variables find them while they are patched."""
    factor, offset = 2, 3

    def closure(number: int) -> int:
        return number * factor + offset

    hooks = recorder(), recorder()
    arms = [patches.arm(CodeSeat(Child.method), hooks[0]), patches.arm(CodeSeat(closure), hooks[1])]  # type: ignore[arg-type]
    assert (Child().method(), closure(1)) == (2, 5)
    for each in arms:
        each.disarm()
    assert [len(each.seen) for each in hooks] == [3, 3]


def test_free_variables_of_a_patched_function_can_be_looked_at(patches: Patches, recorder: Any) -> None:
    """A debugger that looks at the variables of a patched function's own frame finds its free variables by name."""
    factor = 2
    seen: dict[str, Any] = {}

    def closure(number: int) -> int:
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        seen.update(frame.f_back.f_locals)
        return number * factor

    armed = Patches(lambda: None).arm(CodeSeat(closure), recorder())  # type: ignore[arg-type]  # a function
    assert closure(1) == 2
    armed.disarm()
    assert (seen["number"], seen["factor"]) == (1, 2)


def test_a_decorated_function_is_patched_outside(patches: Patches, hook: Any) -> None:
    """A decorator's wrapper is a function of its own: what it wraps is not touched."""

    def inner() -> int:
        return 1

    @wraps(inner)
    def outer() -> int:
        return inner() + 1

    armed = patches.arm(CodeSeat(outer), hook)  # type: ignore[arg-type]  # a function
    assert (inner(), hook.seen) == (1, [])
    assert (outer(), hook.seen) == (2, PLAIN)
    armed.disarm()


def test_recursion_is_seen_call_by_call(patches: Patches, hook: Any) -> None:
    """Each call of a function that calls itself is a call."""

    def count(number: int) -> int:
        return 0 if number == 0 else 1 + count(number - 1)

    armed = patches.arm(CodeSeat(count), hook)  # type: ignore[arg-type]  # a function
    assert count(3) == 3
    armed.disarm()
    assert hook.seen.count("before") == 4


# -- calls under way


def test_a_call_under_way_ends_the_way_it_began(patches: Patches, hook: Any) -> None:
    """A generator that was begun under a patch goes on under it, one begun before without."""
    began_before = generator(1)
    assert next(began_before) == 2
    armed = patches.arm(CodeSeat(generator), hook)  # type: ignore[arg-type]  # a function
    began_under = generator(1)
    assert next(began_under) == 2
    armed.disarm()
    assert list(began_before) == [3]
    assert hook.seen == ["before", "value 2"]
    assert list(began_under) == [3]
    assert hook.seen == ["before", "value 2", "value 3", "after"]


def test_a_function_that_raises_has_not_returned(patches: Patches, hook: Any) -> None:
    """An error of the function itself reaches its caller, and hooks see no end and no value."""

    def failing() -> None:
        raise LookupError("own")

    armed = patches.arm(CodeSeat(failing), hook)  # type: ignore[arg-type]  # a function
    with pytest.raises(LookupError, match="own"):
        failing()
    armed.disarm()
    assert hook.seen == ["before"]


GATES = pytest.mark.parametrize("gate", [lambda: None, lambda: True], ids=["through", "hooked"])


def echo() -> Generator[Any, Any, str]:
    """Yield what is sent, and the names of what is thrown."""
    said: Any = "begin"
    try:
        while True:
            try:
                said = yield said
            except LookupError as error:
                said = type(error).__name__
            if said == "end":
                return "returned"
    finally:
        CLOSED.append("closed")


async def aecho() -> Any:
    said: Any = "begin"
    try:
        while True:
            try:
                said = yield said
            except LookupError as error:
                said = type(error).__name__
            if said == "end":
                return
    finally:
        await asyncio.sleep(0)
        CLOSED.append("closed")


CLOSED: list[str] = []


@GATES
def test_generators_can_be_talked_to(gate: Any, recorder: Any) -> None:
    """`send`, `throw`, `close` and the returned value pass through a patched generator."""
    CLOSED.clear()
    armed = Patches(gate).arm(CodeSeat(echo), recorder())  # type: ignore[arg-type]  # a function
    talk = echo()
    assert [next(talk), talk.send("a"), talk.throw(KeyError()), talk.send("b")] == ["begin", "a", "KeyError", "b"]
    with pytest.raises(StopIteration) as stopped:
        talk.send("end")
    assert stopped.value.value == "returned"
    assert CLOSED == ["closed"]
    other = echo()
    next(other)
    other.close()
    assert CLOSED == ["closed", "closed"]
    third = echo()
    next(third)
    with pytest.raises(ZeroDivisionError):
        third.throw(ZeroDivisionError())
    armed.disarm()
    assert len(CLOSED) == 3


@GATES
def test_asynchronous_generators_can_be_talked_to(gate: Any, recorder: Any) -> None:
    """`asend`, `athrow` and `aclose` pass through a patched asynchronous generator."""
    CLOSED.clear()

    async def talk() -> list[str]:
        said = aecho()
        heard = [await said.asend(None), await said.asend("a"), await said.athrow(KeyError()), await said.asend("b")]
        with pytest.raises(StopAsyncIteration):
            await said.asend("end")
        assert CLOSED == ["closed"]
        other = aecho()
        await anext(other)
        await other.aclose()
        assert CLOSED == ["closed", "closed"]
        third = aecho()
        await anext(third)
        with pytest.raises(ZeroDivisionError):
            await third.athrow(ZeroDivisionError())
        return heard

    armed = Patches(gate).arm(CodeSeat(aecho), recorder())  # type: ignore[arg-type]  # a function
    try:
        assert asyncio.run(talk()) == ["begin", "a", "KeyError", "b"]
    finally:
        armed.disarm()
    assert len(CLOSED) == 3


@GATES
def test_old_coroutines_can_be_awaited(gate: Any, recorder: Any) -> None:
    """A generator that `types.coroutine` made awaitable can be awaited while it is patched."""

    @types.coroutine
    def old(number: int) -> Generator[None, None, int]:
        yield
        return number + 1

    async def main() -> int:
        return await old(1)

    armed = Patches(gate).arm(CodeSeat(old), recorder())  # type: ignore[arg-type]  # a function
    assert asyncio.run(main()) == 2
    armed.disarm()


def test_a_cancelled_task_is_cancelled_inside(patches: Patches, hook: Any) -> None:
    """Cancelling a task that waits in a patched function raises in the function itself."""
    told: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def main() -> None:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    armed = patches.arm(CodeSeat(waiting), hook)  # type: ignore[arg-type]  # a function
    asyncio.run(main())
    armed.disarm()
    assert (told, hook.seen) == (["cancelled"], ["abefore"])


def test_tracebacks_name_the_function(patches: Patches, recorder: Any) -> None:
    """What a hook raises comes out of the function, at its own line."""
    hook = recorder()

    def fail(*_: object) -> None:
        raise LookupError("injected")

    hook.before = fail
    armed = patches.arm(CodeSeat(plain), hook)  # type: ignore[arg-type]  # a function
    with pytest.raises(LookupError) as caught:
        plain(1)
    armed.disarm()
    frames = [(entry.name, str(entry.path)) for entry in caught.traceback]
    assert ("plain", __file__) in frames
