"""The grammar: what is read, what is refused, and what the errors say."""

from __future__ import annotations

from typing import Any

import pytest

from chaos_failpoint import ParseError, parse, parse_config
from chaos_failpoint.grammar import Filter, Most, Percent, Skip, Term, format_config, format_terms

# -- what is read


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("return(None)", (None,)),
        ("return(1.5)", (1.5,)),
        ("return(-3)", (-3,)),
        ("return(0x1F)", (31,)),
        ("return('a')", ("a",)),
        ('return("a" )', ("a",)),
        ('return(b"\\x00x")', (b"\x00x",)),
        ('return({"a": [1, (2,)], 3: {4}})', ({"a": [1, (2,)], 3: {4}},)),
        ("return(1, 2)", ((1, 2),)),
        ("return([])", ([],)),
        ("return(())", ((),)),
        ("return((1))", (1,)),
        ("return(hello world)", ("hello world",)),
        ("return({not python})", ("{not python}",)),
        ('return("a;b=c->d)")', ("a;b=c->d)",)),
        ("return(1->2)", ("1->2",)),
        ("return(f(x) + 1)", ("f(x) + 1",)),
        ("print(it's alive)", ("it's alive",)),
        ('print(say "hi)")', ('say "hi)"',)),
        ("panic()", ()),
        ("pause(5s)", (5 * 10**9,)),
        ("sleep(1h2m3.5s)", ((3600 + 120 + 3.5) * 10**9,)),
        ("sleep(5µs)", (5000,)),
        ("raise(ConnectionResetError, 104, 'peer reset')", ("ConnectionResetError", 104, "peer reset")),
        ("raise(a.b:C.D,)", ("a.b:C.D",)),
        ("cancel(too slow)", ("too slow",)),
        ("corrupt(bitflip)", ("bitflip",)),
        ("corrupt(tools:spoil, 3)", ("tools:spoil", 3)),
        ("call(a.b:f, {'x': 1})", ("a.b:f", {"x": 1})),
        ("wait(etcd/raft before save)", ("etcd/raft before save",)),
        ("wait('a')", ("a",)),
        ("exit(3)", (3,)),
        (r"return('\101\U00000042')", ("AB",)),
        ("return([1, 2,])", ([1, 2],)),
        ("exit", ()),
        ("kill(SIGTERM)", ("SIGTERM",)),
        ("kill('SIGKILL')", ("SIGKILL",)),
        ("kill(9)", (9,)),
    ],
)
def test_arguments(text: str, args: tuple[Any, ...]) -> None:
    """Each action reads its own arguments, to values of the right type."""
    (term,) = parse(text)
    assert term.args == args
    assert [type(each) for each in term.args if not isinstance(each, (int, float))] == [
        type(each) for each in args if not isinstance(each, (int, float))
    ]


def test_modifiers_in_written_order() -> None:
    """Modifiers keep their order, and any number of them may stand there."""
    assert parse("3+50%2*1.5%off")[0].modifiers == (Skip(3), Percent(50), Most(2), Percent(1.5))


def test_filters() -> None:
    """A filter has a tag and a glob, with an equals sign or a blank between them."""
    (term,) = parse("off[pid 12] [tenant = ac?e * x]")
    assert term.filters == (Filter("pid", "12"), Filter("tenant", "ac?e * x"))


def test_blanks_around_every_token() -> None:
    """Blanks may stand around every token, and change nothing."""
    assert parse(" 2 * 50 % return ( 1 ) [ key = a ] -> \n panic \t") == parse("2*50%return(1)[key=a]->panic")


@pytest.mark.parametrize("text", ["off->", " off -> ", "1*off->off->"])
def test_an_arrow_may_come_last(text: str) -> None:
    """An arrow at the end means nothing, as in both Go libraries."""
    assert parse(text) == parse(text.strip().removesuffix("->"))


