"""The smallest plugin, installed beside the core as a stranger would install it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import build
import pytest

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "examples" / "chaos_hello"


def run(*command: str | Path, cwd: Path) -> str:
    """Run *command* outside of this checkout and its settings, and return its output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST_", "CHAOSCORE_", "VIRTUAL_"))}
    done = subprocess.run(command, cwd=cwd, env=env, check=False, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wheel_of(source: Path, folder: Path) -> Path:
    return Path(build.ProjectBuilder(source).build("wheel", folder))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment in which the core and the plugin are installed from wheels."""
    folder = tmp_path_factory.mktemp("fresh")
    wheels = [wheel_of(source, folder) for source in (ROOT, HELLO)]
    run(sys.executable, "-m", "venv", "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--constraint", ROOT / "constraints.txt", *wheels, "pytest", cwd=folder)
    return programs


@pytest.mark.slow
def test_the_plugin_is_seen(installed: Path, tmp_path: Path) -> None:
    """`chaoscore plugins` shows the plugin, its distribution, its injector and the parameters with their units."""
    shown = run(installed / "chaoscore", "plugins", cwd=tmp_path)
    assert "hello (chaos-hello 0.1.0)\n  injector hello.busy: Let a component answer that it is busy" in shown
    assert re.search(r"retry_after +duration: .* default 1\.0 - Time after which it wants to be asked again", shown)
    assert "BROKEN" not in shown


@pytest.mark.slow
def test_the_plugin_strikes_in_a_run(installed: Path, tmp_path: Path) -> None:
    """A scenario in TOML that names the injector runs, and says where its faults landed."""
    scenario = HELLO / "scenario.toml"
    assert run(installed / "chaoscore", "check", scenario, cwd=tmp_path)
    shown = run(installed / "chaoscore", "run", scenario, "--seed", "1", cwd=tmp_path)
    assert re.search(r"busy  hello\.busy  landed \d+ times in 100 asks", shown)
    assert "chaos_hello.BusyError: 0.5" in shown


@pytest.mark.slow
def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    """The plugin's tests pass where only the wheels are installed."""
    (tmp_path / "test_busy.py").write_bytes((HELLO / "tests" / "test_busy.py").read_bytes())
    assert "1 passed" in run(installed / "python", "-m", "pytest", cwd=tmp_path)


def test_it_is_small() -> None:
    """The plugin has fewer than 60 lines of Python, its test included."""
    assert sum(len(path.read_text().splitlines()) for path in HELLO.rglob("*.py")) < 60
