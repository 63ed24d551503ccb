"""A place in a text that is being read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chaos_failpoint.errors import ParseError, did_you_mean

BLANKS = " \t\r\n"


class Cursor:
    """
    A place in a text, which moves on as the text is read.

    Attributes:
        text: The whole text.
        at: Where it is, counted in characters from 0.
        end: Where reading ends.
    """

    def __init__(self, text: str, at: int = 0, end: int | None = None) -> None:
        self.text, self.at = text, at
        self.end = len(text) if end is None else end

    @property
    def rest(self) -> str:
        """Return what was not read yet, without the blanks around it."""
        return self.text[self.at : self.end].strip(BLANKS)

    def skip_blanks(self) -> None:
        """Go past blanks."""
        while self.at < self.end and self.text[self.at] in BLANKS:
            self.at += 1

    def ended(self) -> bool:
        """Tell whether nothing but blanks is left."""
        self.skip_blanks()
        return self.at >= self.end

    def peek(self) -> str:
        """Return the next character that is no blank; an empty text at the end."""
        return "" if self.ended() else self.text[self.at]

    def take(self, token: str) -> bool:
        """Go past *token* and the blanks before it, if it comes next."""
        self.skip_blanks()
        if not self.text.startswith(token, self.at, self.end):
            return False
        self.at += len(token)
        return True

    def need(self, token: str, expected: str) -> None:
        """Go past *token*, which must come next."""
        if not self.take(token):
            raise self.error(expected)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go past what *pattern* matches and the blanks before it."""
        self.skip_blanks()
        found = pattern.match(self.text, self.at, self.end)
        if found is not None:
            self.at = found.end()
        return found

    def error(self, expected: str, at: int | None = None, hint: Iterable[str] = ()) -> ParseError:
        """
        Return the error for something else than was *expected*.

        Args:
            expected: What could have stood here.
            at: Where it should have stood; by default here.
            hint: Words of which one may have been meant.
        """
        place = self.at if at is None else at
        found = _WORD.match(self.text, place, self.end)
        shown = "the end" if found is None else repr(found[0])
        meant = "" if found is None else did_you_mean(found[0], hint)
        return ParseError(self.text, place, expected, f"{shown}{meant}")


_WORD = re.compile(r"[^\W\d][\w.:]*|[0-9.]+\w*|->|.", re.DOTALL)
