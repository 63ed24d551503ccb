"""The report as JSON, for programs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs
import msgspec

from chaoscore.eventlog import encode
from chaoscore.report import Report
from chaoscore.reporters.files import file_path, write_whole


def render(report: Report) -> bytes:
    """Return *report* as indented JSON; its ``schema`` says which version of the form it is."""
    return msgspec.json.format(encode(report), indent=2) + b"\n"


@attrs.frozen
class Json:
    """
    Writes the report as JSON.

    Attributes:
        path: The file; ``-`` is the standard output.
    """

    path: Path = attrs.field(converter=file_path)

    kind: ClassVar[str] = "json"

    def report(self, report: Report) -> None:
        """Write *report*."""
        write_whole(self.path, render(report))
