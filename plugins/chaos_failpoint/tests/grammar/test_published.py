"""Terms that the manuals, the examples and the tests of the other failpoint libraries have."""

from __future__ import annotations

from typing import Any

import pytest

from chaos_failpoint import Failpoint, ParseError, armed, parse
from chaos_failpoint.grammar import Filter, Most, Percent, Term

SILENT = object()
"""Stands for a hit at which nothing is handed to the caller."""


def term(action: str, *args: Any, modifiers: tuple[Any, ...] = (), filters: tuple[Filter, ...] = ()) -> Term:
    return Term(action, args, modifiers, filters)


def values(fp: Failpoint, terms: str, hits: int) -> list[object]:
    """What so many hits hand to the caller."""
    with armed(fp.name, terms):
        results = [fp.hit() for _ in range(hits)]
    return [SILENT if each is None else each.value for each in results]


# -- fail(9): its manual page


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2.1%return(5)", [term("return", 5, modifiers=(Percent(2.1),))]),
        (
            "2%return(5)->5%return(22)",
            [term("return", 5, modifiers=(Percent(2),)), term("return", 22, modifiers=(Percent(5),))],
        ),
        (
            "5*return(5)->0.1%return(22)",
            [term("return", 5, modifiers=(Most(5),)), term("return", 22, modifiers=(Percent(0.1),))],
        ),
        ("0.1%5*return(5)", [term("return", 5, modifiers=(Percent(0.1), Most(5)))]),
        ("1%*sleep(50)", [term("sleep", 50_000_000, modifiers=(Percent(1),))]),
        ("1*return(5)[pid 1234]", [term("return", 5, modifiers=(Most(1),), filters=(Filter("pid", "1234"),))]),
        (".5%return(1)", [term("return", 1, modifiers=(Percent(0.5),))]),
        ("pause", [term("pause")]),
        ("yield", [term("yield")]),
        ("break", [term("break")]),
        ("delay(7)", [term("delay", 7_000_000)]),
    ],
)
def test_fail_9(text: str, terms: list[Term]) -> None:
    """What the manual page of fail(9) shows is read as it says."""
    assert parse(text) == tuple(terms)


# -- gofail and pingcap/failpoint: their tests of terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off", [SILENT]),
        ('2*return("abc")', ["abc", "abc", SILENT]),
        ('2*return("abc")->1*return("def")', ["abc", "abc", "def", SILENT]),
        ('1*return("abc")->return("def")', ["abc", "def", "def"]),
        ('0%return("abc")', [SILENT] * 3),
        ('100%return("abc")', ["abc"] * 3),
        ('100.0%return("abc")', ["abc"] * 3),
        ('100%2*return("abc")', ["abc", "abc", SILENT]),
        ('return("abc")', ["abc"]),
        ("return(true)", [True]),
        ("return(1)", [1]),
        ("return()", [None]),
        ("return", [None]),
        ("return->", [None, None]),
        (r'return("a\"b")', ['a"b']),
        (r'return("a\nb")', ["a\nb"]),
        (r'return("a\\b")', ["a\\b"]),
        (r'return("tab\there")', ["tab\there"]),
        ('return("")', [""]),
        (r'1*return("a\"b")->return("x")', ['a"b', "x"]),
        ("return(0012)", [12]),
        ("return(100)", [100]),
    ],
)
def test_go(fp: Failpoint, text: str, expected: list[object]) -> None:
    """What the tests of both Go libraries evaluate hands the same values to the caller, hit by hit."""
    assert values(fp, text, len(expected)) == expected


@pytest.mark.parametrize(("hits", "fired"), [(12, 11), (3, 3), (0, 0)])
def test_go_counter(fp: Failpoint, hits: int, fired: int) -> None:
    """Of ``10*sleep(..)->1*return`` at most 11 are executed, however often it is hit."""
    with armed("db.commit", '10*sleep(1us)->1*return("abc")') as it:
        for _ in range(hits):
            fp.hit()
    assert it.fired == fired


