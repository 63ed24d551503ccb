"""Functions with any signature."""

import inspect
import keyword
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chaos_patch.engine import Call, CodeSeat, Patches

NAMES = st.sampled_from(["self", "a", "b", "args", "kwargs", "chaos_ticket", "ticket", "call", "_", "value"])


class Seeing:
    """A hook that keeps the arguments of the last call."""

    last: Call | None = None

    def before(self, ticket: Any, call: Call) -> None:
        self.last = call

    async def abefore(self, ticket: Any, call: Call) -> None: ...
    def value(self, ticket: Any, call: Call) -> None: ...
    def after(self, ticket: Any, call: Call) -> None: ...
    async def aafter(self, ticket: Any, call: Call) -> None: ...


@st.composite
def functions(draw: st.DrawFn) -> Any:
    """A function that returns all that it gets, with any kinds of parameters, defaults and free variables."""
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    assert not any(map(keyword.iskeyword, names))
    cuts = sorted(draw(st.tuples(*(st.integers(0, len(names)) for _ in range(2)))))
    only, both, named = names[: cuts[0]], names[cuts[0] : cuts[1]], names[cuts[1] :]
    first_default = draw(st.integers(0, len(only) + len(both)))
    positional = [f"{name}={i}" if i >= first_default else name for i, name in enumerate([*only, *both])]
    spread, rest = draw(st.booleans()), draw(st.booleans())
    parts = [*positional[: len(only)], *(["/"] if only else []), *positional[len(only) :]]
    parts += ["*spread"] if spread else ["*"] if named else []
    parts += [f"{name}={draw(st.integers(50, 60))}" if draw(st.booleans()) else name for name in named]
    parts += ["**rest"] if rest else []
    free = draw(st.lists(st.sampled_from(["x", "y", "__class__"]), unique=True))
    everything = [*names, *(["spread"] if spread else []), *(["rest"] if rest else []), *free]
    source = "def make():\n" + "".join(f"    {each} = {each!r}\n" for each in free)
    source += f"    def function({', '.join(parts)}):\n        return [{', '.join(everything)}]\n    return function\n"
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["make"]()


@given(
    function=functions(),
    args=st.lists(st.integers(0, 9), max_size=6),
    kwargs=st.dictionaries(st.one_of(NAMES, st.sampled_from(["extra", "more"])), st.integers(10, 19), max_size=4),
    through=st.booleans(),
)
def test_any_call_of_any_function_does_the_same(function: Any, args: Any, kwargs: Any, through: bool) -> None:
    """A patched function returns or refuses just what it returned or refused before, and looks the same."""

    def outcome() -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            return str(error)

    before, signature = outcome(), inspect.signature(function)
    hook = Seeing()
    armed = Patches(lambda: None if through else True).arm(CodeSeat(function), hook)
    try:
        assert outcome() == before
        assert inspect.signature(function) == signature
    finally:
        armed.disarm()
    assert outcome() == before
    if hook.last is not None:
        bound = signature.bind(*hook.last.args, **hook.last.kwargs)
        assert function(*bound.args, **bound.kwargs) == before
