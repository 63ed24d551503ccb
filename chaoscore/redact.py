"""Secrets: texts taken from the environment, which no output may show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

MASK = "***"
SHORT = 4
"""A secret of fewer characters is masked as a whole word only: ``8`` must not turn ``80 %`` into ``***0 %``."""

_OURS = frozenset({"run_id", "rerun", "rerun_one", "reproduce", "reproduce_alone"})
"""Fields of events and reports that were made here or typed by the user, and must stay exact to be of use."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PASSWORDS = (re.compile(r"://[^/@\s]*?:([^@\s]+)@"), re.compile(r"\bpassword\s*=\s*'?([^'\s]+)"))


def expand(text: str, environment: Mapping[str, str], secrets: set[str]) -> str:
    """
    Return *text* with every ``${NAME}`` replaced from *environment*; ``$${`` stands for ``${`` itself.

    Args:
        text: What a scenario file says.
        environment: Maps the names of variables to their values.
        secrets: The values that were put in are added to it.

    Raises:
        ValueError: A variable is not set, or what stands between the braces is no name.
    """

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if not match[2] or not _VARIABLE.fullmatch(match[1]):
            raise ValueError(
                f"{match[0]!r} names no environment variable; write ${{NAME}}, or $${{ for the characters themselves"
            )
        if match[1] not in environment:
            raise ValueError(
                f"the environment variable {match[1]} is not set; set it, or write $${{ for the characters themselves"
            )
        secrets.add(environment[match[1]])
        return environment[match[1]]

    return _REFERENCE.sub(replace, text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of *secrets*, also as it looks quoted or in an address, replaced by ``***``."""
    pattern = _pattern(frozenset(secrets))
    return text if pattern is None else pattern.sub(MASK, text)


def redact_all(value: Any, secrets: Iterable[str]) -> Any:
    """
    Return *value*, an event, a report or made of dicts, lists and texts, with `redact` applied to every text in it.

    Members of an enum stay what they are, whatever the secret, and so do numbers; what is none of this becomes its
    redacted `repr`.
    """
    pattern = _pattern(frozenset(secrets))
    return value if pattern is None else _redact_all(value, pattern)


def _redact_all(value: Any, pattern: re.Pattern[str]) -> Any:
    if value is None or isinstance(value, (bool, int, float, Enum)):
        return value
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__ if name not in _OURS}
        return replace(value, **{name: _redact_all(each, pattern) for name, each in fields.items()})
    if isinstance(value, dict):
        return {_redact_all(key, pattern): _redact_all(each, pattern) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_redact_all(each, pattern) for each in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return pattern.sub(MASK, value if isinstance(value, str) else repr(value))


@lru_cache(maxsize=64)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets for form in _forms(secret) if form.strip()}
    if not forms:
        return None
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(
        "|".join(rf"(?<!\w){re.escape(form)}(?!\w)" if len(form) < SHORT else re.escape(form) for form in longest_first)
    )


def _forms(secret: str) -> Iterator[str]:
    """Yield *secret* as it may appear: itself, quoted, in JSON, in an address; and a password that is part of it."""
    from json import dumps
    from urllib.parse import quote

    for each in (secret, *(match[1] for pattern in _PASSWORDS for match in pattern.finditer(secret))):
        yield each.replace("\\", "\\\\").replace("'", "\\'")  # in a repr that holds double quotes as well
        yield from (
            each,
            repr(each)[1:-1],
            dumps(each)[1:-1],
            dumps(each, ensure_ascii=False)[1:-1],
            quote(each, safe=""),
        )
