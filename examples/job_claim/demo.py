"""The racy queue fails and the locking one passes, under the same faults. `python3 run.py demo` runs this."""

import argparse
import os
import secrets
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import ClassVar

from job_queue import JobQueue, LockingQueue, RacyQueue
from scenario import BOTS, job_claim

from chaoscore import Event, Found, Report, Verdict

COLOURS = {Verdict.PASS: 32, Verdict.FAIL: 31}
SHOWN = 10
WIDTH = 100


class ClaimedTwice:
    """A reporter that collects what the validator found: how many bots claimed which job."""

    kind: ClassVar[str] = "claimed-twice"

    def __init__(self) -> None:
        self.bots: dict[int, int] = {}

    def follow(self, events: Sequence[Event]) -> None:
        found = [event.data for event in events if isinstance(event, Found)]
        self.bots |= {each["job"]: each["bots"] for each in found if "job" in each}


def main() -> int:
    """Return 0 where both verdicts are what they should be."""
    options = arguments()
    seed = secrets.randbelow(10_000) if options.seed is None else options.seed
    racy, locking = RacyQueue(options.dsn), LockingQueue(options.dsn)
    print(f"\n{BOTS} bots claim {racy.jobs} jobs from a table in {'PostgreSQL' if options.dsn else 'SQLite'}.")
    print("No faults." if options.no_faults else f"Faults: 1 to 10 ms between reading and writing, by seed {seed}.")
    verdicts = [run(queue, seed, options) for queue in (racy, locking)]
    if options.no_faults:
        return verdicts[1] is not Verdict.PASS  # the racy queue may be lucky
    return verdicts != [Verdict.FAIL, Verdict.PASS]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="decides every fault; by default a new one")
    parser.add_argument("--dsn", help="a PostgreSQL database: 'postgresql://...' or 'host=...'; by default SQLite")
    parser.add_argument("--no-faults", action="store_true", help="see what happens without any fault")
    options = parser.parse_args()
    if options.dsn and find_spec("psycopg") is None:
        parser.error('PostgreSQL needs psycopg: pip install "psycopg[binary]"')
    return options


def run(queue: JobQueue, seed: int, options: argparse.Namespace) -> Verdict:
    """Run the scenario on *queue* and say what came of it."""
    claimed = ClaimedTwice()
    report = job_claim(queue.name, queue).run(seed=seed, reporters=[claimed], inject=not options.no_faults)
    print(f"\n{coloured(report.verdict)}  {queue.name}: {queue.how}")
    for line in (*outcome(report, claimed.bots), *([] if report.passed else [reproduce(seed, options)])):
        print(fill(line, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8))
    return report.verdict


def outcome(report: Report, bots: dict[int, int]) -> list[str]:
    faults = sum(each.fired or 0 for each in report.injections)
    lines = [f"{report.iterations.ok} claims in {report.duration_s:.2f} s, {faults} of them held up"]
    if report.troubles:
        return [f"{each.who}: {each.hook}: {each.error.message}" for each in report.troubles]
    if not bots:
        return [*lines, "no job was claimed twice"]
    listed = ", ".join(f"{job} by {count}" for job, count in list(bots.items())[:SHOWN])
    more = f" and {len(bots) - SHOWN} more" if len(bots) > SHOWN else ""
    return [*lines, f"{len(bots)} jobs were claimed by more than one bot:", f"job {listed}{more}"]


def reproduce(seed: int, options: argparse.Namespace) -> str:
    """The command that does the same again."""
    script = Path(sys.argv[0])
    by_run = Path(sys.prefix).name == ".venv" and Path("run.py").is_file()
    command = "python3 run.py demo" if by_run else f"python3 {shlex.quote(str(script))}"
    if options.no_faults:
        command += " --no-faults"
    if options.dsn:
        secret = "@" in options.dsn or "password" in options.dsn
        command += ' --dsn "$DSN"' if secret else f" --dsn {shlex.quote(options.dsn)}"
    return f"reproduce: {command} --seed {seed}"


def coloured(verdict: Verdict) -> str:
    text = verdict.upper()
    if verdict not in COLOURS or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[1;{COLOURS[verdict]}m{text}\033[0m"


if __name__ == "__main__":
    sys.exit(main())
