"""What a marker becomes: a failpoint at its own line, in the block to which it is indented."""

from __future__ import annotations

import ast
import asyncio
import sys
import traceback
import warnings
from types import CodeType
from typing import Any

import pytest

from chaos_failpoint import MarkerError, armed
from chaos_failpoint.markers.compiling import compile_markers, declare_all


def load(source: str) -> dict[str, Any]:
    """The names of a module with this source."""
    code, markers = compile_markers(source.encode(), "module.py")
    names: dict[str, Any] = {"__name__": "module", **declare_all(markers, "module")}
    exec(code, names)
    return names


TRACED = """
def f(n):
    log = []
    {0}# failpoint: here
    for each in range(n):
        {1}# failpoint: here
        if each == 1:
            log.append("one")
            {2}# failpoint: here
        elif each == 2:
            log.append("two")
        else:
            {3}# failpoint: here
            log.append("else")
            {4}# failpoint: here
        {5}# failpoint: here
    else:
        {6}# failpoint: here
        log.append("done")
    {7}# failpoint: here
    try:
        {8}# failpoint: here
        log.append("try")
    except ValueError:
        pass
        {9}# failpoint: here
    else:
        {10}# failpoint: here
        pass
    finally:
        pass
        {11}# failpoint: here
    with open(__file__) if False else NOTHING:
        {12}# failpoint: here
        @staticmethod
        {13}# failpoint: here
        def g():
            pass
    return log
    {14}# failpoint: here
"""
HITS = {0: 1, 1: 3, 2: 1, 3: 1, 4: 1, 5: 3, 6: 1, 7: 1, 8: 1, 9: 0, 10: 1, 11: 1, 12: 1, 14: 0}


@pytest.mark.parametrize("number", [each for each in range(15) if each != 13])
def test_it_stands_where_the_comment_stands(number: int) -> None:
    """A failpoint is hit exactly as often as a statement at the place of its comment would be."""
    slots = ["" if each == number else "# " for each in range(15)]
    source = TRACED.format(*slots).replace("# # failpoint", "# a failpoint that is not one")
    statement = source.replace("# failpoint: here", "COUNT()")
    counted: list[int] = []
    plain = {"COUNT": lambda: counted.append(1), "NOTHING": _nothing()}
    exec(statement, plain)
    plain["f"](3)  # type: ignore[operator]  # it was defined by the line above
    names = load(source)
    names["NOTHING"] = _nothing()
    with armed("here", "off") as it:
        assert names["f"](3) == ["else", "one", "two", "done", "try"]
    assert it.hits == len(counted) == HITS[number]


class _nothing:  # noqa: N801 - used like a function
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return 1\n  # failpoint: a\n",
        "if x:\n    pass\n# failpoint: a\nelse:\n    pass\n",
        "try:\n    pass\n# failpoint: a\nexcept OSError:\n    pass\n",
        "if x:\n    pass\n# failpoint: a\nelif y:\n    pass\n",
        "@decorator\n# failpoint: a\ndef f():\n    pass\n",
        "match x:\n    # failpoint: a\n    case 1:\n        pass\n",
        "class A:\n    x = 1\n      # failpoint: a\n    y = 2\n",
        "def f():\n# failpoint: a\n    return 1\n",
    ],
)
def test_where_no_statement_can_stand(source: str) -> None:
    """A comment to whose indentation no statement would fit is an error at its line."""
    with pytest.raises(MarkerError, match="no statement can stand at failpoint 'a'"):
        compile_markers(source.encode(), "module.py")


def test_what_must_come_first_stays_first() -> None:
    """Docstrings and imports from the future stay in front of a failpoint that is written above them."""
    names = load(
        '# failpoint: module\n"""Of the module."""\n# failpoint: future\nfrom __future__ import annotations\n'
        'def f(x: Missing):\n    # failpoint: function\n    """Of f."""\n    return x\n'
        'class C:\n    # failpoint: class\n    """Of C."""\n'
    )
    assert (names["__doc__"], names["f"].__doc__, names["C"].__doc__) == ("Of the module.", "Of f.", "Of C.")
    with armed("function", "return(5)"):
        assert names["f"](1) == 5


def test_two_in_a_row() -> None:
    """Several markers in a row are hit in their order."""
    names = load(
        "def f():\n    # failpoint: a\n    # failpoint: b\n    return 1\n    # failpoint: c\n    # failpoint: d\n"
    )
    with armed("a", "off") as first, armed("b", "return(2)") as second:
        assert names["f"]() == 2
    assert (first.hits, second.hits) == (1, 1)


KINDS = """
def plain():
    # failpoint: plain
    return 1

def generator():
    yield 1
    # failpoint: generator
    yield 2

async def coroutine():
    # failpoint: coroutine
    return 1

async def asyncgenerator():
    yield 1
    # failpoint: asyncgenerator
    yield 2

def final():
    try:
        raise KeyError("real")
    finally:
        # failpoint: final
        pass

def starred():
    try:
        raise ExceptionGroup("group", [ValueError()])
    except* ValueError:
        # failpoint: starred
        pass
    return 1

class Body:
    # failpoint: body
    value = 1

    def method(self):
        # failpoint: method
        return 1

async def outer():
    def inner():
        # failpoint: inner
        return 1
    return inner()
"""


