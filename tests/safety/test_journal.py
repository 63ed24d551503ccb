"""What must be undone, on disk before it is done."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoscore.errors import StateError
from chaoscore.safety import journal as journals
from chaoscore.safety.identity import ProcessId, boot_id, start_ticks
from chaoscore.safety.journal import Journal
from chaoscore.safety.leftovers import every_journal, left_behind
from chaoscore.safety.records import Failed, Intent, Revoked, Undone, read
from chaoscore.safety.state import private, state_dir


def intend(journal: Journal, number: int = 0) -> Intent:
    """Put one intent on disk."""
    return journal.intend("slow", "toy.undo", {"n": number}, target=f"toy {number}", manual="switch it off")


def test_an_intent_is_open_until_it_is_undone() -> None:
    """What is undone is not open any more, whatever its place in the order."""
    journal = Journal.create("run-1", "orders")
    first, second = intend(journal, 1), intend(journal, 2)
    assert journal.read().open == (first, second)
    journal.append(Undone(first.id, "run", "switched off"))
    assert journal.read().open == (second,)
    journal.close()


def test_a_journal_with_nothing_open_is_removed(own_state: Path) -> None:
    """Runs that end well leave no files."""
    journal = Journal.create("run-1", "orders")
    intent = intend(journal)
    journal.append(Undone(intent.id, "run", "off"))
    journal.close()
    assert list((own_state / "journals").iterdir()) == []


def test_a_journal_with_open_faults_stays() -> None:
    """It is what `chaoscore recover` needs."""
    journal = Journal.create("run-1", "orders")
    intend(journal)
    journal.close()
    assert [len(each.open) for each in every_journal()] == [1]


def test_a_failed_attempt_leaves_the_fault_open_and_is_told() -> None:
    """The last attempt is what is shown."""
    journal = Journal.create("run-1", "orders")
    intent = intend(journal)
    journal.append(Failed(intent.id, "run", "first"))
    journal.append(Failed(intent.id, "watchdog", "second"))
    contents = journal.read()
    assert contents.open == (intent,)
    assert contents.failures[intent.id].error == "second"
    journal.close()


def test_the_state_directory_is_private(own_state: Path) -> None:
    """Nobody else can read what it holds, also where it was there before and was not."""
    own_state.mkdir(mode=0o755)
    Journal.create("run-1", "orders").close()
    (own_state / "journals").chmod(0o755)
    private(own_state / "journals")
    assert stat.S_IMODE((own_state / "journals").stat().st_mode) == 0o700


def test_a_journal_is_on_disk_with_space_for_its_end() -> None:
    """Undoing must not need disk space that is gone by then."""
    journal = Journal.create("run-1", "orders")
    assert journal.path.stat().st_blocks * 512 >= journals.SPACE_BYTES
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    journal.close()


def test_a_journal_truncated_anywhere_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """At every byte offset: an intent whose line is whole is open, one whose line is torn never was."""
    journal = Journal.create("run-1", "orders")
    intents = [intend(journal, number) for number in range(3)]
    journal.append(Undone(intents[1].id, "run", "off"))
    data = journal.path.read_bytes().rstrip(b"\0")
    ends = [index + 1 for index, byte in enumerate(data) if byte == 10]
    torn = tmp_path / "torn.jsonl"
    for size in range(len(data) + 1):
        torn.write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        expected = intents[: max(0, whole - 1)] if whole < 5 else [intents[0], intents[2]]
        assert list(read(torn).open) == expected
    journal.close()


@settings(max_examples=50, deadline=None)
@given(size=st.integers(min_value=0, max_value=600))
def test_appending_after_a_torn_line_loses_nothing(size: int) -> None:
    """A watchdog that appends to what a dying run tore off writes a journal that can be read."""
    journal = Journal.create(f"torn-{size}", "orders")
    for number in range(3):
        intend(journal, number)
    data = journal.path.read_bytes().rstrip(b"\0")
    header = data.index(b"\n") + 1
    cut = max(header, min(size, len(data)))
    with journal.path.open("r+b") as file:
        file.seek(cut)
        file.write(b"\0" * (len(data) - cut))
    before = journal.read().open
    journal.append(Revoked("the run died"))
    after = journal.read()
    assert after.open == before
    assert after.revoked == "the run died"
    journal.close()
    journal.path.unlink(missing_ok=True)


def test_a_dead_run_with_open_faults_was_left_behind() -> None:
    """One that is alive was not, and neither was one that had nothing open."""
    program = (
        "from chaoscore.safety.journal import Journal; import os;"
        "j = Journal.create('dead', 'orders'); j.intend('slow', 'toy.undo', {}, target='t', manual='m'); os._exit(9)"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    alive = Journal.create("alive", "orders")
    intend(alive)
    assert [each.header.run_id for each in left_behind()] == ["dead"]
    alive.close()


def test_a_recycled_pid_is_another_process() -> None:
    """The number alone does not make it the same."""
    own = ProcessId.own()
    assert own.alive()
    assert not ProcessId(own.pid, own.started + 1).alive()
    assert start_ticks(2**22 + 1) is None


def test_a_zombie_is_not_alive() -> None:
    """It holds its number, but it does nothing any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(child.pid) is None
    child.wait()


def test_the_boot_has_an_identity() -> None:
    """Where the kernel tells it, it is stable."""
    assert boot_id() == boot_id()


def test_the_state_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own variable first, then XDG, then the home folder."""
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", "/a/b")
    assert state_dir() == Path("/a/b")
    monkeypatch.delenv("CHAOSCORE_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert state_dir() == Path("/x/chaoscore")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/h")
    assert state_dir() == Path("/h/.local/state/chaoscore")


def test_a_state_directory_that_cannot_be_made_is_told(own_state: Path) -> None:
    """The error names the place and the variable that moves it."""
    own_state.write_text("a file")
    with pytest.raises(StateError, match="CHAOSCORE_STATE_DIR"):
        Journal.create("run-1", "orders")
