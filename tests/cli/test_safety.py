"""`status`, `recover`, `stop` and `doctor`, as a person calls them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chaoscore.cli import main
from chaoscore.safety.identity import boot_id
from chaoscore.safety.journal import Journal
from chaoscore.safety.records import Closed
from tests.safety.toys import Toybox


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toybox:
    """Give a toybox whose plugin and state directory are those of this process as well."""
    box = Toybox(tmp_path)
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(box.state))
    monkeypatch.syspath_prepend(str(box.site))
    return box


def call(*args: str) -> Result:
    """Call the command line."""
    return CliRunner().invoke(main, args)


def killed(box: Toybox, bad: str = "") -> None:
    """Leave three toys on: the run and its watchdog are both killed."""
    child = box.start(bad=bad)
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
        for pid in box.watchdogs():
            os.kill(pid, signal.SIGKILL)
        child.kill()
        child.wait()
    assert box.on() == ["toy-0", "toy-1", "toy-2"]


def test_status_says_what_is_in_effect_and_whose(box: Toybox) -> None:
    """With the process, whether it lives, and what a person can do by hand."""
    assert "No fault is in effect" in call("status").output
    killed(box)
    output = call("status").output
    assert "dead: `chaoscore recover`" in output
    assert output.count("by hand: rm ") == 3


def test_status_reads_what_is_damaged(box: Toybox) -> None:
    """A journal that says impossible things is told as it is, and hides no other."""
    killed(box)
    (path,) = box.journals()
    header, _, rest = path.read_bytes().partition(b"\n")
    damaged = re.sub(rb'"wall":[^}]+', b'"wall":1e99', header)
    path.with_name("damaged.jsonl").write_bytes(damaged + b"\n" + rest)
    output = call("status").output
    assert output.count("since 1e+99 s after 1970") == 1
    assert output.count("by hand: rm ") == 6


def test_a_dry_run_says_what_would_be_undone_and_touches_nothing(box: Toybox) -> None:
    """Last applied first; exit code 6, since faults remain."""
    killed(box)
    result = call("recover", "--dry-run")
    assert result.exit_code == 6
    assert [line.rpartition("/")[2] for line in result.output.splitlines()[1:]] == ["toy-2", "toy-1", "toy-0"]
    assert box.on() == ["toy-0", "toy-1", "toy-2"]


def test_recover_heals_and_may_be_repeated(box: Toybox) -> None:
    """The second time there is nothing to do."""
    killed(box)
    result = call("recover")
    assert (result.exit_code, result.output.count("undone ")) == (0, 3)
    assert box.on() == []
    again = call("recover")
    assert (again.exit_code, again.output) == (0, "Nothing was left behind.\n")


def test_recover_all_heals_every_dead_run(box: Toybox) -> None:
    """Without it the latest alone, and it says that there are more."""
    killed(box)
    (first,) = box.journals()
    hidden = first.rename(first.with_suffix(".hidden"))  # the second run would refuse to start over it
    killed(box)
    hidden.rename(first)
    result = call("recover")
    assert result.exit_code == 6
    assert "1 more dead run(s)" in result.output
    assert call("recover", "--all").exit_code == 0
    assert box.journals() == []


def test_what_cannot_be_undone_remains_and_is_told(box: Toybox) -> None:
    """Exit code 6, the error, and what to do by hand; the others are healed."""
    killed(box, bad="raises")
    result = call("recover")
    assert result.exit_code == 6
    assert "OPEN    toy.switch" in result.output
    assert "stuck switch" in result.output
    assert box.on() == ["toy-1"]
    assert "could not be undone by recover" in call("status").output


def test_a_run_that_is_alive_is_left_alone(box: Toybox) -> None:
    """Recover is for what nobody will undo."""
    journal = Journal.create("alive", "orders")
    journal.intend("slow", "toy.switch", {"path": "/nowhere"}, target="toy", manual="m")
    assert call("recover", "--all").output == "Nothing was left behind.\n"
    assert f"process {os.getpid()}, alive" in call("status").output
    journal.close()


def test_what_could_apply_nothing_is_swept_away(box: Toybox) -> None:
    """An empty journal, or one of a dead run with nothing open, is no news for status, and recover removes it."""
    folder = box.state / "journals"
    folder.mkdir(parents=True)
    for name, content in {"empty": b"", "torn": b'{"record":"header","sch', "zeros": b"\0" * 4096}.items():
        (folder / f"{name}.jsonl").write_bytes(content)
    assert "No fault is in effect" in call("status").output
    assert call("recover", "--dry-run").exit_code == 0
    assert len(list(folder.iterdir())) == 3
    result = call("recover")
    assert result.output == "Removed 3 journal(s) of dead runs with nothing in effect.\nNothing was left behind.\n"
    assert list(folder.iterdir()) == []


def test_a_run_whose_process_goes_on_has_left_its_faults_as_well(box: Toybox) -> None:
    """In a notebook, say: its journal says that it is over, so it can be healed from outside."""
    path = box.toys / "toy-0"
    path.touch()
    journal = Journal.create("over", "orders")
    journal.intend("toys", "toy.switch", {"path": str(path)}, target="toy", manual="m")
    journal.append(Closed())
    assert "dead: `chaoscore recover`" in call("status").output
    assert call("recover").exit_code == 0
    assert box.on() == []
    journal.close()


def test_after_a_reboot_what_did_not_survive_it_is_closed(box: Toybox) -> None:
    """Nothing is undone that is not in effect any more, and runs may start again."""
    killed(box)
    (path,) = box.journals()
    boot = boot_id().encode()
    path.write_bytes(path.read_bytes().replace(boot, b"0" * len(boot)))
    result = call("recover")
    assert (result.exit_code, result.output.count("the machine was started again since")) == (0, 3)
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    assert box.journals() == []


def test_stop_pulls_the_lever_and_release_lets_go(box: Toybox) -> None:
    """Both say what they did and what undoes it."""
    assert "--release" in call("stop").output
    assert (box.state / "stop").exists()
    assert "lever is pulled" in call("status").output
    assert call("stop", "--release").exit_code == 0
    assert not (box.state / "stop").exists()
    assert call("stop", "--release").exit_code == 0


def test_stop_ends_a_run_and_lifts_its_faults(box: Toybox) -> None:
    """From another process, with nothing but the file."""
    child = box.start()
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
        call("stop")
        lines = [line for line in child.stdout if line != "step\n"]
    child.wait(20)
    assert lines[0] == "end `chaoscore stop` 3\n"
    assert box.on() == []


def test_the_doctor_proves_every_line(box: Toybox) -> None:
    """Each check-up runs and says what it saw."""
    result = call("doctor")
    assert result.exit_code == 0, result.output
    assert "a fault whose owner was killed was undone" in result.output
    assert "EMFILE" in result.output
    assert "FAIL" not in result.output


def test_the_doctor_says_what_does_not_work(box: Toybox) -> None:
    """A state directory that is a file fails the lines that need it, and no other."""
    box.state.write_text("not a folder")
    result = call("doctor")
    assert result.exit_code == 1
    failed = [line.split()[1] for line in result.output.splitlines() if line.startswith("FAIL")]
    assert failed == ["journal", "watchdog"]


def test_the_doctor_asks_the_parts_of_a_scenario(box: Toybox, tmp_path: Path) -> None:
    """A part that can tell whether what it needs answers is asked, in a child process."""
    (tmp_path / "shop.py").write_text(
        "from chaoscore import Scenario\n"
        "class Shop:\n"
        "    def examine(self):\n"
        "        raise ConnectionError('the shop is closed')\n"
        "scenario = Scenario('shop').target(Shop()).step('buy', print)\n"
    )
    result = call("doctor", str(tmp_path / "shop.py"))
    assert result.exit_code == 1
    assert "the shop is closed" in result.output
