"""From text to terms. The only error is `ParseError`."""

from __future__ import annotations

import re

from chaos_failpoint.errors import ParseError
from chaos_failpoint.grammar.arguments import ACTIONS, Args
from chaos_failpoint.grammar.reading import BLANKS, Cursor
from chaos_failpoint.grammar.terms import MOST_BYTES, MOST_TERMS, Filter, Modifier, Most, Percent, Skip, Term, Terms

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_WORD = re.compile(r"[A-Za-z_]+")
_TAG = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_GLOB = re.compile(r"[^]]*")
_FILTER_AHEAD = re.compile(r"\[\s*[A-Za-z_]")
_OPENERS = "([{,:"


def parse(text: str) -> Terms:
    """
    Return the terms in *text*, such as ``2*return("abc")->1%panic``.

    Args:
        text: At most 1023 bytes, and 20 terms.

    Raises:
        ParseError: It is not made of terms; the error shows where, and what was expected there.
    """
    cursor = Cursor(_checked(text))
    terms = _terms(cursor, "")
    if not cursor.ended():
        raise cursor.error("'->' or the end")
    return terms


def parse_config(text: str) -> dict[str, Terms]:
    """
    Return the terms of several failpoints, as in ``a=1*return;b=5%panic``.

    Args:
        text: Each name may be anything without ``=`` and ``;``.

    Raises:
        ParseError: It is no such text, or has one name twice.
    """
    config: dict[str, Terms] = {}
    cursor = Cursor(text)
    while not cursor.ended():
        if not cursor.take(";"):
            began, name = _name(cursor)
            if name in config:
                raise cursor.error(f"each name once, not {name!r} again", began)
            begins = cursor.at
            config[name] = _terms(cursor, ";")
            _check_length(text, begins, cursor.at)
            if not cursor.ended() and cursor.peek() != ";":
                raise cursor.error("'->', ';' or the end")
    return config


def _checked(text: str) -> str:
    _check_length(text, 0, len(text))
    return text


def _check_length(text: str, begins: int, ends: int) -> None:
    if len(text[begins:ends].encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise ParseError(text, begins, f"terms of at most {MOST_BYTES} bytes", "more")


def _name(cursor: Cursor) -> tuple[int, str]:
    """Read ``NAME =``; return where the name begins, and the name."""
    cursor.skip_blanks()
    began = cursor.at
    while cursor.at < cursor.end and cursor.text[cursor.at] not in "=;":
        cursor.at += 1
    name = cursor.text[began : cursor.at].strip(BLANKS)
    if not name:
        raise cursor.error("the name of a failpoint, then '='", began)
    cursor.need("=", f"'=' and terms after the name {name!r}")
    return began, name


def _terms(cursor: Cursor, separator: str) -> Terms:
    terms = [_term(cursor, separator)]
    while cursor.take("->"):
        if not cursor.peek() or cursor.peek() == separator:
            break  # both parsers in Go allow an arrow at the end
        if len(terms) == MOST_TERMS:
            raise cursor.error(f"at most {MOST_TERMS} terms")
        terms.append(_term(cursor, separator))
    return tuple(terms)


def _term(cursor: Cursor, separator: str) -> Term:
    modifiers = _modifiers(cursor)
    cursor.skip_blanks()
    began = cursor.at
    word = cursor.match(_WORD)
    shape = None if word is None else ACTIONS.get(word[0])
    if word is None or shape is None:
        what = "an action" if modifiers else "a number with '%', '*' or '+', or an action"
        raise cursor.error(f"{what} ({', '.join(ACTIONS)})", began, ACTIONS)
    args = _args(cursor, word[0], separator) if cursor.peek() == "(" else ()
    if shape.needed and not args:
        raise cursor.error(f"{shape.expected}, in brackets after {word[0]!r}")
    return Term(word[0], args, modifiers, _filters(cursor))


def _modifiers(cursor: Cursor) -> tuple[Modifier, ...]:
    modifiers: list[Modifier] = []
    while (number := cursor.match(_NUMBER)) is not None:
        modifiers.append(_modifier(cursor, number[0]))
    return tuple(modifiers)


def _modifier(cursor: Cursor, number: str) -> Modifier:
    if cursor.take("%"):
        cursor.take("*")  # the manual page of fail(9) itself writes 1%*sleep(50)
        return Percent(min(float(number), 100.0))
    if not number.isdecimal():
        raise cursor.error("'%', as only a probability may have a fraction")
    if cursor.take("*"):
        return Most(int(number))
    if cursor.take("+"):
        return Skip(int(number))
    raise cursor.error("'%' (a probability), '*' (at most so often) or '+' (not the first ones)")


def _args(cursor: Cursor, action: str, separator: str) -> Args:
    """Read what stands in brackets."""
    opening = cursor.at
    cursor.need("(", "'('")
    closing = _closing(cursor, separator)
    if closing is None:
        raise cursor.error("a ')' for the bracket that opens here", opening)
    inner = Cursor(cursor.text, cursor.at, closing)
    args = () if inner.ended() else ACTIONS[action].read(inner)
    if not inner.ended():
        raise inner.error("the closing ')'")
    cursor.at = closing + 1
    return args


def _closing(cursor: Cursor, separator: str) -> int | None:
    """
    Return where the argument ends: at the first ``)`` outside quotes behind which the term, or the text, goes on.

    This is what lets the raw text of fail-rs, which has no quotes, stand beside the literals of the others.
    """
    at, before = cursor.at, "("
    while at < cursor.end:
        each = cursor.text[at]
        if each in "\"'" and before in _OPENERS:
            at = _after_quotes(cursor, at)
            before = each
            continue
        if each == ")" and _goes_on(cursor, at + 1, separator):
            return at
        if each not in BLANKS and not (each in "bB" and before in _OPENERS):
            before = each
        at += 1
    return None


def _after_quotes(cursor: Cursor, opening: int) -> int:
    quote, at = cursor.text[opening], opening + 1
    while at < cursor.end and cursor.text[at] != quote:
        at += 2 if cursor.text[at] == "\\" else 1
    if at >= cursor.end:
        raise cursor.error(f"a closing {quote} for the text that begins here", opening)
    return at + 1


def _goes_on(cursor: Cursor, at: int, separator: str) -> bool:
    ahead = Cursor(cursor.text, at, cursor.end)
    following = ahead.peek()
    return (
        not following
        or following == separator
        or ahead.take("->")
        or (following == "[" and _FILTER_AHEAD.match(ahead.text, ahead.at, ahead.end) is not None)
    )


def _filters(cursor: Cursor) -> tuple[Filter, ...]:
    filters = []
    while cursor.take("["):
        tag = cursor.match(_TAG)
        if tag is None:
            raise cursor.error("what to filter by, such as pid or key")
        behind = cursor.text[cursor.at : cursor.at + 1]
        if not cursor.take("=") and behind not in tuple(BLANKS):
            raise cursor.error(f"'=' after {tag[0]!r}")
        glob = cursor.match(_GLOB)
        shown = "" if glob is None else glob[0].strip(BLANKS)
        if not shown:
            raise cursor.error(f"what {tag[0]!r} must match")
        cursor.need("]", "']'")
        filters.append(Filter(tag[0], shown))
    return tuple(filters)
