"""A reporter of one's own: a line of statistics every so often, while the run goes on."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from chaoscore import Event, Fired, IterationEnded, Outcome, Report, RunStarted, seconds


@attrs.define
class Live:
    """
    Prints iterations per second, the success rate and the faults that landed.

    Attributes:
        every_s: Seconds between two lines.
    """

    kind: ClassVar[str] = "live"

    every_s: float = attrs.field(default=1.0, converter=seconds, alias="every")
    _name: str = attrs.field(default="", init=False)
    _since_s: float = attrs.field(default=0.0, init=False)
    _ended: int = attrs.field(default=0, init=False)
    _ok: int = attrs.field(default=0, init=False)
    _landed: int = attrs.field(default=0, init=False)

    def follow(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case RunStarted():
                    self._name = event.scenario
                    self._start_over(0.0)
                case Fired():
                    self._landed += 1
                case IterationEnded():
                    self._ended += 1
                    self._ok += event.outcome is Outcome.OK
            if event.at - self._since_s >= self.every_s:
                self._say(event.at)

    def report(self, report: Report) -> None:
        why = report.reasons[0].text if report.reasons else "it held"
        count = report.iterations.judged
        print(f"{report.verdict.upper():8} {self._name}: {why!r} ({count:,} iterations)\n")  # a system may say anything

    def _say(self, now_s: float) -> None:
        rate = self._ended / (now_s - self._since_s)
        ok = self._ok / self._ended if self._ended else 0
        counts = f"{rate:7,.0f} iterations/s  {ok:6.1%} ok  {self._landed:5,} faults"
        print(f"{now_s:6.1f} s {self._name}: {counts}", flush=True)
        self._start_over(now_s)

    def _start_over(self, now_s: float) -> None:
        self._since_s, self._ended, self._ok, self._landed = now_s, 0, 0, 0
