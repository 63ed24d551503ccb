"""Runs sent to a Pushgateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from chaos_prometheus import parameters
from chaos_prometheus.errors import PushError
from chaos_prometheus.repeating import Repetition
from chaoscore import Event, Report

if TYPE_CHECKING:
    from chaos_prometheus.ledger import Ledger


@attrs.define
class Pushgateway:
    """
    Send runs to a Pushgateway, for what is over before anybody could scrape it.

    It has to take the first and the last of what is sent; in between it may be away.

    Attributes:
        url: Its address, such as ``http://127.0.0.1:9091``.
        every_s: Time between two pushes, seconds.
        job: What it is to call the job.
        limit: Most sets of labels of one metric; whatever comes later is counted together.
    """

    url: str = attrs.field(converter=parameters.gateway)
    every_s: float = attrs.field(default=parameters.EVERY_S, converter=parameters.interval, alias="every", kw_only=True)
    job: str = attrs.field(default="chaoscore", validator=parameters.job, kw_only=True)
    limit: int = attrs.field(default=parameters.LIMIT, validator=parameters.limit, kw_only=True)
    _repetition: Repetition = attrs.field(init=False, repr=False, eq=False)

    kind: ClassVar[str] = "prometheus_pushgateway"

    def __attrs_post_init__(self) -> None:
        self._repetition = Repetition(self.every_s, self.limit, self._push)

    def follow(self, events: Sequence[Event]) -> None:
        """
        Take *events*, and push if it is time to.

        Raises:
            PushError: The Pushgateway did not take what the run begins with.
        """
        self._repetition.follow(events)

    def report(self, report: Report) -> None:
        """
        Push the verdict.

        Raises:
            PushError: The Pushgateway did not take it.
            BrokenMetricError: A plugin's metric failed.
        """
        self._repetition.report(report)

    def _push(self, ledger: Ledger, scenario: str, needed: bool) -> None:
        from chaos_prometheus.client import push  # not at the top: a command without a run need not pay for it

        try:
            push(ledger, self.url, self.job, scenario)
        except OSError as error:
            if needed:
                raise PushError(self.url, str(getattr(error, "reason", None) or error)) from error
