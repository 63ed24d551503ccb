"""``chaoscore doctor``: what works on this machine, each line proved by doing it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaoscore.cli.shell import emit, printable

if TYPE_CHECKING:
    from chaoscore.protocols import Checkup, Examines

DEADLINE_S = 30.0

_PROGRAM = """
import json, sys
name, file, sys.path[:] = json.loads(sys.argv[1])
from chaoscore.cli.doctor import checkup
print(checkup(name, file)(), end="")
"""


@click.command(short_help="Say what works on this machine, by trying it.")
@click.argument("file", metavar="[FILE[:NAME]]", required=False)
@click.option("--verbose", is_flag=True, help="Show the tracebacks of what does not work.")
@click.pass_context
def doctor(ctx: click.Context, /, file: str | None, verbose: bool) -> None:
    """
    Say what works on this machine, and whether what the scenario in FILE needs answers.

    Each line is proved by doing it in a child process. Exit code 1 if anything does not work.
    """
    from chaoscore.plugins import catalogue

    names = [*(offer.name for offer in catalogue().checkups.all), *(_examined(file) if file is not None else ())]
    width = max(len(name) for name in names)
    broken = 0
    for name in names:
        works, said, trace = _try(name, file)
        broken += not works
        emit(printable(f"{'ok  ' if works else 'FAIL'}  {name:<{width}}  {said}"))
        if verbose and trace:
            emit(printable(trace))
    emit(f"{len(names) - broken} of {len(names)} work here.")
    ctx.exit(1 if broken else 0)


def checkup(name: str, file: str | None) -> Checkup:
    """Return what proves the line *name*: a plugin's check-up, or a part of the scenario in *file*."""
    from chaoscore.plugins import catalogue

    if file is not None and name in (parts := _examined(file)):
        return parts[name].examine
    return catalogue().checkups.need(name, "doctor").part


def _examined(file: str) -> dict[str, Examines]:
    """Return the parts of the scenario that can say whether what they need answers."""
    from chaoscore.loader import load
    from chaoscore.protocols import Examines

    scenario = load(file)
    parts = {"target": scenario.subject}
    parts |= {f"provider {each.name}": each.provider for each in scenario.provisions}
    parts |= {f"injector {each.name}": each.injector for each in scenario.injections}
    parts |= {f"validator {each.name}": each.validator for each in scenario.expectations}
    return {name: part for name, part in parts.items() if isinstance(part, Examines)}


def _try(name: str, file: str | None) -> tuple[bool, str, str]:
    """Return whether what *name* stands for works, what was seen or went wrong, and the traceback of that."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    command = [sys.executable, "-c", _PROGRAM, json.dumps([name, file, paths])]
    try:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {DEADLINE_S:g} s", ""
    if child.returncode == 0:
        return True, child.stdout, ""
    last = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
    return False, last[0].removeprefix("AssertionError: "), child.stderr