@pytest.mark.parametrize("text", ['return("abc"', 'return("abc', 'return("', "return(1", "return(true", "3*", "50%"])
def test_go_refuses(text: str) -> None:
    """What gofail rejects is rejected; and so is what makes its parser accept and its evaluation crash."""
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [('sleep("600s")', 600 * 10**9), ("sleep(10)", 10**7), ("sleep(10s)", 10**10), ('sleep("1m30s")', 90 * 10**9)],
)
def test_go_durations(text: str, nanoseconds: int) -> None:
    """Milliseconds and Go's durations are read, and the bare ``sleep(10s)`` of gofail's own manual too."""
    assert parse(text) == (term("sleep", nanoseconds),)


def test_go_values_that_crash_its_parser(fp: Failpoint) -> None:
    """A bare word, at which both Go parsers crash, is plain text."""
    assert values(fp, "return(abc)", 1) == ["abc"]


@pytest.mark.parametrize("text", ["40.0%return(true)", "1.0%panic", "50.0%sleep(1)"])
def test_go_probabilities(text: str) -> None:
    """Probabilities as gofail needs them, with a fraction, are the same as without."""
    assert parse(text) == parse(text.replace(".0%", "%"))


# -- fail-rs: its tests of terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return", term("return")),
        ("return(64)", term("return", 64)),
        ("5*return", term("return", modifiers=(Most(5),))),
        ("25%return", term("return", modifiers=(Percent(25),))),
        ("125%2*return", term("return", modifiers=(Percent(100), Most(2)))),
        ("return(2%5)", term("return", "2%5")),
        ("125%2*off", term("off", modifiers=(Percent(100), Most(2)))),
        ("125%2*sleep(100)", term("sleep", 10**8, modifiers=(Percent(100), Most(2)))),
        (" 125%2*off ", term("off", modifiers=(Percent(100), Most(2)))),
        ("125%2*panic", term("panic", modifiers=(Percent(100), Most(2)))),
        ("125%2*panic(msg)", term("panic", "msg", modifiers=(Percent(100), Most(2)))),
        ("125%2*print", term("print", modifiers=(Percent(100), Most(2)))),
        ("125%2*print(msg)", term("print", "msg", modifiers=(Percent(100), Most(2)))),
        ("125%2*pause", term("pause", modifiers=(Percent(100), Most(2)))),
        ("125%2*yield", term("yield", modifiers=(Percent(100), Most(2)))),
        ("125%2*delay(2)", term("delay", 2 * 10**6, modifiers=(Percent(100), Most(2)))),
    ],
)
def test_fail_rs(text: str, expected: Term) -> None:
    """What the tests of fail-rs parse is parsed to the same."""
    assert parse(text) == (expected,)


@pytest.mark.parametrize("text", ["delay", "sleep", "Return", "ab%return", "ab*return", "return(msg", "unknown"])
def test_fail_rs_refuses(text: str) -> None:
    """What the tests of fail-rs expect to be rejected is rejected."""
    with pytest.raises(ParseError):
        parse(text)


def test_fail_rs_example() -> None:
    """The example of its manual: 20 % of hits print, at most three times, and the others panic."""
    assert parse("20%3*print(still alive!)->panic") == (
        term("print", "still alive!", modifiers=(Percent(20), Most(3))),
        term("panic"),
    )


def test_fail_rs_frequency_and_count(fp: Failpoint) -> None:
    """Its longest test: 50 times 1, 50 times -1 and 50 times the default, 100 in sum over 5,000 hits."""
    returned = values(fp, "50%50*return(1)->50%50*return(-1)->50*return(2)", 5000)
    assert sum(each for each in returned if isinstance(each, int)) == 100
    assert [returned.count(each) for each in (1, -1, 2)] == [50, 50, 50]


# -- the one deliberate difference


def test_a_bare_sleep_is_an_error() -> None:
    """A sleep without a duration, which Go silently skips, is an error that says what is missing."""
    with pytest.raises(ParseError, match=r"expected milliseconds .* in brackets after 'sleep', found the end"):
        parse("sleep")
