"""Limiting what processes may use."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos_process import limit, system, undo_limit
from chaos_process.errors import DeniedError
from chaos_process.limiting import Restore, by_hand
from chaos_process.process import Process
from chaoscore import Injector, Opens, Site, Undo

Spawn = Callable[..., Any]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux limits other processes")

OPENS = "held = []\ndef take():\n try: held.append(open('/dev/null')); return 1\n except OSError: return 0"
MIB = 1 << 20


def soft(process: Process, resource: str = "open_files") -> int:
    return system.soft_and_hard(process, resource)[0]


def test_a_process_runs_out_of_files(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """With room for two more files the third fails, and when the fault is lifted it does not."""
    child = spawn(OPENS, "opened = [take() for _ in range(3)]; held.clear(); print(sum(opened), flush=True)")
    before = soft(child.process)
    with limit(open_files="+2", match=tag).open(site) as limited:
        assert told(child) == b"2\n"
        evidence = limited.evidence()
    assert told(child) == b"3\n"
    assert evidence.fired == 1
    assert evidence.detail["lowered"] == {str(child.pid): f"open_files {before} -> {soft_then(evidence)}"}
    assert landed == [("process.limit", f"process {child.pid}", f"open_files {before} -> {soft_then(evidence)}")]
    assert soft(child.process) == before


def told(child: Any) -> bytes:
    child.popen.stdin.write(b"\n")
    said = bytes(child.popen.stdout.readline())
    assert child.popen.stdout.readline() == b"done\n"
    return said


def soft_then(evidence: Any) -> int:
    [line] = evidence.detail["lowered"].values()
    return int(line.split(" -> ")[1])


def test_a_file_cannot_grow(site: Site, spawn: Spawn, tag: str, tmp_path: Path) -> None:
    """Beyond the limit a write is short."""
    path = tmp_path / "file"
    child = spawn(f"file = open({str(path)!r}, 'wb', buffering=0)", "print(file.write(bytes(5000)), flush=True)")
    with limit(file_size="4kB", match=tag).open(site):
        assert told(child) == b"4000\n"
    assert told(child) == b"5000\n"


def test_memory_is_refused(site: Site, spawn: Spawn, tag: str) -> None:
    """With room for 16 MiB more, 64 MiB cannot be had, until the fault is lifted."""
    code = f"def get():\n try: return len(bytearray({64 * MIB}))\n except MemoryError: return 0"
    child = spawn(code, "print(get(), flush=True)")
    with limit(address_space="+16MiB", match=tag).open(site):
        assert told(child) == b"0\n"
    assert told(child) == f"{64 * MIB}\n".encode()


def test_several_limits_are_one_fault(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """All limits of a process are lowered and restored, and count as one."""
    child = spawn()
    before = [soft(child.process, each) for each in ("open_files", "file_size", "address_space")]
    with limit(open_files=64, file_size="1MiB", address_space="+1GiB", match=tag).open(site) as limited:
        assert soft(child.process) == 64
        assert soft(child.process, "file_size") == MIB
        assert limited.evidence().fired == 1
    assert len(landed) == 1
    assert [soft(child.process, each) for each in ("open_files", "file_size", "address_space")] == before


def test_the_hard_limit_stays(site: Site, spawn: Spawn, tag: str) -> None:
    """The hard limit is never touched: raising it again would need privileges."""
    child = spawn()
    hard = system.soft_and_hard(child.process, "open_files")[1]
    with limit(open_files=16, match=tag).open(site):
        assert system.soft_and_hard(child.process, "open_files") == (16, hard)
    assert system.soft_and_hard(child.process, "open_files")[1] == hard


def test_a_limit_that_is_lower_already_is_no_evidence(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """A limit is never raised, and one that changes nothing did not land."""
    child = spawn()
    before = soft(child.process)
    with limit(open_files=before + 1, match=tag).open(site) as limited:
        assert soft(child.process) == before
        assert limited.evidence().fired == 0
    assert landed == []


def test_a_limit_that_is_not_in_force_is_no_evidence(
    site: Site, landed: Any, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for a limit proves nothing; only reading it back does."""
    spawn()
    monkeypatch.setattr(system, "set_limit", lambda *_: None)
    with limit(open_files=16, match=tag).open(site) as limited:
        assert limited.evidence().fired == 0
    assert landed == []


def test_nothing_to_limit_is_no_evidence(site: Site) -> None:
    """Where no process matches, nothing fired, and the evidence says why."""
    with limit(open_files=16, match="no such process").open(site) as limited:
        evidence = limited.evidence()
    assert evidence.fired == 0
    assert "no descendant" in str(evidence.detail["why_none"])


