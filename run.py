#!/usr/bin/env python3
"""
Usage: python3 run.py COMMAND [ARGUMENTS]

    demo    run two examples: workers claim jobs, and sagas roll back, while everything breaks
    test    run the tests; ARGUMENTS go to pytest
    lint    check style, types and which module imports which
    bench   run the benchmarks; ARGUMENTS go to them
    env     only set up .venv, to work on the project
    lock    pin the newest version of every dependency in constraints.txt

The first command sets up .venv, with uv where it is on PATH and with pip elsewhere; the next
ones start at once. For Linux and macOS.
"""

import sys

if sys.version_info < (3, 11):  # Python 3.6 can still read this file: keep it so.
    sys.exit("run.py: chaoscore needs Python 3.11 or newer, not {}.{}".format(*sys.version_info))

import fcntl
import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
SITE_PACKAGES = VENV / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
STAMP = VENV / "set-up"
CONSTRAINTS = ROOT / "constraints.txt"
PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
CHECKS = ("ruff check", "ruff format --check", "mypy", "lint-imports --no-logo")


# --- The commands -------------------------------------------------------------------------------


def demo(*arguments: str) -> None:
    set_up("run")
    status = subprocess.call([BIN / "python", "examples/job_claim/demo.py", *arguments], env=environment())
    if status != 0 or "--help" in arguments or "-h" in arguments:
        sys.exit(status)
    become("python", "examples/saga_stress/saga_stress.py", "--for", "12s", "--every", "4s", *arguments)


def test(*arguments: str) -> None:
    set_up("run", "dev")
    become("python", "-m", "pytest", *arguments)


def lint() -> None:
    set_up("run", "dev")
    failed = []
    for check in CHECKS:
        print(f"$ {check}", flush=True)
        program, *arguments = check.split()
        if subprocess.call([BIN / program, *arguments], env=environment()) != 0:
            failed.append(check)
    if failed:
        sys.exit(f"run.py: failed: {', '.join(failed)}")


def bench(*arguments: str) -> None:
    set_up("run", "dev")
    become("python", "-m", "benchmarks", *arguments)


def env() -> None:
    set_up("run", "dev")
    print("run.py: ready; `source .venv/bin/activate` to work in it")


def lock() -> None:
    # Without set_up(): an old pin may be the very thing that keeps it from working.
    uv = shutil.which("uv", path=environment()["PATH"])
    if uv is None:
        sys.exit("run.py: lock needs uv: `python3 run.py env` or `python3 -m pip install uv`")
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
    command += ["--python-version=3.11", "--group=dev", "--all-extras"]
    for project in PROJECTS:
        command += [str(project / "pyproject.toml")]
        command += ["--no-emit-package", read_toml(project)["project"]["name"]]
    pins = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if pins.returncode != 0:
        sys.exit("run.py: constraints.txt stays as it is, see above")
    CONSTRAINTS.write_text(f"# Written by `python3 run.py lock`.\n{pins.stdout}")


COMMANDS = {command.__name__: command for command in (demo, test, lint, bench, env, lock)}


# --- Setting up .venv, once ---------------------------------------------------------------------


def set_up(*tiers: str) -> None:
    """
    Install what is missing: `run` is the core and its plugins, `dev` the tools to work on them.

    The stamp is deleted first and written last. So a set-up that was cut short leaves none, and
    the next one starts over.
    """
    if set(tiers) <= set(installed()):
        return
    with Path(__file__).open() as lock_file:
        # A second run.py waits here, then finds all done. Installers inherit the lock: one that
        # outlives its run.py is waited for too.
        os.set_inheritable(lock_file.fileno(), True)
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        have = installed()
        if read_stamp()[0] != interpreter():
            create_venv()
        STAMP.unlink(missing_ok=True)
        for tier in tiers:
            if tier not in have:
                install_tier(tier)
        STAMP.write_text("\n".join([interpreter(), fingerprint(), *sorted({*have, *tiers})]))


def installed() -> list[str]:
    whose, from_what, *tiers = read_stamp()
    return tiers if (whose, from_what) == (interpreter(), fingerprint()) else []


def read_stamp() -> list[str]:
    whole = STAMP.exists() and (BIN / "python").exists()
    return STAMP.read_text().split("\n") if whole else ["", ""]


def interpreter() -> str:
    """Whom .venv belongs to: this Python, in this folder (a copied .venv points at the old one)."""
    return f"{sys.version} {sys.base_prefix} {ROOT}".replace("\n", " ")


def fingerprint() -> str:
    """What .venv was made from, and when anyone last added a package to it or took one away."""
    files = [CONSTRAINTS, *(project / "pyproject.toml" for project in PROJECTS)]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    changed_ns = SITE_PACKAGES.stat().st_mtime_ns if SITE_PACKAGES.exists() else 0
    return f"{digest} {changed_ns}"


def create_venv() -> None:
    uv = find_uv()
    print(f"run.py: making .venv with {'uv' if uv else 'pip'}, once", file=sys.stderr)
    shutil.rmtree(VENV, ignore_errors=True)
    python = getattr(sys, "_base_executable", sys.executable)  # .venv itself may be running this.
    if uv:
        run(uv, "venv", "--quiet", "--seed", "--python", python, str(VENV))
    else:
        run(python, "-m", "venv", str(VENV))


def install_tier(tier: str) -> None:
    root = read_toml(ROOT)
    if tier == "dev":
        print("run.py: installing the tools for tests and checks", file=sys.stderr)
        install(*root["dependency-groups"]["dev"])
        return
    print("run.py: installing the core and its plugins", file=sys.stderr)
    install(*root["build-system"]["requires"])
    # Without isolation the build backend is fetched once and not once for each project.
    install("--no-build-isolation", *(f"--editable={project}" for project in PROJECTS))
    # Bytecode for the sources: without it, starting up takes several times longer.
    sources = [ROOT / "chaoscore", *(project / "src" for project in PROJECTS[1:])]
    subprocess.call([BIN / "python", "-m", "compileall", "-qq", *sources], env=environment())


def install(*requirements: str) -> None:
    uv = find_uv()
    if uv:
        command = [uv, "pip", "install", "--compile-bytecode", "--python", str(BIN / "python")]
    else:
        command = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    run(*command, "--quiet", "--constraint", str(CONSTRAINTS), *requirements)


def find_uv() -> str | None:
    """The user's uv: the one in .venv cannot replace itself."""
    uv = shutil.which("uv")
    return None if uv is None or Path(uv).parent == BIN else uv


def read_toml(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


# --- Running things in it -----------------------------------------------------------------------


def run(*command: str) -> None:
    if subprocess.call(command, cwd=ROOT, env=environment(), close_fds=False) != 0:
        sys.exit("run.py: set-up failed (see above); the next run starts it over")


def become(program: str, *arguments: str) -> NoReturn:
    """Continue as a program of .venv: its signals and its exit code need no forwarding."""
    os.execve(BIN / program, [program, *arguments], environment())


def environment() -> dict[str, str]:
    """The user's, inside .venv; and Python may write bytecode, or start-up takes 2.5-5 x longer."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join([str(BIN), env.get("PATH", os.defpath)])
    return {**env, "PATH": path, "VIRTUAL_ENV": str(VENV)}


def main(command: str = "--help", *arguments: str) -> None:
    if command in ("help", "-h", "--help"):
        print(str(__doc__).strip())
        return
    if command not in COMMANDS:
        print(f"run.py: no command {command!r}; have {', '.join(COMMANDS)}", file=sys.stderr)
        sys.exit(2)
    os.chdir(ROOT)
    try:
        COMMANDS[command](*arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
