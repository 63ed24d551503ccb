"""Every error of failpoints, and what `panic` raises."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from chaoscore import ChaosError, InjectedPanic


class FailpointError(ChaosError):
    """Root of the errors that failpoints themselves raise; what they inject is not among them."""


class ParseError(FailpointError, ValueError):
    """
    A text is not made of terms.

    Attributes:
        text: The whole text.
        position: Where in it, counted in characters from 0.
        expected: What could have stood there.
        found: What stands there.
    """

    def __init__(self, text: str, position: int, expected: str, found: str) -> None:
        self.text, self.position, self.expected, self.found = text, position, expected, found
        shown, caret = _around(text, position)
        super().__init__(f"expected {expected}, found {found} at position {position}\n  {shown}\n  {caret}")


def _around(text: str, position: int, width: int = 72) -> tuple[str, str]:
    """Return the part of *text* around *position*, on one line, and a line with a caret below that position."""
    begin = max(0, min(position - width // 2, len(text) - width))
    shown = [each if each.isprintable() else "?" for each in text[begin : begin + width]]
    before, after = "..." * (begin > 0), "..." * (begin + width < len(text))
    return f"{before}{''.join(shown)}{after}", f"{' ' * (len(before) + position - begin)}^"


class FailpointNameError(FailpointError, ValueError):
    """A name that no failpoint can have."""

    def __init__(self, name: object) -> None:
        self.name = name
        super().__init__(f"{name!r:.200} cannot name a failpoint; use up to 200 printable characters, no '=' and ';'")


class UnknownFailpointError(FailpointError, LookupError):
    """No failpoint of that name was declared."""

    def __init__(self, name: str, known: Iterable[str], *, glob: bool = False) -> None:
        self.name, self.known = name, tuple(sorted(known))
        what = "no failpoint is named like" if glob else "no failpoint is named"
        have = ", ".join(self.known[:20]) + (", ..." if len(self.known) > 20 else "")
        super().__init__(
            f"{what} {name!r}{did_you_mean(name, self.known)}; have {have or 'none'}; import the module that declares "
            "it first, or pass lazy=True to arm it when it is declared"
        )


class DuplicateFailpointError(FailpointError, ValueError):
    """Two places declare one failpoint, so nobody could tell which of them was hit."""

    def __init__(self, name: str, first: str, second: str, reason: str) -> None:
        self.name, self.first, self.second = name, first, second
        super().__init__(f"failpoint {name!r} is declared at {first} and again at {second}; {reason}")


class NotArmedError(FailpointError, LookupError):
    """There is nothing to be disarmed."""

    def __init__(self, name: str, armed: Iterable[str]) -> None:
        self.name, self.armed = name, tuple(sorted(armed))
        super().__init__(
            f"failpoint {name!r} is not armed{did_you_mean(name, self.armed)}; armed in the whole process: "
            f"{', '.join(self.armed) or 'none'}"
        )


class TargetError(FailpointError, LookupError):
    """What a term names cannot be imported, or is not what the action needs."""

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"{target!r}: {reason}")


class NotAllowedError(FailpointError, PermissionError):
    """An action that could do lasting harm was not allowed by whoever armed the failpoint."""

    def __init__(self, action: str, reason: str) -> None:
        self.action, self.reason = action, reason
        super().__init__(f"{action}: {reason}")


class MisplacedError(FailpointError, RuntimeError):
    """An action cannot be done where the failpoint stands."""

    def __init__(self, name: str, action: str, reason: str) -> None:
        self.name, self.action, self.reason = name, action, reason
        super().__init__(f"failpoint {name!r}: {action}: {reason}")


class NotFiredError(FailpointError, TimeoutError):
    """A failpoint did not fire in time."""

    def __init__(self, name: str, wanted: int, fired: int, hits: int, timeout_s: float) -> None:
        self.name, self.wanted, self.fired, self.hits, self.timeout_s = name, wanted, fired, hits, timeout_s
        super().__init__(
            f"failpoint {name!r} fired {fired} of {wanted} times within {timeout_s:g} s, in {hits} hits that counted"
        )


class MarkerError(FailpointError, SyntaxError):
    """A marker in a comment cannot be turned into a failpoint."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{path}:{line}: {reason}")
        self.filename, self.lineno = path, line


class FailpointPanic(InjectedPanic):
    """What `panic` raises: no `except Exception` swallows it, as no Go code handles a panic by accident."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name nearest to *name*, else an empty text."""
    close = get_close_matches(name, [each for each in known if each != name], n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
