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
from chaoscore.safety.leftovers import every_journal, left_behind, sweep
from chaoscore.safety.records import AnyRecord, Closed, Failed, Intent, Revoked, Undone, read
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
    folders = (own_state, own_state / "journals")
    assert [stat.S_IMODE(each.stat().st_mode) for each in folders] == [0o700, 0o700]
    for each in folders:
        each.chmod(0o755)
    private(own_state / "journals")
    assert [stat.S_IMODE(each.stat().st_mode) for each in folders] == [0o700, 0o700]


def test_a_state_directory_that_is_made_is_private(own_state: Path) -> None:
    """Whatever files are usually made with: who may rename the folder of the journals may put others in its place."""
    before = os.umask(0)
    try:
        Journal.create("run-1", "orders").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(own_state.stat().st_mode) == 0o700


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


# -- what a crash, or somebody else, does to the file


def test_a_journal_appears_as_a_whole(own_state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody ever sees one without its header, not even when the run dies while it makes it."""
    seen = []
    rename = Path.rename

    def look(draft: Path, target: Path) -> Path:
        seen.append((list(every_journal()), sweep()))
        return rename(draft, target)

    monkeypatch.setattr(Path, "rename", look)
    Journal.create("run-1", "orders").close()
    assert seen == [([], 0)]  # sweeping does not take it away from under a run that is alive


def test_a_journal_that_lost_its_header_is_that_of_a_dead_run() -> None:
    """Its faults may be in effect, whoever applied them."""
    journal = Journal.create("run-1", "orders")
    intent = intend(journal)
    data = journal.path.read_bytes()
    journal.path.write_bytes(data.replace(b'{"record":"header"', b'{"record":"heXder"'))
    (left,) = left_behind()
    assert (left.header.run_id, left.header.scenario, left.open) == ("run-1", "unknown", (intent,))
    journal.path.unlink()
    journal.close()


def test_a_damaged_line_hides_no_other() -> None:
    """What follows it is read; a fault whose end was damaged counts as open."""
    journal = Journal.create("run-1", "orders")
    first, second = intend(journal, 1), intend(journal, 2)
    journal.append(Undone(first.id, "run", "off"))
    data = journal.path.read_bytes()
    journal.path.write_bytes(data.replace(b'"undone"', b'"un\xff\xffe"'))
    assert journal.read().open == (first, second)
    journal.close()


def test_a_journal_that_cannot_be_read_is_not_taken_for_none(own_state: Path) -> None:
    """Nobody knows what is in effect then, so a run must not start."""
    (own_state / "journals" / "odd.jsonl").mkdir(parents=True)
    with pytest.raises(StateError, match=r"odd\.jsonl"):
        left_behind()


def test_sweeping_takes_what_holds_nothing(own_state: Path) -> None:
    """
    Empty journals, drafts of dead runs, dead runs with nothing open; never one with faults, nor one that is alive.
    """
    folder = own_state / "journals"
    open_, alive, dead = (Journal.create(name, "orders") for name in ("open", "alive", "dead"))
    intend(open_)
    dead.append(Revoked("the run died"))
    (folder / "empty.jsonl").touch()
    (folder / "zeros.jsonl").write_bytes(b"\0" * 100)
    (folder / ".run-2.4194303-7.new").write_bytes(b"")
    assert sweep() == 4
    assert sorted(path.name for path in folder.iterdir()) == ["alive.jsonl", "open.jsonl"]
    assert sweep() == 0
    for journal in (open_, alive, dead):
        journal.path.unlink(missing_ok=True)
        journal.close()


def test_a_run_that_is_over_has_left_its_faults_behind() -> None:
    """Although its process goes on, as that of a notebook does; the same goes for one that lost its lease."""
    records: list[AnyRecord] = [Closed(), Revoked("the run hung")]
    for number, record in enumerate(records):
        journal = Journal.create(f"run-{number}", "orders")
        intend(journal)
        assert left_behind() == ()
        journal.append(record)
        assert [each.header.run_id for each in left_behind()] == [f"run-{number}"]
        journal.path.unlink()
        journal.close()


def test_a_long_run_does_not_fill_the_disk() -> None:
    """What is undone is dropped in time, what is open never; numbers are not used again."""
    journal = Journal.create("run-1", "orders")
    first = intend(journal)
    for number in range(1, 1000):
        intent = intend(journal, number)
        journal.append(Undone(intent.id, "run", "off"))
    assert journal.path.stat().st_size <= 2 * journals.SPACE_BYTES
    assert journal.read().open == (first,)
    assert intend(journal).id == 1000
    journal.path.unlink()
    journal.close()


def test_whoever_has_the_journal_open_follows_it() -> None:
    """Two processes append to one file, also when one of them has put a shorter one in its place."""
    journal = Journal.create("run-1", "orders")
    other = Journal(journal.path)
    last = intend(journal)
    for number in range(300):
        journal.append(Undone(last.id, "run", "off"))
        last = intend(journal, number)
    assert journal.path.stat().st_ino == os.fstat(journal._file).st_ino != os.fstat(other._file).st_ino
    other.append(Revoked("the run hung"))
    contents = journal.read()
    assert (contents.revoked, contents.open) == ("the run hung", (last,))
    journal.append(Undone(last.id, "run", "off"))
    other.close()
    journal.close()
    assert not journal.path.exists()


def test_there_is_room_for_the_end_of_every_fault() -> None:
    """However many are open: none is applied whose undoing could not be recorded on a full disk."""
    journal = Journal.create("run-1", "orders")
    for number in range(100):
        intend(journal, number)
    used = len(journal.path.read_bytes().rstrip(b"\0"))
    assert journal.path.stat().st_blocks * 512 - used >= 100 * journals.RESERVE_BYTES
    journal.path.unlink()
    journal.close()


def test_a_shared_folder_is_not_made_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by mistake, ``/tmp`` would be closed to everybody else."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(StateError, match="for everybody"):
        private(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
