"""The live display on a terminal; the only module that imports rich."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chaoscore.fold import Fold
from chaoscore.reporters.progress import counts, left_s, phase, share_done
from chaoscore.reporters.text import Line
from chaoscore.reporters.visible import wants_color
from chaoscore.units import show_seconds

_STYLES = {
    "pass": "bold green",
    "unstable": "yellow",
    "unknown": "magenta",
    "fail": "bold red",
    "heading": "bold",
    "strong": "bold",
    "dim": "dim",
}
_REFRESH_S = 0.1


class LiveScreen:
    """
    Progress in place at the foot of the terminal, and lines that stay above it.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(
            file=stream,
            force_terminal=True,
            no_color=not wants_color(),
            markup=False,
            emoji=False,
            highlight=False,
        )
        self._live: Live | None = None
        self._shown_at = -1.0

    def say(self, line: Line) -> None:
        """Show a line that stays. Its text is made visible before, so that it holds no sequence of its own."""
        self._console.print(Text(line.text, _STYLES.get(line.style, "")), soft_wrap=True)

    def progress(self, fold: Fold, now_at: float) -> None:
        """Draw how far the run has come, ten times a second."""
        if now_at - self._shown_at < _REFRESH_S:
            return
        self._shown_at = now_at
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_display(fold, now_at), refresh=True)

    def close(self) -> None:
        """Take the progress away and give the cursor back."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()


def _display(fold: Fold, now_at: float) -> RenderableType:
    head = Table.grid(padding=(0, 1))
    share = share_done(fold, now_at)
    if share is None:
        head.add_row(Text(phase(fold)), Text(show_seconds(round(now_at)), "dim"))
    else:
        left = left_s(fold, now_at)
        about = "" if left is None else f", about {show_seconds(round(left))} left"
        head.add_row(
            ProgressBar(total=1.0, completed=share, width=40), Text(show_seconds(round(now_at)) + about, "dim")
        )
    return Group(head, Text(counts(fold)), Text(_durations(fold), "dim"))


def _durations(fold: Fold) -> str:
    if not fold.iterations.durations.count:
        return ""
    values = {"mean": fold.mean_s, "p99": fold.quantile_s(0.99), "max": fold.maximum_s}
    return ", ".join(f"{name} {show_seconds(value)}" for name, value in values.items())
