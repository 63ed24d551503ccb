"""Runs in a file that node_exporter shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs

from chaos_prometheus import parameters
from chaos_prometheus.repeating import Repetition
from chaoscore import Event, Report
from chaoscore.reporters import write_whole

if TYPE_CHECKING:
    from chaos_prometheus.ledger import Ledger


@attrs.define
class Textfile:
    """
    Write runs to a file that node_exporter shows with everything else about the machine.

    Attributes:
        path: The file, in the directory that node_exporter looks at; its name ends in ``.prom``.
        every_s: Time between two writes, seconds.
        limit: Most sets of labels of one metric; whatever comes later is counted together.
    """

    path: Path = attrs.field(converter=parameters.prom_file)
    every_s: float = attrs.field(default=parameters.EVERY_S, converter=parameters.interval, alias="every", kw_only=True)
    limit: int = attrs.field(default=parameters.LIMIT, validator=parameters.limit, kw_only=True)
    _repetition: Repetition = attrs.field(init=False, repr=False, eq=False)

    kind: ClassVar[str] = "prometheus_textfile"

    def __attrs_post_init__(self) -> None:
        self._repetition = Repetition(self.every_s, self.limit, self._write)

    def follow(self, events: Sequence[Event]) -> None:
        """
        Take *events*, and write if it is time to.

        Raises:
            OSError: The file cannot be written.
        """
        self._repetition.follow(events)

    def report(self, report: Report) -> None:
        """
        Write the verdict; the file stays.

        Raises:
            OSError: The file cannot be written.
            BrokenMetricError: A plugin's metric failed.
        """
        self._repetition.report(report)

    def _write(self, ledger: Ledger, _scenario: str, _needed: bool) -> None:
        from chaos_prometheus.client import text  # not at the top: a command without a run need not pay for it

        write_whole(self.path, text(ledger))
