"""What is seen while it runs, and what is left to read at the end."""

import os
import sys
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import ClassVar

from orders import Shop
from tally import Tally

from chaoscore import Event, Fired, Phase, Report, Verdict

COLOURS = {"pass": 32, "unstable": 33, "unknown": 35, "fail": 31}
WIDTH = 100
SHOWN = 3

HEAD = (
    "   time   orders  completed  failed  success  depth │  steps   done  failed │   step     order │ faults\n"
    "  ─────────────────────────────────────────────────┼───────────────────────┼──────────────────┼───────"
)


class Live:
    """A reporter that prints a line of statistics every so often, of all since the beginning, and the result."""

    kind: ClassVar[str] = "saga-stress"

    def __init__(self, shop: Shop, every_s: float, reproduce: str) -> None:
        self._shop, self._every_s, self._reproduce = shop, every_s, reproduce
        self._faults, self._next_s, self._at_work = 0, every_s, False

    def follow(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Phase):
                self._at_work = event.name == "workload"
            self._faults += isinstance(event, Fired)
            if self._at_work and event.at >= self._next_s:
                print(line(self._next_s, self._shop.count(), self._faults), flush=True)
                self._next_s += self._every_s

    def report(self, report: Report) -> None:
        print(final(report, self._shop.tally, self._reproduce), flush=True)


def line(at_s: float, tally: Tally, faults: int) -> str:
    what = tally.what
    return (
        f"{at_s:5.0f} s  {tally.sagas:7,}  {tally.completed:9,}  {tally.failed:6,}  {tally.success_rate:7.1%}"
        f"  {tally.deepest:5} │ {what['started']:6,} {what['done']:6,}  {what['failed']:6,} "
        f"│ {tally.mean_ms('step'):3.0f} ms {tally.mean_ms('saga'):6,.0f} ms │ {faults:6,}"
    )


def final(report: Report, tally: Tally, reproduce: str) -> str:
    """The whole result, from the verdict to the command that does it again."""
    return "\n".join(["", *_summary(report, tally), "", *_faults(report), "", *_expectations(report), "",
                      *_why(report), f"  reproduce: {reproduce}"])  # fmt: skip


def _summary(report: Report, tally: Tally) -> Iterator[str]:
    interrupted = f", ended early by {report.interrupted}" if report.interrupted else ""
    yield f"{coloured(report.verdict.upper(), report.verdict)}  {report.duration_s:.1f} s{interrupted}"
    yield f"  {tally.sagas:,} orders: {tally.completed:,} completed ({tally.success_rate:.1%}), {tally.failed:,} failed"
    what = tally.what
    rolled = f"{what['rollback_began']:,} rollbacks, at most {tally.deepest} steps deep"
    yield f"  {rolled}; {what['compensated']:,} steps compensated, by {what['compensating']:,} calls"
    steps = f"{what['started']:,} calls of steps: {what['done']:,} done, {what['failed']:,} failed"
    yield f"  {steps}; {tally.mean_ms('step'):.1f} ms a step, {tally.mean_ms('saga'):.0f} ms an order"


def _faults(report: Report) -> Iterator[str]:
    landed = [f"{each.fired or 0:,} {each.info.name}" for each in report.injections]
    text = f"{sum(each.fired or 0 for each in report.injections):,} faults landed: {', '.join(landed)}"
    yield fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _expectations(report: Report) -> Iterator[str]:
    for each in report.expectations:
        found = "" if not each.findings else f"{each.findings:,} finding{'s' * (each.findings > 1)}"
        yield f"  {coloured(f'{each.verdict.upper():8}', each.verdict)} {each.info.name:45} {found}".rstrip()


def _why(report: Report) -> Iterator[str]:
    if report.verdict is Verdict.PASS:
        return
    for reason in report.reasons[:SHOWN]:
        yield fill(f"{reason.verdict}: {reason.text!r}"[:600], WIDTH, initial_indent="  ", subsequent_indent="    ")
    if len(report.reasons) > SHOWN:
        yield f"  ... and {len(report.reasons) - SHOWN} more"
    yield ""


def coloured(text: str, verdict: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[1;{COLOURS[verdict]}m{text}\033[0m"
