"""Properties of the grammar, over terms and texts that nobody thought of."""

from __future__ import annotations

import ast
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaos_failpoint import ParseError, parse, parse_config
from chaos_failpoint.grammar import (
    Filter,
    Most,
    Percent,
    Skip,
    Term,
    Terms,
    explain,
    format_config,
    format_terms,
    lint,
)
from chaos_failpoint.grammar.arguments import ACTIONS, CORRUPTIONS
from chaos_failpoint.grammar.linting import TAGS
from chaos_failpoint.grammar.literals import read_literal, write_literal
from chaos_failpoint.grammar.reading import Cursor

# -- terms

texts = st.text(max_size=20)
atoms = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=20)
)
literals = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(atoms, inner, max_size=3)
        | st.sets(atoms, min_size=1, max_size=3)
    ),
    max_leaves=5,
)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
paths = st.builds("{}:{}".format, names, names) | st.lists(names, min_size=1, max_size=3).map(".".join)
durations = st.integers(0, 2**63 - 1).map(lambda nanoseconds: (nanoseconds,))
values = st.just(()) | literals.map(lambda value: (value,))
calls = st.tuples(paths, st.lists(literals, max_size=2)).map(lambda pair: (pair[0], *pair[1]))
arguments: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "off": st.just(()),
    "return": values,
    "sleep": durations,
    "delay": durations,
    "panic": values,
    "break": st.just(()),
    "print": values,
    "pause": st.just(()) | durations,
    "yield": st.just(()),
    "raise": calls,
    "cancel": values,
    "corrupt": st.sampled_from(CORRUPTIONS).map(lambda kind: (kind,)) | calls.filter(lambda args: ":" in args[0]),
    "call": calls,
    "wait": texts.filter(bool).map(lambda name: (name,)),
    "exit": st.just(()) | st.integers(0, 255).map(lambda code: (code,)),
    "kill": st.sampled_from([(), ("SIGTERM",), (9,)]),
}
modifiers = st.floats(0, 100).map(Percent) | st.integers(0, 10**9).map(Most) | st.integers(0, 10**9).map(Skip)
globs = st.text(st.characters(exclude_characters="]"), min_size=1, max_size=8).map(str.strip).filter(bool)
filters = st.builds(Filter, names, globs.filter(lambda glob: glob == glob.strip(" \t\r\n")))


def terms_of(action: str) -> st.SearchStrategy[Term]:
    return st.builds(
        Term,
        st.just(action),
        arguments[action],
        st.lists(modifiers, max_size=3).map(tuple),
        st.lists(filters, max_size=2).map(tuple),
    )


terms = st.lists(st.sampled_from(sorted(ACTIONS)).flatmap(terms_of), min_size=1, max_size=3).map(tuple)


def short(given_terms: Terms) -> bool:
    return len(format_terms(given_terms).encode("utf-8", "surrogatepass")) <= 1023


def test_every_action_is_tried() -> None:
    """The strategies below leave out no action."""
    assert arguments.keys() == ACTIONS.keys()


@settings(deadline=None)
@given(terms.filter(short))
def test_what_is_written_can_be_read(given_terms: Terms) -> None:
    """Terms that are written and read again are the same, down to the types of their values."""
    again = parse(format_terms(given_terms))
    assert again == given_terms
    assert [typed(each.args) for each in again] == [typed(each.args) for each in given_terms]


def typed(value: Any) -> Any:
    """*value* with the type of every part of it, since 1 == 1.0 == True."""
    if isinstance(value, (list, tuple, set)):
        return type(value), sorted(map(repr, map(typed, value))) if isinstance(value, set) else list(map(typed, value))
    if isinstance(value, dict):
        return [(typed(key), typed(each)) for key, each in value.items()]
    return type(value), repr(value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b/c", "d e"]), terms.filter(short), max_size=3))
def test_a_config_that_is_written_can_be_read(config: dict[str, Terms]) -> None:
    """So are those of several failpoints."""
    assert parse_config(format_config(config)) == config


@settings(deadline=None)
@given(terms)
def test_all_terms_can_be_explained(given_terms: Terms) -> None:
    """Whatever can be written has an explanation, a line for each term at least, and its lints."""
    assert len(explain(given_terms).splitlines()) >= len(given_terms)
    assert all(isinstance(each, str) for each in lint(given_terms))


# -- texts

MARKS = "-> % * + ( ) [ ] { } = ; \" ' \\ , : 5 50 .5 1e9 ms s true None b \\x \\u12 ValueError \ud800 ٣"
pieces = st.sampled_from([*ACTIONS, *CORRUPTIONS, *TAGS, *MARKS.split(), " ", "\n"])


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(pieces, max_size=25).map("".join))
@example("5" * 1023)
@example("return(" + "-" * 500 + "1)")
@example("return(" + "9" * 1000 + ")")
@example("return({[]: 1})")
@example("return({1: 2, 3})")
@example('return("\\777")')
@example("sleep(" + "9" * 400 + "h)")
@example("٣%off")
@example("return(\x00)")
@example("\ud800")
def test_no_text_raises_anything_else(text: str) -> None:
    """Whatever the text, it is terms or a ParseError; and terms that were read can be written and read again."""
    for read, write in ((parse, format_terms), (parse_config, format_config)):
        try:
            found: Any = read(text)
        except ParseError as refused:
            place, message = refused.position, str(refused)
            assert 0 <= place <= len(text)
            assert message
        else:
            assert read(write(found)) == found or len(write(found)) > 1023


# -- literals


@settings(deadline=None)
@given(literals)
def test_literals_are_those_of_python(value: object) -> None:
    """A literal that Python writes is read as Python reads it, and ours is read by Python."""
    written = repr(value).replace("inf", "1e999")
    assert read_literal(Cursor(written)) == ast.literal_eval(written) == value
    ours = write_literal(value)
    assert read_literal(Cursor(ours)) == value
    if "true" not in ours and "false" not in ours:
        assert ast.literal_eval(ours) == value
