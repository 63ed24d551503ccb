"""What is legal and hardly meant; and terms in words."""

from __future__ import annotations

import pytest

from chaos_failpoint import explain, lint, parse


@pytest.mark.parametrize(
    "text", ["5%2*panic", "1*off->panic", "3+return(1)", "return(1)[pid=1]->panic", "100%off", "off[tenant=a]"]
)
def test_nothing_to_say(text: str) -> None:
    """Terms that do what they look like have no lints."""
    assert lint(parse(text)) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2*5%panic", "2*5%panic: the count goes down before the probability is asked"),
        ("print->panic", "print: it always fires, so nothing after it is ever reached"),
        ("0%panic", "0%panic: it never fires"),
        ("0*panic", "0*panic: it never fires"),
        (
            "off[worke=1]",
            "off[worke=1]: only hits with a tag 'worke' of their own are evaluated (did you mean 'worker'?)",
        ),
    ],
)
def test_lints(text: str, said: str) -> None:
    """Each mistake that is legal is named, with the term."""
    (problem,) = lint(parse(text))
    assert problem.startswith(said)


def test_what_is_never_reached_is_not_looked_at() -> None:
    """Behind a term that always fires, nothing more is said."""
    assert len(lint(parse("off->0%panic->0*panic"))) == 1


def test_explain() -> None:
    """An explanation says, term by term, when it applies and what then happens; arrows mean otherwise."""
    assert explain(parse("3+50%return(1)[key=a*]->2*sleep(10)->off")).splitlines() == [
        "at each hit, the first that applies:",
        "  if key is like 'a*', but not the first 3 times, with a probability of 50 %, return(1)",
        "  otherwise at most 2 times, sleep(10)",
        "  otherwise always, off",
    ]


def test_explain_notes() -> None:
    """An explanation ends with the lints."""
    assert explain(parse("print->panic")).splitlines()[-1].startswith("  note: print: it always fires")
