import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import chaoscore
from chaoscore.cli import main, shell
from chaoscore.errors import (
    ChaosError,
    EventLogError,
    FaultsLeftError,
    InvalidScenarioError,
    PluginError,
    ScenarioError,
)
from chaoscore.verdict import ExitCode

Chaos = Callable[..., Result]
ROOT = Path(chaoscore.__file__).parents[1]


def run(*words: str, folder: Path, code: str = "from chaoscore.cli import main; main()") -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *words]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_exit_codes_are_those_of_the_verdict() -> None:
    """The numbers that are written down here to save an import are the same as there."""
    codes = (shell.USAGE, shell.UNKNOWN, shell.INVALID, shell.FAULTS_LEFT, shell.INTERRUPTED)
    theirs = (ExitCode.USAGE, ExitCode.UNKNOWN, ExitCode.INVALID, ExitCode.FAULTS_LEFT, ExitCode.SIGINT)
    assert codes == theirs


def caused(problem: str, cause: BaseException | None) -> ScenarioError:
    """A problem with a cause."""
    error = ScenarioError("x.toml", problem, "mend it")
    error.__cause__ = cause
    return error


BROKEN = PluginError("x", "chaos-x 1.0", "it is broken")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScenarioError("here", "wrong", "mend it"), 4),
        (InvalidScenarioError("here", [caused("a", None)]), 4),
        (InvalidScenarioError("here", [caused("a", BROKEN)]), 3),
        (InvalidScenarioError("here", [caused("a", BROKEN), caused("b", None)]), 4),
        (BROKEN, 3),
        (EventLogError("x", 1, "wrong"), 2),
        (FaultsLeftError({"run": 1}), 6),
        (ChaosError("other"), 3),
    ],
)
def test_each_error_has_its_exit_code(error: ChaosError, code: int) -> None:
    """What is wrong with the file ends with 4, what is wrong with the installation with 3."""
    assert shell.code_of(error) == code


def grouped(error: BaseException) -> Result:
    """The result of a command that raises *error*."""

    @click.group(cls=shell.Commands)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, ["fail"])


def test_an_error_is_a_message() -> None:
    """An error of the framework is told without a traceback."""
    result = grouped(BROKEN)
    assert (result.exit_code, result.stderr) == (3, f"Error: {BROKEN}\n")


def test_an_interruption_is_told() -> None:
    """Ctrl-C before a run ends with 130."""
    result = grouped(KeyboardInterrupt())
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    """Any other error keeps its traceback."""
    assert isinstance(grouped(RuntimeError("bug")).exception, RuntimeError)


def test_help_names_every_command() -> None:
    """The commands stand in the order of their use, each with a line of help."""
    text = CliRunner().invoke(main, ["--help"]).stdout
    for name in ("run", "check", "plan", "plugins", "schema", "report", "completion"):
        assert f"\n  {name} " in text
    assert text.index("\n  run ") < text.index("\n  check ") < text.index("\n  completion ")
    assert "..." not in text.partition("Commands:")[2]


def test_every_option_is_explained() -> None:
    """No command and no option goes without a sentence."""
    for command in main.commands.values():
        assert command.help
        for each in command.params:
            assert not isinstance(each, click.Option) or each.help, f"{command.name} {each.name}"


def test_the_version() -> None:
    """The version is the package's."""
    assert CliRunner().invoke(main, ["--version"]).stdout == f"chaoscore {chaoscore.__version__}\n"


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_next_to_nothing(tmp_path: Path, argument: str) -> None:
    """Help and version load no plugin, no event loop and none of the machinery of a run."""
    code = """
import sys
from chaoscore.cli import main
main(standalone_mode=False)
heavy = {"asyncio", "importlib.metadata", "pluggy", "msgspec", "attrs", "chaoscore.plugins", "rich"}
sys.exit(",".join(heavy & set(sys.modules)))
"""
    process = run(argument, folder=tmp_path, code=code)
    assert process.communicate()[1] == "\n"


def test_the_module_can_be_run(folder: Path) -> None:
    """``python -m chaoscore`` is the command line, and says so in the command that reproduces."""
    code = "import runpy, sys; sys.argv[0] = '-m'; runpy.run_module('chaoscore', run_name='__main__', alter_sys=True)"
    out, _ = run("run", "shop.py:losing", folder=folder, code=code).communicate()
    assert "-m chaoscore run shop.py:losing --seed " in out


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    """``chaoscore plugins | head -1`` prints no traceback."""
    process = run("plugins", folder=folder)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 0


def test_a_run_whose_reader_leaves_keeps_its_exit_code(folder: Path) -> None:
    """A run whose report nobody reads ends with its own exit code and without a traceback."""
    process = run("run", "shop.py:losing", "--quiet", folder=folder)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert "Traceback" not in process.stderr.read()
    assert process.wait() == 1


def bash(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run *line* in a shell in which ``chaoscore`` is the command line."""
    alias = f'chaoscore() {{ "{sys.executable}" -m chaoscore "$@"; }}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["bash", "-c", f"{alias}; {line}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [("run shop.py:losing --events e.jsonl", 1), ("check shop.toml", 0)])
def test_closed_standard_streams_are_no_error(folder: Path, command: str, code: int, closed: str) -> None:
    """A command whose standard streams are closed ends as it would, and writes into no file that took their place."""
    done = bash(folder, f"chaoscore {command} {closed}")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for log in folder.glob("*.jsonl"):
        assert all(line.startswith('{"event":"') for line in log.read_text().splitlines())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="cannot run here: no /dev/full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("run shop.py:losing", 1),
        ("run shop.py --json", 0),
        ("check shop.toml", 3),
        ("--help", 3),
        ("report e.jsonl", 3),
    ],
)
def test_a_full_disk_behind_the_standard_output_is_told(folder: Path, command: str, code: int) -> None:
    """What cannot be printed is one line on the standard error; a run keeps the exit code of what it found."""
    bash(folder, "chaoscore run shop.py --events e.jsonl")
    done = bash(folder, f"chaoscore {command} > /dev/full")
    assert done.returncode == code, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_in_good_order(folder: Path, number: signal.Signals, code: int) -> None:
    """A run that is interrupted still tears down and reports, and its exit code names the signal."""
    source = """
import time
from chaoscore import Scenario
class Target:
    def teardown(self):
        open("torn-down", "w").close()
def wait(target):
    open("begun", "w").close()
    time.sleep(0.01)
scenario = Scenario("long").target(Target()).step("wait", wait).run_for("60s")
"""
    (folder / "long.py").write_text(source)
    process = run("run", "long.py", folder=folder)
    while not (folder / "begun").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code, err
    assert "VERDICT" in out
    assert (folder / "torn-down").exists()


def test_this_program_is_called_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command is short where the shell finds it by its name, else the path as it was typed."""
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "chaoscore")])
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name))
    assert shell.program() == ["chaoscore"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert shell.program() == [str(tmp_path / "chaoscore")]
    monkeypatch.setattr(sys, "argv", ["/somewhere/chaoscore/__main__.py"])
    assert shell.program() == [sys.executable, "-m", "chaoscore"]
