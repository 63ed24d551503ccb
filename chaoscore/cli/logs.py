"""The log records of a run on the standard error, for ``--verbose``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chaoscore.redact import redact

_PLACE = ("scenario", "part", "worker", "iteration", "step")
_FORM = f"%(asctime)s %(levelname)s {' '.join(f'{name}=%({name})s' for name in _PLACE)} %(message)s"


class _Redacted(logging.Formatter):
    """Formats records of plugins and targets too, which know nothing of secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(_FORM, defaults=dict.fromkeys(_PLACE, "-"))
        self._secrets = frozenset(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as a line without secrets."""
        return redact(super().format(record), self._secrets)


@contextmanager
def logged(enabled: bool, secrets: Iterable[str]) -> Iterator[None]:
    """While the block lasts, and if *enabled*, write what the framework and its plugins log."""
    if not enabled:
        yield
        return
    logger, handler = logging.getLogger("chaoscore"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacted(secrets))
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
