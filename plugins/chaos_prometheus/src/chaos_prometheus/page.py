"""Runs as a page that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from chaos_prometheus import parameters
from chaos_prometheus.address import HOST, PORT, address_text, parsed
from chaos_prometheus.errors import complain
from chaoscore import Event, Report, RunStarted, seconds

if TYPE_CHECKING:
    from chaos_prometheus.reading import Reader
    from chaos_prometheus.serving import Exposition


@attrs.define
class Prometheus:
    """
    Show runs to Prometheus, at an address that nobody but this machine can reach.

    Runs that go on at the same time in one process share an address: the first opens it, the last closes it. Where a
    Prometheus has scraped it, the last waits for one more scrape, so that the end of the run is seen.

    Attributes:
        address: ``PORT``, or ``HOST:PORT`` to be reached from elsewhere; port 0 lets the system choose.
        linger_s: How long to wait for the last scrape, seconds, less than a hook may take; 0: not at all.
        limit: Most sets of labels of one metric; whatever comes later is counted together.
    """

    address: str = attrs.field(default=f"{HOST}:{PORT}", converter=address_text)
    linger_s: float = attrs.field(default=15.0, converter=seconds, alias="linger", kw_only=True)
    limit: int = attrs.field(default=parameters.LIMIT, validator=parameters.limit, kw_only=True)
    _exposition: Exposition | None = attrs.field(default=None, init=False, repr=False, eq=False)
    _reader: Reader | None = attrs.field(default=None, init=False, repr=False, eq=False)

    kind: ClassVar[str] = "prometheus"

    @property
    def url(self) -> str | None:
        """Return where the metrics can be had now; None between runs."""
        return None if self._exposition is None else f"http://{self._exposition.address}/metrics"

    def follow(self, events: Sequence[Event]) -> None:
        """
        Take *events*.

        Raises:
            CannotServeError: Metrics cannot be had at this address.
        """
        try:
            if events and type(events[0]) is RunStarted:
                self._leave()
                self._join(events[0])
            if self._reader is not None:
                self._reader.read(events)
        except BaseException:  # nobody will call `report` then
            self._leave()
            raise

    def report(self, report: Report) -> None:
        """
        Show the verdict until it has been seen, and leave the address.

        Raises:
            BrokenMetricError: A plugin's metric failed.
        """
        exposition, reader = self._exposition, self._reader
        if exposition is None or reader is None:
            return
        try:
            reader.conclude(report.verdict)
            if exposition.users == 1:
                exposition.await_scrape(self.linger_s)
        finally:
            self._leave()
        complain(exposition.ledger.broken)

    def _join(self, started: RunStarted) -> None:
        from chaos_prometheus.families import blank  # not at the top: 90 ms that a command without a run need not pay
        from chaos_prometheus.reading import Reader
        from chaos_prometheus.serving import join

        self._exposition = join(parsed(self.address), lambda: blank(self.limit))
        self._reader = Reader(self._exposition.ledger, started)

    def _leave(self) -> None:
        exposition, self._exposition, self._reader = self._exposition, None, None
        if exposition is not None:
            exposition.leave()
