"""
The pictures of the README, made anew.

    python plugins/chaos_dashboard/tests/pictures.py [CHROMIUM]
"""

import io
import sys
from contextlib import redirect_stderr
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT)]

from benchmarks.days import HOUR_S, day  # noqa: E402 - the root is no package that is installed
from chaos_dashboard import html, live  # noqa: E402
from chaoscore import Fold  # noqa: E402
from chaoscore.testing import FakeClock  # noqa: E402
from tests.services.browsers import Browser, Visit, chromium  # noqa: E402

NAMES = ("live.png", "report.png")
NOW_S = 15 * HOUR_S + 600.0
"""A moment of the day at which something is broken."""


def make(browser: Browser, folder: Path) -> None:
    """Make all of them in *folder*."""
    make_live(browser, folder / "live.png")
    make_report(browser, folder / "report.png")


def make_live(browser: Browser, file: Path) -> None:
    """Look at the page while the run is at 15 hours and ten minutes."""
    clock = FakeClock()
    reporter, events = live(clock=clock), [event for event in day() if event.at <= NOW_S]
    with redirect_stderr(io.StringIO()):
        reporter.follow(events[:-40])
    clock.advance(NOW_S - 1)

    def look(visit: Visit) -> None:
        visit.page.goto(str(reporter.url))
        visit.page.locator("canvas").nth(2).wait_for()
        for late in (events[-40:-5], events[-5:]):
            clock.advance(1.0)
            reporter.follow(late)
        visit.page.locator(".tile", has_text="now").first.wait_for()
        visit.page.screenshot(path=file)

    browser.visit(look, width=1120, height=1010, color_scheme="light")
    reporter.report(Fold().report())


def make_report(browser: Browser, file: Path) -> None:
    """Look at the report of the whole day."""
    page = file.with_suffix(".html")
    reporter, fold = html(page), Fold()
    events = tuple(day())
    reporter.follow(events)
    for event in events:
        fold.add(event)
    reporter.report(fold.report())

    def look(visit: Visit) -> None:
        visit.page.goto(page.absolute().as_uri())
        visit.page.screenshot(path=file)

    try:
        browser.visit(look, width=1120, height=1010, color_scheme="light")
    finally:
        page.unlink()


if __name__ == "__main__":
    with chromium(sys.argv[1] if sys.argv[1:] else "chromium") as program:
        make(program, ROOT / "plugins/chaos_dashboard/docs")
