"""What a benchmark works with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.environments import (
    REFERENCE_CORE,
    REFERENCES,
    ROOT,
    TIMEOUT_S,
    Environment,
    call,
    clean_environ,
    lasting,
)
from benchmarks.figures import Contender, Repeats, Unavailable, side_by_side
from benchmarks.rows import Row

T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """
    What a benchmark works with.

    Everything is measured in processes of its own, by the programs in `benchmarks.probes`.

    Attributes:
        quick: Fewer repeats of less.
        scratch: A directory that is gone afterwards.
    """

    quick: bool
    scratch: Path
    _environments: dict[str, Environment | Unavailable] = field(default_factory=dict, init=False, repr=False)

    def pick(self, full: T, quick: T) -> T:
        """Return one or the other."""
        return quick if self.quick else full

    def side_by_side(self, repeats: int, *, warm_up: bool = False, **contenders: Contender) -> dict[str, Repeats]:
        """Let *contenders* take turns; a quick run gives each at most two."""
        return side_by_side(contenders, self.pick(repeats, min(repeats, 2)), warm_up=warm_up)

    # -- contenders

    def ours(self, probe: str, **parameters: object) -> Contender:
        """Return the contender that runs one of the probes in this environment."""
        return partial(_probe, lambda: Path(sys.executable), probe, parameters)

    def theirs(self, probe: str, **parameters: object) -> Contender:
        """Return the contender that runs one of the probes in the references' environment."""
        return partial(_probe, lambda: self.references.python, probe, parameters)

    def timed(self, command: Callable[[], tuple[str | Path, ...]]) -> Contender:
        """Return the contender that takes the time of *command* from start to exit."""
        return partial(_timed, command)

    # -- environments, made when they are first asked for

    @property
    def references(self) -> Environment:
        """Return where all references are installed."""
        return self._made("references", lambda: lasting("references", REFERENCES))

    @property
    def reference_core(self) -> Environment:
        """Return where nothing but the most relevant peer's core is installed."""
        return self._made("reference-core", lambda: lasting("reference-core", REFERENCE_CORE))

    @property
    def bare(self) -> Environment:
        """Return where nothing but our core is installed."""
        return self._made("bare", lambda: Environment(self.scratch / "bare").create([str(ROOT)]))

    @property
    def full(self) -> Environment:
        """Return where our core and all plugins are installed."""
        plugins = sorted(str(path.parent) for path in ROOT.glob("plugins/*/pyproject.toml"))
        return self._made("full", lambda: Environment(self.scratch / "full").create([str(ROOT), *plugins]))

    def _made(self, name: str, make: Callable[[], Environment]) -> Environment:
        if name not in self._environments:
            try:
                self._environments[name] = make()
            except Unavailable as missing:
                self._environments[name] = missing
        made = self._environments[name]
        if isinstance(made, Unavailable):
            raise made
        return made


def _probe(python: Callable[[], Path], probe: str, parameters: Mapping[str, object]) -> Mapping[str, float]:
    arguments = [f"{name}={value}" for name, value in parameters.items()]
    measured: dict[str, float] = json.loads(call(python(), "-m", f"benchmarks.probes.{probe}", *arguments))
    return measured


def _timed(command: Callable[[], tuple[str | Path, ...]]) -> Mapping[str, float]:
    words, environ = command(), clean_environ()
    began = time.perf_counter()
    done = subprocess.run(words, cwd="/", env=environ, capture_output=True, timeout=TIMEOUT_S, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise Unavailable(f"{words[0]} exited with {done.returncode}")
    return {"wall": took}


Benchmark = Callable[[Lab], Iterator[Row]]
"""Measures one thing, and yields its lines of the table."""
