"""What a function of the target, or a checker, may answer, read as violations."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from chaoscore.protocols import Violation


def violations(answer: object, otherwise: str = "it does not hold", most: int | None = None) -> list[Violation]:
    """
    Return *answer* as violations; none where all is well.

    Args:
        answer: None, True or an empty list for *well*; False, a sentence or sentences for *broken*; `Violation` values
            stay as they are.
        otherwise: The sentence that stands for False.
        most: Violations that it may bring, beyond which the rest are only counted; None: any number.

    Raises:
        TypeError: It is something else, so that nobody can tell whether all is well.
    """
    if isinstance(answer, Iterable) and not isinstance(answer, (str, bytes, dict)):
        return _bounded(answer, most)
    return _one(answer, otherwise)


def _one(answer: object, otherwise: str) -> list[Violation]:
    if answer is None or answer is True or answer == "":
        return []
    if answer is False:
        return [Violation(otherwise)]
    if isinstance(answer, str):
        return [Violation(answer)]
    if isinstance(answer, Violation):
        return [answer]
    raise TypeError(
        f"expected None or True for well, or False, a sentence or sentences for broken, not {answer!r:.200}"
    )


def _bounded(answers: Iterable[object], most: int | None) -> list[Violation]:
    iterator = iter(answers)
    found = [_sentence(each) for each in islice(iterator, most)]
    more = sum(1 for _ in iterator)
    return [*found, Violation(f"... and {more} more")] if more else found


def _sentence(each: object) -> Violation:
    if isinstance(each, Violation):
        return each
    if not isinstance(each, str) or not each:
        raise TypeError(f"expected sentences for what is broken, not {each!r:.200}")
    return Violation(each)