def test_return_in_every_kind_of_function() -> None:
    """A `return` ends a function with its value where Python permits that, and nothing where it does not."""
    names = load(KINDS)

    async def collected() -> list[int]:
        return [each async for each in names["asyncgenerator"]()]

    with armed("plain", "return(5)"), armed("method", "return(6)"), armed("inner", "return(7)"):
        assert (names["plain"](), names["Body"]().method(), asyncio.run(names["outer"]())) == (5, 6, 7)
    with armed("generator", "return(5)"), armed("coroutine", "return(5)"), armed("asyncgenerator", "return(5)"):
        assert list(names["generator"]()) == [1]
        assert asyncio.run(names["coroutine"]()) == 5
        assert asyncio.run(collected()) == [1]
    with armed("final", "return(5)") as it, pytest.raises(KeyError):
        names["final"]()
    assert it.fired == 1
    with armed("starred", "return(5)") as it:
        assert names["starred"]() == 1
    assert it.fired == 1


def test_asynchronous_code_is_not_blocked() -> None:
    """In `async def`, a marker awaits, so that a sleep holds up its task alone."""
    names = load(KINDS)

    async def use() -> int:
        with armed("coroutine", "sleep(1ms)"):
            return await names["coroutine"]()  # type: ignore[no-any-return]  # of a module made by hand

    assert asyncio.run(use()) == 1


def test_one_name_twice() -> None:
    """One name at two places is an error that names both lines, unless both say that they share it."""
    source = "# failpoint: a{0}\nx = 1\n# failpoint: a{1}\n"
    for one, other in (("", ""), (", shared", ""), ("", ", shared")):
        with pytest.raises(ValueError, match=r"'a' is declared at module\.py:1 and again at module\.py:3"):
            load(source.format(one, other))
    load(source.format(", shared", ", shared"))


# -- what stays as it was


def lines(code: CodeType) -> list[tuple[str, list[int | None]]]:
    """The lines of all functions in *code*."""
    nested = [each for each in code.co_consts if isinstance(each, CodeType)]
    found = [line for _, _, line in code.co_lines()]
    return [(code.co_qualname, found), *(item for each in nested for item in lines(each))]


def test_without_the_hook_the_bytecode_is_identical() -> None:
    """To Python itself a marker is a comment: code, constants, names and lines are those without it."""
    silent = KINDS.replace("# failpoint: ", "# something ")
    assert _all_of(compile(KINDS, "m.py", "exec")) == _all_of(compile(silent, "m.py", "exec"))


def _all_of(code: CodeType) -> list[object]:
    own = [code.co_code, code.co_names, code.co_varnames, code.co_linetable, code.co_exceptiontable, code.co_stacksize]
    return own + [_all_of(each) if isinstance(each, CodeType) else each for each in code.co_consts]


def test_a_module_without_markers_is_compiled_as_ever() -> None:
    """Where there is no marker, the hook compiles what Python would."""
    source = KINDS.replace("# failpoint: ", "# something ").encode()
    code, markers = compile_markers(source, "m.py")
    assert markers == ()
    assert _all_of(code) == _all_of(compile(source, "m.py", "exec", dont_inherit=True))


def test_lines_stay_the_same() -> None:
    """With the hook, every other statement keeps its line, and the failpoints have those of their comments."""
    plain, hooked = dict(lines(compile(KINDS, "m.py", "exec"))), dict(lines(compile_markers(KINDS.encode(), "m.py")[0]))
    comments = {number for number, line in enumerate(KINDS.splitlines(), 1) if "# failpoint" in line}
    assert plain.keys() == hooked.keys()
    for name, found in plain.items():
        assert set(hooked[name]) - set(found) <= comments
        assert set(found) <= set(hooked[name])


def test_tracebacks_stay_the_same() -> None:
    """An error has the traceback that it would have without failpoints, line by line."""
    source = "def f():\n    # failpoint: a\n    g()\n\ndef g():\n    # failpoint: b\n    raise KeyError(1)\n"

    def trace(names: dict[str, Any]) -> list[tuple[int | None, str]]:
        try:
            names["f"]()
        except KeyError as error:
            return [(each.lineno, each.name) for each in traceback.extract_tb(error.__traceback__)][1:]
        return []

    plain: dict[str, Any] = {}
    exec(compile(source, "module.py", "exec"), plain)
    assert trace(plain) == trace(load(source)) == [(3, "f"), (7, "g")]


def test_a_fault_is_shown_at_the_comment() -> None:
    """The traceback of a fault shows the line of the comment."""
    names = load("def f():\n    x = 1\n    # failpoint: a\n    return x\n")
    with armed("a", "raise(OSError)"), pytest.raises(OSError) as caught:  # noqa: PT011 - it has no text
        names["f"]()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [each.lineno for each in frames if each.filename == "module.py"] == [3]


def test_what_does_not_compile() -> None:
    """A source that is no Python fails as it always does."""
    with pytest.raises(SyntaxError, match="was never closed"):
        compile_markers(b"# failpoint: a\nx = (\n", "module.py")


def test_compiling_warns_of_nothing_new() -> None:
    """Failpoints bring no warnings of the compiler with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_markers(KINDS.encode(), "module.py")
    assert isinstance(ast.parse(KINDS), ast.Module)
    assert sys.version_info >= (3, 11)