def test_a_bracket_ends_before_an_arrow_or_a_filter() -> None:
    """The first bracket that closes outside quotes before an arrow, a filter or the end is the one that counts."""
    assert parse("return(a)b)->panic") == (Term("return", ("a)b",)), Term("panic"))
    assert parse("return(a)[x=1]") == (Term("return", ("a",), (), (Filter("x", "1"),)),)
    assert parse("return(a)[1])")[0].args == ("a)[1]",)


# -- what is refused


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("", 0, "an action", "the end"),
        ("  ", 2, "an action", "the end"),
        ("50%", 3, "an action", "the end"),
        ("50return", 2, "'%' (a probability)", "'return'"),
        ("5.5*off", 3, "only a probability may have a fraction", "'*'"),
        ("1+", 2, "an action", "the end"),
        ("2*retrun(1)", 2, "an action", "'retrun' (did you mean 'return'?)"),
        ("off(1)", 4, "no argument", "'1'"),
        ("sleep(soon)", 6, "milliseconds", "'soon'"),
        ("sleep(5 s)", 8, "the closing ')'", "'s'"),
        ("sleep('100')", 7, "milliseconds", "'100'"),
        ("sleep(1.5)", 6, "milliseconds", "'1.5'"),
        ("sleep(9999999999h)", 6, "at most 292 years", "'9999999999h'"),
        ("return(1", 6, "a ')'", "'('"),
        ('return("a', 7, 'a closing "', "'\"'"),
        ('return("a" b)', 11, "',' or the closing ')'", "'b'"),
        (r'return("\q")', 8, "an escape", "'\\\\'"),
        (r'return("\U00110000")', 8, "an escape", "'\\\\'"),
        ('return(b"é")', 9, "bytes in ASCII", "'é'"),
        ("raise(5)", 6, "a dotted name", "'5'"),
        ("raise(ValueError, oops)", 18, "a literal", "'oops'"),
        ("corrupt(bitflop)", 8, "none, bitflip", "'bitflop' (did you mean 'bitflip'?)"),
        ("corrupt(nan, 1)", 8, "the path of a function, which alone", "'nan'"),
        ("exit(256)", 5, "an exit code", "'256'"),
        ("exit(true)", 5, "an exit code", "'true'"),
        ("kill(SIGKIL)", 5, "a signal", "'SIGKIL' (did you mean 'SIGKILL'?)"),
        ("kill(0)", 5, "a signal", "'0'"),
        ("return('a' + 1)", 11, "',' or the closing ')'", "'+'"),
        ("raise(a:B, [1 2])", 14, "',' or ']'", "'2'"),
        ("wait(5, 6)x", 4, "a ')'", "'('"),
        ("wait()", 6, "the name of a failpoint, in brackets", "the end"),
        ("off[5=1]", 4, "what to filter by", "'5'"),
        ("off[pid]", 7, "'=' after 'pid'", "']'"),
        ("off[pid=]", 8, "what 'pid' must match", "']'"),
        ("off[pid=1", 9, "']'", "the end"),
        ("off off", 4, "'->' or the end", "'off'"),
        ("off;off", 3, "'->' or the end", "';'"),
        ("->off", 0, "an action", "'->'"),
        ("off->->off", 5, "an action", "'->'"),
    ],
)
def test_errors(text: str, position: int, expected: str, found: str) -> None:
    """An error names the position, what could have stood there and what does, and shows the text with a caret."""
    with pytest.raises(ParseError) as caught:
        parse(text)
    error = caught.value
    assert (error.text, error.position, error.found) == (text, position, found)
    assert expected in error.expected
    first, shown, caret = str(error).splitlines()
    assert first == f"expected {error.expected}, found {found} at position {position}"
    assert shown == f"  {text}"
    assert caret == f"  {' ' * position}^"


def test_a_long_text_is_shown_around_the_error() -> None:
    """Of a long text, an error shows what is around its position, and the caret still points there."""
    with pytest.raises(ParseError) as caught:
        parse(f"return({'x' * 300})->bang->return({'y' * 300})")
    _, shown, caret = str(caught.value).splitlines()
    assert len(shown) < 90
    assert shown[caret.index("^") :].startswith("bang")


