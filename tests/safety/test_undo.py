"""How what a journal lists is taken back, by whomever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from chaoscore.errors import StateError, UndoError
from chaoscore.safety import undo
from chaoscore.safety.journal import Journal
from chaoscore.safety.leftovers import every_journal
from chaoscore.safety.records import Header, Intent, line, record
from chaoscore.safety.undo import heal, insist, take_back


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long was slept between attempts; nobody really sleeps, and nobody has patience."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr(undo, "ROUNDS_S", ((0.0, 0.02), (0.25, 0.02), (1.0, 0.02)))
    return slept


class World:
    """Lamps that are on, and the action that switches them off."""

    def __init__(self, *on: str) -> None:
        self.on = set(on)
        self.tried: list[str] = []
        self.before: Callable[[str], object] = lambda name: None

    def undo(self, args: Mapping[str, Any]) -> str:
        name = args["name"]
        self.tried.append(name)
        self.before(name)
        if name not in self.on:
            return "it was off"
        self.on.discard(name)
        return "switched off"

    def in_effect(self, args: Mapping[str, Any]) -> bool:
        return args["name"] in self.on


def journal_of(*names: str, run_id: str = "run-1", **how: Any) -> Journal:
    """Return a journal with a lamp of each of these names."""
    journal = Journal.create(run_id, "lamps")
    for name in names:
        journal.intend("lamps", "lamp", {"name": name}, target=name, manual=f"unscrew {name}", **how)
    return journal


def healed(world: World, *names: str, **how: Any) -> dict[str, str | None]:
    """Heal a journal of lamps and return how each was switched off, or None."""
    journal = journal_of(*names, **how)
    return {each.intent.target: each.how for each in heal(journal.read(), {"lamp": world}, "recover")}


def test_the_last_is_taken_back_first() -> None:
    """In the order in which one gets down from a ladder."""
    world = World("a", "b", "c")
    assert healed(world, "a", "b", "c") == dict.fromkeys("abc", "switched off")
    assert world.tried == ["c", "b", "a"]
    assert list(every_journal()) == []


def test_taking_back_is_idempotent() -> None:
    """What is off stays off and is undone all the same."""
    world = World()
    assert healed(world, "a") == {"a": "it was off"}


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_run_insists(failures: int, slept: list[float]) -> None:
    """What fails a few times and then succeeds is undone, with a longer pause after each failure."""
    world, journal = World("a"), journal_of("a")
    world.before = lambda _: _fail() if len(world.tried) <= failures else None
    (intent,) = journal.read().open
    assert insist(journal, intent, {"lamp": world}, "run") == "switched off"
    assert slept == list(undo.PAUSES_S[:failures])
    journal.close()


def _fail() -> None:
    raise ConnectionRefusedError("nobody there")


def test_a_run_gives_up_with_what_a_person_can_do(slept: list[float]) -> None:
    """After a bounded number of attempts; the fault stays open, with the last error."""
    world, journal = World("a"), journal_of("a")
    world.before = lambda _: _fail()
    (intent,) = journal.read().open
    with pytest.raises(UndoError, match=r"nobody there; by hand: unscrew a; then run `chaoscore recover`"):
        insist(journal, intent, {"lamp": world}, "run")
    assert len(world.tried) == len(undo.PAUSES_S) + 1
    assert journal.read().open == (intent,)
    assert journal.read().failures[intent.id].error == "ConnectionRefusedError: nobody there"
    journal.close()


def test_healing_tries_again_after_the_others(slept: list[float]) -> None:
    """Three rounds: what fails has to wait, and its pauses grow; nobody waits where nothing has failed."""
    world = World("a", "b")
    world.before = lambda name: _fail() if name == "b" and world.tried.count("b") < 3 else None
    assert healed(world, "a", "b") == dict.fromkeys("ab", "switched off")
    assert world.tried == ["b", "a", "b", "b"]
    assert slept == [0, 0.25, 1.0]


@pytest.mark.parametrize("error", [OSError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_that_an_undo_raises_keeps_the_others_open(error: BaseException) -> None:
    """Not even what ends interpreters."""
    world = World("a", "b", "c")

    def before(name: str) -> None:
        if name == "b":
            raise error

    world.before = before
    assert healed(world, "a", "b", "c") == {"a": "switched off", "b": None, "c": "switched off"}
    (left,) = every_journal()
    assert [intent.target for intent in left.open] == ["b"]


def test_an_undo_that_hangs_keeps_no_other_open() -> None:
    """It is waited for in each round, and not started a second time while it hangs."""
    world, released = World("a", "b"), threading.Event()
    world.before = lambda name: released.wait() if name == "b" else None
    journal = journal_of("a", "b")
    found = {each.intent.target: each for each in heal(journal.read(), {"lamp": world}, "watchdog")}
    assert found["a"].how == "switched off"
    assert "did not return within" in (found["b"].error or "")
    assert world.tried.count("b") == 1
    released.set()
    journal.close()


def test_an_undo_is_not_believed() -> None:
    """One that says that it switched the lamp off, while it burns, has failed."""
    world, journal = World("a"), journal_of("a")
    world.undo = lambda args: "done"  # type: ignore[method-assign]
    (intent,) = journal.read().open
    with pytest.raises(UndoError, match="it said 'done', but the fault is still in effect"):
        take_back(journal, intent, {"lamp": world}, "run")
    journal.close()


def test_an_action_that_is_not_installed_any_more_is_told() -> None:
    """The fault stays open until the plugin is back."""
    journal = journal_of("a")
    (healing,) = heal(journal.read(), {}, "recover")
    assert "install the one that did" in (healing.error or "")
    assert [len(each.open) for each in every_journal()] == [1]
    journal.close()


def test_a_reboot_ends_what_does_not_survive_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal is over and not sent to whoever has that number now; a row is still there and is taken back."""
    world = World("signal", "row")
    journal = journal_of("signal")
    journal.intend("lamps", "lamp", {"name": "row"}, target="row", manual="m", survives_boot=True)
    monkeypatch.setattr(undo, "boot_id", lambda: "another boot")
    found = {each.intent.target: each.how for each in heal(journal.read(), {"lamp": world}, "recover")}
    assert found == {"signal": "the machine was started again since", "row": "switched off"}
    assert world.tried == ["row"]
    assert list(every_journal()) == []
    journal.close()


