"""Four workflows, five workers, and everything that can go wrong, for a minute."""

import argparse
import logging
import secrets
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill

import network
from orders import Shop
from stress import FAILPOINTS, Stress
from terminal import HEAD, WIDTH, Live

from chaoscore import seconds

BROKEN = (
    "handlers panic (5 %), are late (17 %), get no answer (3 %) or stall until their lease is lost; compensations fail "
    "(5 %); commits fail (1 %), or succeed and nobody hears of it (1 %); statements are slow"
)


def main() -> int:
    """Return the exit code of the run."""
    given = arguments()
    seed = secrets.randbelow(10_000) if given.seed is None else given.seed
    stress = Stress(
        dsn=given.dsn, toxiproxy=given.toxiproxy, failpoints=given.failpoints, run_for=given.run_for,
        workers=given.workers, processes=given.processes,
    )  # fmt: skip
    shop = Shop(stress.dsn, stress.workers, stress.processes)
    scenario = stress.scenario(shop)
    print(opening(stress, seed, not given.no_faults), flush=True)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # which warns of every connection that is cut
    try:
        live = Live(shop, seconds(given.every), reproduce(given, seed))
        return scenario.run(seed=seed, reporters=[live], inject=not given.no_faults).exit_code
    except KeyboardInterrupt:  # everything is lifted, and the report is out
        return 130


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", help="a PostgreSQL database: 'postgresql://...' or 'host=...'; by default SQLite")
    parser.add_argument("--toxiproxy", metavar="SERVER", help="with --dsn: 'embedded', 'toxiproxy-server' or a URL")
    parser.add_argument(
        "--failpoints", default=FAILPOINTS, metavar="TERMS", help=f"what they do (default: {FAILPOINTS})"
    )
    parser.add_argument("--for", dest="run_for", default="60s", metavar="TIME", help="how long (default: 60s)")
    parser.add_argument("--every", default="10s", metavar="TIME", help="time between two lines (default: 10s)")
    parser.add_argument("--workers", type=int, default=5, help="threads that carry orders on (default: 5)")
    parser.add_argument("--processes", type=int, default=0, help="worker processes beside them (default: 0)")
    parser.add_argument("--no-faults", action="store_true", help="see what happens without any fault")
    parser.add_argument("--seed", type=int, help="decides the faults; by default a new one")
    given = parser.parse_args()
    if given.dsn and find_spec("psycopg") is None:
        parser.error('PostgreSQL needs psycopg: pip install "psycopg[binary]"')
    if given.toxiproxy and not given.dsn:
        parser.error("--toxiproxy is for the network to PostgreSQL: pass --dsn as well")
    return given


def opening(stress: Stress, seed: int, faults: bool) -> str:
    """What runs, what is broken, and the head of the table."""
    processes = f" and {stress.processes} worker processes" if stress.processes else ""
    where = "PostgreSQL" if stress.dsn else "SQLite"
    load = f"{where}, {stress.workers} workers{processes}, {stress.clients} orders at a time, {stress.run_for}"
    broken = (
        f"Of the orders 15 % are refused; {BROKEN}" if faults else "Of the orders 15 % are refused; nothing is broken"
    )
    broken += "; processes are killed before they commit" if faults and stress.processes else ""
    broken += "; connections are cut" if faults and stress.dsn else ""
    broken += f"; {network.described()}" if faults and stress.toxiproxy else ""
    return f"""
Sagas under stress: four workflows of a shop on {load}, seed {seed}.
{fill(f"{broken}.", WIDTH)}
Ctrl-C ends it early.

{HEAD}"""


def reproduce(given: argparse.Namespace, seed: int) -> str:
    """The command that does the same again."""
    by_run = Path(sys.prefix).name == ".venv" and Path("run.py").is_file()
    words = [".venv/bin/python" if by_run else "python3", sys.argv[0], "--for", given.run_for]
    words += ["--workers", str(given.workers)] if given.workers != 5 else []
    words += ["--processes", str(given.processes)] if given.processes else []
    words += ["--toxiproxy", given.toxiproxy] if given.toxiproxy else []
    words += ["--no-faults"] if given.no_faults else []
    words += ["--failpoints", given.failpoints] if given.failpoints != FAILPOINTS else []
    command = shlex.join([*words, "--seed", str(seed)])
    if not given.dsn:
        return command
    secret = "@" in given.dsn or "password" in given.dsn
    return f"{command} --dsn " + ('"$DSN"' if secret else shlex.quote(given.dsn))


if __name__ == "__main__":
    sys.exit(main())
