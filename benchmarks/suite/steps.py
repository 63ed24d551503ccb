"""What the framework adds to each iteration."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Contender
from benchmarks.lab import Lab
from benchmarks.rows import US, AtMost, Reference, Row

CONTROLS = 20


def step(lab: Lab) -> Iterator[Row]:
    """One iteration with one step that does nothing: CPU time, of all threads."""
    took = lab.side_by_side(
        5,
        ours=lab.ours("steps", iterations=lab.pick(20_000, 5_000), log=lab.scratch / "events.jsonl"),
        chaoslib=_chaoslib(lab),
    )
    for kind, goal in (("sync", AtMost(10)), ("async", AtMost(20))):
        for workers in (1, 4):
            name = f"no-op step, {kind}, {workers} worker{'s' if workers > 1 else ''}"
            silent, logged = (took["ours"].least(f"{kind} {workers} {form}") for form in ("silent", "logged"))
            actions = {form: took["chaoslib"].least(form) for form in ("silent", "as shipped")}
            yield Row(name, silent, US, Reference("chaoslib action, silent", actions["silent"]), goal)
            yield Row(
                f"{name}, event log", logged, US, Reference("chaoslib action, as shipped", actions["as shipped"]), goal
            )


def idle(lab: Lab) -> Iterator[Row]:
    """One more injector or validator of which nothing comes: CPU time that it adds to an iteration."""
    took = lab.side_by_side(5, ours=lab.ours("idle", iterations=lab.pick(20_000, 4_000)), chaoslib=_chaoslib(lab))
    control = Reference("chaoslib control", took["chaoslib"].median("control"))

    def row(name: str, what: str, goal: AtMost | None) -> Row:
        return Row(name, took["ours"].median(what), US, control, goal)

    yield row("one more injector, never asked", "injector, never asked", AtMost(1))
    yield row("one more injector, asked once: no", "injector, asked", AtMost(1))
    yield row("the same, by a seeded draw", "injector, drawing", None)
    yield row("one more validator of the system", "validator of the system", AtMost(1))
    yield row("one more validator of every iteration", "validator of iterations", AtMost(1))


def _chaoslib(lab: Lab) -> Contender:
    log = lab.scratch / "chaostoolkit.log"
    return lab.theirs("chaoslib_actions", actions=lab.pick(5_000, 2_000), controls=CONTROLS, log=log)
