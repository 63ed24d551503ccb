"""Children that fork while functions are patched."""

import os
import threading
from collections.abc import Callable
from typing import Any

import chaos_patch
from chaos_patch.engine import CodeSeat, Patches
from chaoscore import InjectedError, Scenario


def function(number: int) -> int:
    return number + 1


SEAT = CodeSeat(function)  # type: ignore[arg-type]  # a function


def in_fork(work: Callable[[], str]) -> str:
    """What *work* returns in a fork of this process."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, work().encode())
        except BaseException as error:  # noqa: BLE001 - told to the parent
            os.write(write, repr(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    said = b""
    while more := os.read(read, 4096):
        said += more
    os.close(read)
    os.waitpid(pid, 0)
    return said.decode()


def test_a_fork_inherits_and_may_disarm(patches: Patches, hook: Any) -> None:
    """A child has the patch of its parent, can take it away for itself, and the parent's stays."""
    code = function.__code__
    armed = patches.arm(SEAT, hook)

    def child() -> str:
        function(1)
        seen = len(hook.seen)
        armed.disarm()
        return f"{seen} {function.__code__ is code}"

    assert in_fork(child) == "3 True"
    assert (function(1), len(hook.seen)) == (2, 3)
    armed.disarm()
    assert function.__code__ is code


def test_a_fork_in_the_middle_of_arming_waits(patches: Patches, hook: Any) -> None:
    """A fork that another thread makes while a patch is being put in place finds it whole, and its lock free."""
    entered, go_on = threading.Event(), threading.Event()
    told: list[str] = []

    class Slow(CodeSeat):
        def install(self, gate: Any) -> Any:
            entered.set()
            go_on.wait(10)
            return super().install(gate)

    def child() -> str:
        function(1)
        patches.arm(SEAT, hook).disarm()
        return f"{len(hook.seen)}"

    arming = threading.Thread(target=lambda: told.append(patches.arm(Slow(function), hook).name))  # type: ignore[arg-type]
    forking = threading.Thread(target=lambda: told.append(in_fork(child)))
    arming.start()
    entered.wait(10)
    forking.start()
    go_on.set()
    arming.join()
    forking.join()
    assert sorted(told) == ["3", f"{__name__}:function"]
    patches.prepare([SEAT])
    for armed in list(patches._entries[SEAT.key].arms):
        armed.disarm()
    assert patches.armed == ()


def test_a_fork_of_a_step_draws_for_itself() -> None:
    """A fork is struck by numbers of its own, not by those that its parent goes on to draw, the same in each run."""

    def outcome(_: object) -> str:
        def work() -> str:
            said = ""
            for number in range(30):
                try:
                    function(number)
                    said += "."
                except InjectedError:
                    said += "x"
            return said

        seen.append((in_fork(work), work()))
        return ""

    seen: list[tuple[str, str]] = []
    scenario = Scenario("fork").target(object()).step("step", outcome)
    scenario = scenario.inject("it", chaos_patch.error(function, probability=0.5))
    scenario.run(seed=1)
    scenario.run(seed=1)
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]
    assert set(seen[0][0]) == {".", "x"}
