"""run.py sets .venv up once, and again when it has to."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import run
from tests.repo.projects import ROOT


@attrs.define
class Setup:
    """A set-up in a temporary folder that notes what it would do."""

    root: Path
    done: list[str] = attrs.field(factory=list)
    interrupt: bool = False

    def create_venv(self) -> None:
        self.done.append("venv")
        shutil.rmtree(run.VENV, ignore_errors=True)
        run.SITE_PACKAGES.mkdir(parents=True)
        run.BIN.mkdir()
        (run.BIN / "python").touch()

    def install_tier(self, tier: str) -> None:
        if self.interrupt:
            raise KeyboardInterrupt
        self.done.append(tier)
        (run.SITE_PACKAGES / tier).mkdir(exist_ok=True)

    def __call__(self, *tiers: str) -> list[str]:
        """Set *tiers* up and return what that took."""
        self.done.clear()
        run.set_up(*tiers)
        return self.done


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "constraints.txt").write_text("")
    setup = Setup(tmp_path)
    for name in ("VENV", "BIN", "SITE_PACKAGES", "STAMP", "CONSTRAINTS"):
        monkeypatch.setattr(run, name, tmp_path / getattr(run, name).relative_to(run.ROOT))
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "PROJECTS", [tmp_path])
    monkeypatch.setattr(run, "create_venv", setup.create_venv)
    monkeypatch.setattr(run, "install_tier", setup.install_tier)
    return setup


def test_a_second_setup_does_nothing(setup: Setup) -> None:
    """What is set up once is not set up again."""
    assert setup("run", "dev") == ["venv", "run", "dev"]
    assert setup("run", "dev") == []
    assert setup("run") == []


def test_the_tools_come_later(setup: Setup) -> None:
    """The demo does not pay for the tools, and the tools do not install the core again."""
    assert setup("run") == ["venv", "run"]
    assert setup("run", "dev") == ["dev"]
    assert setup("run", "dev") == []


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_a_changed_dependency_is_installed(setup: Setup, file: str) -> None:
    """An edit of what .venv was made from installs again, into the same .venv."""
    setup("run")
    (setup.root / file).write_text("# changed\n")
    assert setup("run") == ["run"]


def test_a_package_taken_away_is_installed(setup: Setup) -> None:
    """When another tool removes a package from .venv, it comes back."""
    setup("run", "dev")
    (run.SITE_PACKAGES / "dev").rmdir()
    os.utime(run.SITE_PACKAGES, ns=(0, 0))  # The clock of a file system may be coarse.
    assert setup("run", "dev") == ["run", "dev"]


def test_an_interrupted_setup_starts_over(setup: Setup) -> None:
    """A set-up that is cut short is not trusted, not even the part that was there before."""
    setup("run")
    setup.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        setup("run", "dev")
    setup.interrupt = False
    assert setup("run") == ["venv", "run"]


def test_a_venv_without_its_python_starts_over(setup: Setup) -> None:
    """A .venv whose Python is gone is made anew."""
    setup("run")
    (run.BIN / "python").unlink()
    assert setup("run") == ["venv", "run"]


@pytest.mark.parametrize("attribute", ["version", "base_prefix"])
def test_another_interpreter_starts_over(setup: Setup, attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .venv that another Python made is made anew."""
    setup("run")
    monkeypatch.setattr(sys, attribute, "another")
    assert setup("run") == ["venv", "run"]


def test_commands_may_write_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONDONTWRITEBYTECODE, which makes start-up slow, does not reach the commands."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in run.environment()


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that does not exist exits 2 and names those that do."""
    with pytest.raises(SystemExit) as stopped:
        run.main("tset")
    assert stopped.value.code == 2
    assert "no command 'tset'; have demo, test, lint" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The help has a line for each command."""
    run.main("--help")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("    ")] == list(run.COMMANDS)


def older_pythons() -> Iterator[str]:
    """Executables of Python 3.6 to 3.10 that work here, on PATH or under pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in range(6, 11):
        found = [str(path) for path in pyenv.glob(f"versions/3.{minor}.*/bin/python")]
        on_path = shutil.which(f"python3.{minor}")
        for python in [*found, *([on_path] if on_path else [])]:
            # A pyenv shim is on PATH for every version, and works for the chosen ones only.
            if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
                yield python
                break


def test_an_older_python_gets_one_line() -> None:
    """Python 3.6 to 3.10 print one line that names the version needed, and exit 1."""
    pythons = list(older_pythons())
    if not pythons:
        pytest.skip("cannot run here: no Python from 3.6 to 3.10")
    for python in pythons:
        command = [python, str(ROOT / "run.py"), "test"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("run.py: chaoscore needs Python 3.11 or newer, not 3.")
        assert done.stderr.count("\n") == 1
