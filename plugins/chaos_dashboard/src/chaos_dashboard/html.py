"""The report as one HTML file that asks for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from chaos_dashboard.timeline import Timeline
from chaoscore import Event, Report, RunStarted
from chaoscore.reporters import file_path, write_whole


@attrs.define
class Html:
    """
    Writes the report as an HTML file: no script, no font, no image from elsewhere; for screens and for paper.

    It follows the run to draw it, and keeps no more of a day than of an hour.

    Attributes:
        path: The file; ``-`` is the standard output.
    """

    path: Path = attrs.field(converter=file_path)
    _timeline: Timeline = attrs.field(factory=Timeline, init=False, repr=False)

    kind: ClassVar[str] = "html"

    def follow(self, events: Sequence[Event]) -> None:
        """Take what happened."""
        if events and isinstance(events[0], RunStarted):
            self._timeline = Timeline()
        self._timeline.add(events)

    def report(self, report: Report) -> None:
        """Write *report*."""
        write_whole(self.path, render(report, self._timeline))


def render(report: Report, timeline: Timeline) -> bytes:
    """Return *report* as a document; what it says about time is in *timeline*."""
    from chaos_dashboard.markup import Markup, join, styled, tag  # with the drawing 10 ms, which a run begins without
    from chaos_dashboard.page import data
    from chaos_dashboard.sections import document

    timeline.settle()
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{report.verdict.value.upper()}: {report.scenario}"),
        styled(data("theme.css") + data("report.css")),
    ]
    body = tag("body", tag("main", document(report, timeline)))
    page = tag("html", tag("head", head), body, lang="en")
    return join([Markup("<!doctype html>\n"), page, Markup("\n")]).encode("utf-8")
