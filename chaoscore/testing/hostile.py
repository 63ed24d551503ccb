"""What a system under test may say and do: nobody promises that it is harmless."""

from __future__ import annotations

from typing import Any

from chaoscore.events import (
    SCHEMA,
    Ended,
    ErrorInfo,
    Event,
    ExpectationInfo,
    Fired,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    Recorded,
    RunStarted,
    StepEnded,
    Stopped,
    Stuck,
    Trouble,
)
from chaoscore.verdict import Severity, Thresholds, Verdict

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
"""Renames a terminal and wipes it, where it is shown as it is."""

TEXTS = (
    ESCAPE,
    "]]><!-- </testcase><script>alert(1)</script> & \"'",
    "| a | b |\n```\n# heading\n\n::error::",
    "[bold red]markup[/] {braces} %s %(name)s $HOME `id`",
    "nul \x00 bell \x07 half a pair \ud800 reversed \u202e",
    "wide " * 2_000,
    "",
)
"""Texts that have broken reports before."""


class HostileError(Exception):
    """What a hostile target raises."""


class HostileTarget:
    """
    A target that raises whatever it is asked.

    Attributes:
        asked: What for, in order.
    """

    name = "hostile target"
    setup = teardown = health = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self._raise(f"its {name!r}")

    def __getitem__(self, key: object) -> Any:
        return self._raise(f"its [{key!r}]")

    def __call__(self, *_: object, **__: object) -> Any:
        return self._raise("a call")

    def __iter__(self) -> Any:
        return self._raise("its items")

    def __len__(self) -> int:
        self._raise("its length")
        return 0

    def __contains__(self, item: object) -> bool:
        self._raise("what is in it")
        return False

    def _raise(self, what: str) -> None:
        self.asked.append(what)
        raise HostileError(f"this target cannot be asked for {what}")


def hostile_run(text: str) -> list[Event]:
    """Return a run in which everything went wrong that can, and all that the system said is *text*."""
    error = ErrorInfo(type=f"shop.{text}", message=text, where=text, traceback=text, panic=True)
    return [
        _started(text),
        Phase(0.1, "setup"),
        Opened(0.2, "it"),
        Fired(0.3, "it", "delay", text, text, 0, 0, (0, 1), 2, text),
        Recorded(0.3, text, 0, 0, text, float("nan"), {text: text, "deep": [text, object(), float("inf")]}),
        Stuck(0.4, 0, 0, text, 5.0, text),
        StepEnded(0.5, 0, 0, text, Outcome.FAILED, 0.1, error),
        IterationEnded(0.5, 0, 0, Outcome.FAILED, 0.1),
        Found(0.6, "holds", Severity.CRITICAL, text, Verdict.FAIL, 0, 0, text, ("it",), text, {text: text}),
        Lifted(0.7, "it", 3, 1, {text: text}),
        Trouble(0.8, f"target {text}", text, error, Verdict.UNKNOWN),
        Stopped(0.8, text, Verdict.FAIL),
        Interrupted(0.9, "SIGINT"),
        Ended(1.0),
    ]


def _started(text: str) -> RunStarted:
    return RunStarted(
        at=0.0,
        schema=SCHEMA,
        run_id="20260101-000000-abcdef",
        scenario="hostile",
        seed=7,
        wall=1_700_000_000.0,
        workload="1 iteration",
        target=text,
        steps=(text,),
        injections=(InjectionInfo("it", "delay", {"low_s": 0.1, "at": text}, None, "the whole run", "kernel"),),
        expectations=(ExpectationInfo("holds", "state_consistency", {"call": text}),),
        thresholds=Thresholds(min_success_rate=1, max_failed_iterations=0).as_dict(),
        environment={"python": text},
        rerun=f"chaoscore run {text}",
        rerun_one=f"chaoscore run {text} --only-iteration {{iteration}}",
        iterations=1,
    )
