"""``chaoscore live``: the live page of a run that is over."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice

import click

from chaos_dashboard.board import Board
from chaos_dashboard.feed import Feed
from chaos_dashboard.server import PageServer
from chaoscore import Event, Interrupted, read_log

BATCH = 1_000


@click.command(short_help="Show the event log of a run as a page.")
@click.argument("run", type=click.Path(exists=True, dir_okay=False))
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="By default any that is free.")
def live(run: str, port: int) -> None:
    """
    Serve the page that `chaoscore run --live` serves, from the event log RUN that `chaoscore run --events` wrote.

    The run may have crashed: the page shows it up to its last event.
    """
    board = board_of(read_log(run))
    feed = Feed(lambda: board.whole(board.last_at), over=True)
    try:
        server = PageServer(port, feed, None)
    except OSError as error:
        raise click.BadParameter(f"{port}: {error.strerror}; name another", param_hint="--port") from error
    try:
        click.echo(f"{server.url}\nCtrl-C ends it.")  # from here on, whoever reads it may do that
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("")
    finally:
        server.close(grace_s=0.5)


def board_of(events: Iterable[Event]) -> Board:
    """Return the board of a run whose *events* are all there are; one that they break off in was killed."""
    board, rest = Board(), iter(events)
    while batch := tuple(islice(rest, BATCH)):
        board.take(batch)
    if not board.ended:
        board.take((Interrupted(board.last_at, "its log ends before the run does"),))
    return board
