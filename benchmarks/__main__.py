"""
Measure what chaoscore costs, and what others cost, in one run.

The references are installed once, from the ordinary index, into the user's cache directory; where none can be reached,
their column says so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.environments import ROOT
from benchmarks.figures import Unavailable
from benchmarks.lab import Lab
from benchmarks.machine import this_machine
from benchmarks.rows import Row
from benchmarks.suite import BENCHMARKS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that *arguments* name and return the exit code."""
    asked = parse(arguments)
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="chaoscore-benchmarks-") as scratch:
        tables = run(asked.names or BENCHMARKS, Lab(asked.quick, Path(scratch)))
    print(table.text(machine, tables))
    if asked.json is not None:
        asked.json.write_text(table.as_json(machine, tables), encoding="utf-8")
    if asked.readme:
        try:
            table.into_readme(ROOT / "README.md", table.markdown(machine, tables))
        except (OSError, ValueError) as error:
            print(f"benchmarks: the README stays as it is: {error}", file=sys.stderr)
            return 1
    return int(asked.strict and not all(reached(row) for rows in tables.values() for row in rows))


def run(names: Iterable[str], lab: Lab) -> dict[str, list[Row]]:
    """Run the benchmarks of these *names* one after the other, and say how long each took."""
    tables = {}
    for name in names:
        print(f"benchmarks: {name} ...", end=" ", file=sys.stderr, flush=True)
        began = time.monotonic()
        tables[name] = list(BENCHMARKS[name](lab))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return tables


def reached(row: Row) -> bool:
    """Tell whether *row* is all that was hoped for: measured, and its goal not missed."""
    return row.met is not False and not isinstance(row.ours, Unavailable)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="\n".join(["benchmarks:", *(f"  {name:10}  {each.__doc__}" for name, each in BENCHMARKS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; everything by default")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there as well")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: two minutes instead of ten")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    asked = parser.parse_args(arguments)
    unknown = sorted(name for name in asked.names if not named(name))
    if unknown:
        parser.error(f"no benchmark {', '.join(map(repr, unknown))}; have {', '.join(BENCHMARKS)}")
    asked.names = list(dict.fromkeys(each for name in asked.names for each in named(name)))
    return asked


def named(name: str) -> list[str]:
    """Return the benchmark of that name, or all of the module of that name: ``safety`` is guard, kill and interrupt."""
    modules = {each: function.__module__.rpartition(".")[2] for each, function in BENCHMARKS.items()}
    return [name] if name in BENCHMARKS else [each for each, module in modules.items() if module == name]


if __name__ == "__main__":
    sys.exit(main())
