"""Python environments: fresh ones to install chaoscore into, and a lasting one for the references."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Unavailable

ROOT = Path(__file__).resolve().parent.parent
"""The project; probes run in it."""

REFERENCE_CORE = ("chaostoolkit-lib==1.44.0",)
REFERENCES = (*REFERENCE_CORE, "chaostoolkit==1.19.0", "ddsketch==3.0.1", "hdrhistogram==0.10.8")

TIMEOUT_S = 240


def clean_environ() -> dict[str, str]:
    """Return the user's environment without what would change the figures: no bytecode makes start-up 2-5 x slower."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "PYTHONWARNINGS"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def call(*command: str | Path) -> str:
    """
    Run *command* in the project and return what it prints.

    Raises:
        Unavailable: It fails, or takes minutes; with its last word.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from error
    if done.returncode:
        raise Unavailable(last_word(done.stderr) or f"{command[0]} exited with {done.returncode}")
    return done.stdout


def last_word(stderr: str) -> str:
    """Return the line of *stderr* that says what went wrong, shortened: the last error of pip or Python, or the end."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"ERROR: |[\w.]*Error: ", line)]
    return next(iter(errors[-1:] or lines[-1:]), "")[:120]


@dataclass(frozen=True)
class Environment:
    """A virtual environment with nothing in it but what it was asked for, not even pip."""

    home: Path

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.script("python")

    def script(self, name: str) -> Path:
        """Return one of its commands."""
        return self.home / "bin" / name

    def create(self, requirements: Sequence[str]) -> Environment:
        """
        Make it anew, with pip and from the ordinary index; bytecode is compiled.

        Raises:
            Unavailable: No index, or not these distributions.
        """
        shutil.rmtree(self.home, ignore_errors=True)
        call(sys.executable, "-m", "venv", "--without-pip", self.home)
        call(sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", *requirements)
        return self


def contents(environment: Environment) -> dict[str, float]:
    """Count what is installed in *environment*: distributions, and bytes on disk with and without bytecode."""
    (packages,) = environment.home.glob("lib/python*/site-packages")
    sizes = {path: path.stat().st_size for path in packages.rglob("*") if path.is_file()}
    return {
        "distributions": len(list(packages.glob("*.dist-info"))),
        "bytes": sum(sizes.values()),
        "bytes without bytecode": sum(size for path, size in sizes.items() if path.suffix != ".pyc"),
    }


def lasting(name: str, requirements: Sequence[str]) -> Environment:
    """
    Return the environment *name* with *requirements* from the user's cache, made when it is not there.

    Raises:
        Unavailable: It cannot be made.
    """
    wanted = "\n".join([sys.version, *requirements])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chaoscore-benchmarks"
    home = cache / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    stamp, environment = home / "complete", Environment(home)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp.exists():
                environment.create(requirements)
                stamp.write_text(wanted, encoding="utf-8")
    except OSError as error:
        raise Unavailable(str(error)) from error
    return environment