def test_what_cannot_be_printed_is_not_shown() -> None:
    """Control characters, which could change the terminal that shows an error, are replaced."""
    with pytest.raises(ParseError) as caught:
        parse("off \x1b[31m\n")
    assert "\x1b" not in str(caught.value)


def test_at_most_1023_bytes() -> None:
    """Terms have up to 1023 bytes, counted in UTF-8, and not one more."""
    assert parse(f"return({'x' * 1015})")
    with pytest.raises(ParseError, match="at most 1023 bytes"):
        parse(f"return({'x' * 1016})")
    with pytest.raises(ParseError, match="at most 1023 bytes"):
        parse(f"return({'é' * 508})")


def test_at_most_20_terms() -> None:
    """There are up to 20 terms, and not one more."""
    assert len(parse("->".join(["1*off"] * 20))) == 20
    assert len(parse("->".join(["1*off"] * 20) + "->")) == 20
    with pytest.raises(ParseError, match="at most 20 terms"):
        parse("->".join(["1*off"] * 21))


def test_nested_brackets_have_a_bound() -> None:
    """Brackets within brackets are refused beyond 30, before the stack is used up."""
    assert parse(f"return({'[' * 30}{']' * 30})")[0].args != ()
    assert isinstance(parse(f"return({'[' * 400}{']' * 400})")[0].args[0], str)  # no literal, so plain text


# -- several failpoints


def test_config() -> None:
    """A config has terms by name; names have slashes and blanks, and terms have semicolons in brackets."""
    assert parse_config('a/b c = 1*return("x;y=z") ;; d=return(p;q)->off[x 1];') == {
        "a/b c": parse('1*return("x;y=z")'),
        "d": (Term("return", ("p;q",)), Term("off", (), (), (Filter("x", "1"),))),
    }
    assert parse_config("") == parse_config(" ; ;") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "expected '=' and terms after the name 'a', found the end at position 1"),
        ("=off", "expected the name of a failpoint, then '=', found '=' at position 0"),
        ("a=off;a=panic", "expected each name once, not 'a' again, found 'a' at position 6"),
        ("a=off;b=bang", "found 'bang' at position 8"),
        ("a=off b=off", "expected '->', ';' or the end, found 'b' at position 6"),
        ("a=", "an action"),
    ],
)
def test_config_errors(text: str, message: str) -> None:
    """An error in a config is shown at its position in the whole."""
    with pytest.raises(ParseError) as caught:
        parse_config(text)
    assert message in str(caught.value)


def test_each_of_several_has_its_own_limit() -> None:
    """The limit of 1023 bytes is that of each failpoint's terms, not of the whole."""
    text = f"return({'x' * 1000})"
    assert len(parse_config(";".join(f"p{number}={text}" for number in range(10)))) == 10
    with pytest.raises(ParseError, match="at most 1023 bytes"):
        parse_config(f"a=off;b=return({'x' * 1020})")


# -- writing


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("125 % off", "100%off"),
        ("0.0000001%off", "0.0000001%off"),
        ("return(abc)", 'return("abc")'),
        ("return('é\\x1b\\u2028')", 'return("é\\x1b\\u2028")'),
        ("return(TRUE)", 'return("TRUE")'),
        ("return(True)", "return(true)"),
        ("return(1e999)", "return(1e999)"),
        ("sleep(1500us)", "sleep(1500000ns)"),
        ("sleep(2s)", "sleep(2000)"),
        ("return(1, 2)", "return((1, 2))"),
        ("return({1})", "return({1})"),
        ("off[pid 1]", "off[pid=1]"),
    ],
)
def test_writing(text: str, written: str) -> None:
    """Terms are written in one way, whatever they were read from."""
    assert format_terms(parse(text)) == written


def test_config_is_written() -> None:
    """A config is written such that it reads the same."""
    config = parse_config("a=1*return(b;c)->off;d=panic")
    assert format_config(config) == 'a=1*return("b;c")->off;d=panic'
    assert parse_config(format_config(config)) == config
