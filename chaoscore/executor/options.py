"""What the caller decides about one run, beside the scenario."""

from __future__ import annotations

from logging import Logger

import attrs

from chaoscore.clock import Clock
from chaoscore.protocols import Reporter


@attrs.frozen
class Options:
    """
    How one run is made.

    Attributes:
        seed: Decides every fault; None: the scenario's, else a new one.
        reporters: See the events as they happen, and the report.
        logger: Where the run's own records go; None: ``logging.getLogger("chaoscore")``.
        clock: Reads time and sleeps; None: the machine's.
        inject: False leaves every injector out.
        only_iteration: Run this one iteration alone; None: the whole workload.
        allow: Networks to which faults may go, if the scenario allows them as well.
        production: Inject although the environment is named production.
        handle_signals: SIGINT, SIGTERM and SIGHUP end the run in good order; for the command line, in the main thread.
        rerun: The command that runs the scenario again with the same seed, ``{seed}`` in the place of the seed; None:
            the Python call.
    """

    seed: int | None = None
    reporters: tuple[Reporter, ...] = ()
    logger: Logger | None = None
    clock: Clock | None = None
    inject: bool = True
    only_iteration: int | None = None
    allow: tuple[str, ...] = ()
    production: bool = False
    handle_signals: bool = False
    rerun: str | None = None