def test_a_journal_that_another_has_healed_meanwhile_is_no_error() -> None:
    """Two people may call `chaoscore recover` at the same time."""
    journal = journal_of("a")
    contents = journal.read()
    journal.path.unlink()
    assert heal(contents, {"lamp": World("a")}, "recover") == ()
    journal.close()


def test_a_fault_whose_end_cannot_be_recorded_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is off; that nobody can say so is an error, and `chaoscore recover` will find that it is off."""
    world, journal = World("a"), journal_of("a")
    (intent,) = journal.read().open

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        with pytest.raises(StateError, match="No space left"):
            take_back(journal, intent, {"lamp": world}, "run")
    assert world.on == set()
    assert journal.read().open == (intent,)
    (healing,) = heal(journal.read(), {"lamp": world}, "recover")
    assert healing.how == "it was off"
    journal.close()


def test_texts_of_plugins_do_not_fill_the_journal() -> None:
    """Its space is limited; what an undo says at length is cut."""
    world, journal = World("a"), journal_of("a")
    world.before = lambda _: _raise(OSError("x" * 100_000))
    (intent,) = journal.read().open
    before = len(journal.path.read_bytes().rstrip(b"\0"))
    with pytest.raises(UndoError):
        take_back(journal, intent, {"lamp": world}, "run")
    assert len(journal.path.read_bytes().rstrip(b"\0")) - before < 400
    journal.close()


def _raise(error: BaseException) -> None:
    raise error


@attrs.frozen
class Crash:
    """
    A run that was cut off: what its journal says, and which lamps were on by then at most.

    Attributes:
        data: The journal.
        on: The lamps.
    """

    data: bytes
    on: frozenset[str]


def crashes(data: bytes) -> list[Crash]:
    """Return the crash at every byte offset of a journal: a lamp may be on as soon as its intent is on disk."""
    found = []
    for size in range(len(data) + 1):
        whole = data[:size].rpartition(b"\n")[0].split(b"\n")
        intents = [each for each in map(record, filter(None, whole)) if isinstance(each, Intent)]
        undone = {each.id for each in map(record, filter(None, whole)) if not isinstance(each, (Intent, Header))}  # type: ignore[union-attr]
        on = frozenset(each.target for each in intents if each.id not in undone)
        found.append(Crash(data[:size], on))
    return found


@pytest.mark.parametrize("tail", [b"", b"\0" * 500], ids=["cut off", "zeros"])
def test_a_journal_cut_off_anywhere_heals(tail: bytes, own_state: Path) -> None:
    """At every byte offset, as a crash of the machine may leave it: every lamp is off then, and the journal gone."""
    world, journal = World(), journal_of("a", "b", "c")
    middle = journal.read().open[1]
    take_back(journal, middle, {"lamp": world}, "run")
    journal.intend("lamps", "lamp", {"name": "b"}, target="b", manual="m")
    data = journal.path.read_bytes().rstrip(b"\0")
    journal.path.unlink()
    journal.close()
    header = line(record(data.split(b"\n")[0]))
    for crash in crashes(data):
        journal.path.write_bytes(crash.data + tail)
        world.on = set(crash.on)
        for contents in every_journal():
            heal(contents, {"lamp": world}, "recover")
        assert world.on == set(), len(crash.data)
        assert not journal.path.exists(), len(crash.data)
    assert data.startswith(header)
