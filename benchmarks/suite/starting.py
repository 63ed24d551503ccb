"""What it costs to have chaoscore, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import contents
from benchmarks.figures import Repeats
from benchmarks.lab import Lab
from benchmarks.rows import COUNT, MIB, MS, AtMost, Reference, Row


def install(lab: Lab) -> Iterator[Row]:
    """The core alone, put into a fresh environment by pip: how many distributions, how many bytes."""
    ours, theirs = Repeats(), Repeats()
    ours.take(lambda: contents(lab.bare))
    theirs.take(lambda: contents(lab.reference_core))

    def reference(what: str) -> Reference:
        return Reference("chaostoolkit-lib", theirs.median(what))

    def row(name: str, what: str, goal: float) -> Row:
        return Row(name, ours.median(what), MIB, reference(what), AtMost(goal))

    count = "distributions"
    yield Row("core: distributions, itself included", ours.median(count), COUNT, reference(count), AtMost(5))
    yield row("core: on disk, without bytecode", "bytes without bytecode", 2.5)
    yield row("core: on disk, with bytecode", "bytes", 2.5)


def imports(lab: Lab) -> Iterator[Row]:
    """A fresh interpreter that imports one thing, from its start to its exit."""

    def python(code: str) -> tuple[str | Path, ...]:
        return (lab.bare.python, "-c", code)

    took = lab.side_by_side(
        15,
        warm_up=True,
        nothing=lab.timed(lambda: python("pass")),
        package=lab.timed(lambda: python("import chaoscore")),
        points=lab.timed(lambda: python("from chaoscore import maybe_delay")),
        scenario=lab.timed(lambda: python("from chaoscore import Scenario")),
        chaoslib=lab.timed(lambda: (lab.references.python, "-c", "import chaoslib")),
        runner=lab.timed(lambda: (lab.references.python, "-c", "import chaoslib.run")),
    )
    wall = {name: each.least("wall") for name, each in took.items()}
    chaoslib, runner = Reference("import chaoslib", wall["chaoslib"]), Reference("import chaoslib.run", wall["runner"])
    yield Row("an interpreter that imports nothing", wall["nothing"], MS)
    yield Row("import chaoscore", wall["package"], MS, chaoslib, AtMost(50))
    yield Row("from chaoscore import maybe_delay", wall["points"], MS, chaoslib)
    yield Row("from chaoscore import Scenario", wall["scenario"], MS, runner)


def command(lab: Lab) -> Iterator[Row]:
    """The command line, from its start to its exit."""
    took = lab.side_by_side(
        11,
        warm_up=True,
        bare=lab.timed(lambda: (lab.bare.script("chaoscore"), "--help")),
        full=lab.timed(lambda: (lab.full.script("chaoscore"), "--help")),
        chaos=lab.timed(lambda: (lab.references.script("chaos"), "--help")),
    )
    chaos = Reference("chaos --help", took["chaos"].least("wall"))
    yield Row("chaoscore --help, core alone", took["bare"].least("wall"), MS, chaos, AtMost(110))
    yield Row("chaoscore --help, all plugins", took["full"].least("wall"), MS, chaos, AtMost(130))