def test_limits_are_restored_when_one_cannot_be_set(
    site: Site, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the second process may not be limited, the first gets its limit back and the error is seen."""
    first, second = spawn(), spawn()
    before, real = soft(first.process), system.set_limit

    def refuse(process: Process, *limits: Any) -> None:
        if process.pid == second.pid:
            raise DeniedError(process.pid, "set its limits")
        real(process, *limits)

    monkeypatch.setattr(system, "set_limit", refuse)
    with pytest.raises(DeniedError):
        limit(open_files=16, pick="all", match=tag).open(site).__enter__()
    assert soft(first.process) == before


def test_a_process_that_ends_meanwhile_is_no_trouble(site: Site, spawn: Spawn, tag: str) -> None:
    """Lifting passes over a process that has ended, zombie or reaped."""
    zombie, reaped = spawn(), spawn()
    with limit(open_files=16, pick="all", match=tag).open(site) as limited:
        zombie.kill()
        reaped.kill()
        reaped.popen.wait()
        assert limited.evidence().fired == 2


def lowered(child: Any, to: int = 16) -> dict[str, Any]:
    """Lower a limit, and return what undoes it, as JSON gives it back."""
    soft, hard = system.soft_and_hard(child.process, "open_files")
    system.set_limit(child.process, "open_files", to, hard)
    args = {"resource": "open_files", "soft": soft, "hard": hard, "lowered_to": to}
    return dict(json.loads(json.dumps(child.process.as_args() | args)))


def test_undo_is_a_function_of_json(spawn: Spawn) -> None:
    """Whoever has the arguments as JSON can restore the limit, as often as they like."""
    child = spawn()
    args = lowered(child)
    assert undo_limit(args) == f"process {child.pid} has its open_files of {args['soft']} back"
    assert soft(child.process) == args["soft"]
    assert undo_limit(args) == f"process {child.pid} has another open_files by now, {args['soft']}: left alone"


def test_undo_does_without_the_value_that_was_set(spawn: Spawn) -> None:
    """Pid, start time, name and old limits are enough."""
    child = spawn()
    args = {key: value for key, value in lowered(child).items() if key not in {"lowered_to", "start_ticks"}}
    undo_limit(args)
    assert soft(child.process) == args["soft"]


def test_undo_leaves_what_somebody_else_set(spawn: Spawn) -> None:
    """A limit that was changed since, by the process itself or by an operator, stays as it is."""
    child = spawn()
    args = lowered(child)
    lowered(child, to=32)
    assert undo_limit(args) == f"process {child.pid} has another open_files by now, 32: left alone"
    assert soft(child.process) == 32


def test_undo_stays_below_a_new_hard_limit(spawn: Spawn) -> None:
    """A process that lowered its own hard limit meanwhile gets as much of the old limit as that allows."""
    child = spawn("import resource", "resource.setrlimit(resource.RLIMIT_NOFILE, (16, 20))")
    args = lowered(child)
    child.tell()
    undo_limit(args)
    assert system.soft_and_hard(child.process, "open_files") == (20, 20)


def test_undo_spares_a_recycled_pid(spawn: Spawn) -> None:
    """A process that has the pid of the one that was limited keeps its limits."""
    child = spawn()
    args = lowered(child)
    earlier = {**args, "create_time": args["create_time"] - 3600, "start_ticks": None}
    assert undo_limit(earlier) == f"process {child.pid} has ended"
    assert soft(child.process) == 16


def test_a_limit_that_does_not_come_back_is_an_error(
    site: Site, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that stays limited is named, with the command that restores it."""
    child = spawn()
    soft, hard = system.soft_and_hard(child.process, "open_files")
    block = limit(open_files=16, match=tag).open(site)
    block.__enter__()
    monkeypatch.setattr(system, "set_limit", lambda *_: None)
    with pytest.raises(Exception, match=f"prlimit --pid {child.pid} --nofile={soft}:{hard}"):
        block.__exit__(None, None, None)


def test_the_undo_can_tell_whether_it_is_needed(spawn: Spawn) -> None:
    """A limit is in effect while it is as low as it was made, and not when it is back or the process has ended."""
    child, action = spawn(), Restore()
    args = lowered(child)
    assert action.in_effect(args)
    assert not action.in_effect(args | {"create_time": 1000.0, "start_ticks": 1})
    action.undo(args)
    assert not action.in_effect(args)
    lowered(child, to=32)
    assert not action.in_effect(args)
    child.kill()
    child.popen.wait()
    assert not action.in_effect(args)


def test_no_limit_is_shown_as_such(spawn: Spawn) -> None:
    """The command that restores a limit says unlimited where there was none."""
    args = {**lowered(spawn()), "resource": "address_space", "soft": -1, "hard": -1}
    assert by_hand(args) == f"prlimit --pid {args['pid']} --as=unlimited:unlimited"


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"open_files": -1},
        {"open_files": "4"},
        {"open_files": 1.5},
        {"open_files": True},
        {"file_size": "4"},
        {"file_size": "+4kB"},
        {"address_space": "+64"},
        {"address_space": 1.5},
    ],
)
def test_wrong_values_cannot_be_built(parts: dict[str, Any]) -> None:
    """A limit has a value, a whole one or with its unit."""
    with pytest.raises((TypeError, ValueError)):
        limit(**parts)


def test_it_is_an_injector_that_a_journal_undoes() -> None:
    """A limit stays when the tool is killed, so its undo must be written down."""
    assert isinstance(limit(open_files=16), Injector)
    assert isinstance(limit(open_files=16), Opens)
    assert limit.undo is Undo.JOURNAL
