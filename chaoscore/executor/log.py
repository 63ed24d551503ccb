"""The run's own log records: the standard library's, each with scenario, iteration and step."""

from __future__ import annotations

import logging
from typing import Any

from chaoscore.context import CURRENT
from chaoscore.events import Event, Fired, Found, Interrupted, Lifted, Opened, Phase, StepEnded, Stopped, Stuck, Trouble

logging.getLogger("chaoscore").addHandler(logging.NullHandler())  # silent until the application configures logging


class RunLogger(logging.Logger):
    """
    Hands its records to *parent*, with `scenario`, `run_id`, `part`, `worker`, `iteration` and `step` as attributes.

    It is not registered with `logging.getLogger`, so that many runs leave no loggers behind.
    """

    def __init__(self, parent: logging.Logger, scenario: str, run_id: str, part: str = "") -> None:
        super().__init__(parent.name)
        self.parent = parent
        self.manager = parent.manager
        self._fields = {"scenario": scenario, "run_id": run_id, "part": part}

    def for_part(self, part: str) -> RunLogger:
        """Return the logger for one injector or validator."""
        assert self.parent is not None
        return RunLogger(self.parent, self._fields["scenario"], self._fields["run_id"], part)

    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: N802 - the name is logging's
        """Return a record that says where in the run it was made."""
        record = super().makeRecord(*args, **kwargs)
        place = CURRENT.get()
        at = (None, None, None) if place is None else (place.worker, place.iteration, place.step)
        where = dict(zip(("worker", "iteration", "step"), at, strict=True))
        record.__dict__.update(
            {key: value for key, value in {**self._fields, **where}.items() if key not in record.__dict__}
        )
        return record


_LEVELS: dict[type[Event], tuple[int, str]] = {
    Phase: (logging.INFO, "phase %(name)s"),
    Opened: (logging.INFO, "opened injector %(injector)r"),
    Lifted: (logging.INFO, "lifted injector %(injector)r: asked %(asked)s, fired %(fired)s"),
    Fired: (logging.DEBUG, "injector %(injector)r: %(fault)s at %(point)s %(detail)s"),
    StepEnded: (logging.DEBUG, "step %(step)r %(outcome)s in %(duration_s).6f s"),
    Stuck: (logging.WARNING, "step %(step)r of iteration %(iteration)d exceeds %(limit_s)g s"),
    Found: (logging.WARNING, "validator %(validator)r (%(severity)s): %(message)s"),
    Trouble: (logging.ERROR, "%(who)s: %(hook)s failed: %(error)s"),
    Stopped: (logging.WARNING, "stopped: %(reason)s"),
    Interrupted: (logging.WARNING, "interrupted: %(reason)s"),
}


class EventLogging:
    """Writes the events that people want in a log."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    @property
    def types(self) -> list[type[Event]]:
        """Return the events that it would write at the logger's present level."""
        return [kind for kind, (level, _) in _LEVELS.items() if self._logger.isEnabledFor(level)]

    def __call__(self, event: Event) -> None:
        """Write *event*."""
        level, text = _LEVELS[type(event)]
        values = {name: getattr(event, name) for name in event.__struct_fields__}
        # The event says where it happened; whoever shows it may be at another place by now.
        where: dict[str, object] = {name: values[name] for name in ("worker", "iteration", "step") if name in values}
        self._logger.log(level, text, values, extra=where)
