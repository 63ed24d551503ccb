"""What a DB-API 2 connection is about to do to its transaction, as sqlite3 and psycopg tell it; others are guessed."""

from __future__ import annotations

import re
from typing import Any

from chaoscore import InjectedError

_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|;|\()*(\w+)", re.DOTALL)
_COMMITS = {"COMMIT", "END"}
_CHANGES_NOTHING = {
    "ABORT", "ANALYZE", "BEGIN", "DECLARE", "DISCARD", "EXPLAIN", "FETCH", "LISTEN", "PRAGMA", "RELEASE", "RESET",
    "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHOW", "START", "UNLISTEN", "VALUES",
}  # fmt: skip


def first_word(statement: str) -> str:
    """Return the first word of *statement*, comments aside, in capitals."""
    match = _FIRST_WORD.match(statement)
    return match[1].upper() if match else ""


def in_transaction(raw: Any) -> bool:
    """Tell whether *raw* has a transaction open; where the driver does not say, it may have."""
    known = getattr(raw, "in_transaction", None)  # sqlite3
    if known is None:
        known = getattr(getattr(raw, "info", None), "transaction_status", None)  # psycopg; IDLE is 0
    return True if known is None else bool(known)


def commits_each_statement(raw: Any) -> bool:
    """Tell whether the next statement of *raw* is a transaction of its own."""
    if in_transaction(raw):
        return False
    autocommit = getattr(raw, "autocommit", None)  # psycopg, and sqlite3 since 3.12, where a number means "see below"
    return autocommit if isinstance(autocommit, bool) else getattr(raw, "isolation_level", "") is None


def commits(raw: Any, statement: str) -> bool:
    """Tell whether *statement* makes changes permanent when *raw* executes it."""
    word = first_word(statement)
    if word in _COMMITS:
        return in_transaction(raw)
    return word not in _CHANGES_NOTHING and commits_each_statement(raw)


def roll_back(raw: Any) -> None:
    """Roll the open transaction of *raw* back, if there is one."""
    if in_transaction(raw):
        raw.rollback()
    if getattr(raw, "in_transaction", False):  # sqlite3 with autocommit=True leaves one begun by a statement alone
        raw.execute("ROLLBACK")


def error_type(raw: Any, name: str) -> type[Exception]:
    """Return the exception class *name* of the driver of *raw*; drivers show them on their connections (PEP 249)."""
    found = getattr(raw, name, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else InjectedError
