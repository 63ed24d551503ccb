"""
What a child process of this plugin runs: a script with nothing but the standard library, so that it starts in 20 ms.

Its arguments: the descriptor of a pipe, a tag that says in `ps` whose it is, the pid of its owner, what to do, and how
much. It writes ``r`` when it is ready, reads one byte from that pipe, and then makes its fault until its owner is gone,
however that happens:

- the kernel kills it when the thread that started it ends (Linux): works even if this process is stopped or starved;
- standard input comes to its end when the owner's end of the pipe is closed: works everywhere, and at once;
- its parent is another process: works everywhere, within a second, even if a fork of the owner holds the pipe open.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import time

PERIOD_S = 0.05
TOUCH_S = 1.0
BLOCK_BYTES = 1 << 20
PAGE_BYTES = 4096
PATTERN = bytes(range(256))  # pages of one value could be shared or packed


def main(go: str, tag: str, owner: str, what: str, amount: str) -> None:
    """Run as the process that the arguments describe."""
    die_with(int(owner))
    _thread.start_new_thread(end_with_input, ())
    os.write(1, b"r")
    if os.read(int(go), 1):
        {"cpu": burn, "memory": hold}[what](float(amount), int(owner))


def die_with(owner: int) -> None:
    """Ask the kernel to kill this process when its parent ends, and end now if that has happened already."""
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    if os.getppid() != owner:
        os._exit(0)


def end_with_input() -> None:
    """End this process when the owner's end of the pipe is closed; nothing is ever written to it."""
    while os.read(0, 1):
        pass
    os._exit(0)


def burn(load: float, owner: int) -> None:
    """Burn this share of one core: of CPU time, not of the clock's, so that a busy machine does not make it less."""
    while os.getppid() == owner:
        began, burnt = time.monotonic(), time.process_time()
        while time.process_time() - burnt < load * PERIOD_S:
            pass
        time.sleep(max(0.0, began + PERIOD_S - time.monotonic()))


def hold(amount: float, owner: int) -> None:
    """Hold so many bytes, and touch them again and again, so that they are not swapped out for long."""
    volunteer()
    held: list[bytearray] = []
    with contextlib.suppress(MemoryError):  # what could be had is held; the owner measures how much that is
        held.extend(bytearray(PATTERN * (size // 256)) for size in blocks(int(amount)) if os.getppid() == owner)
    os.write(1, b"h")
    while os.getppid() == owner:
        time.sleep(TOUCH_S)
        for each in held:
            each[::PAGE_BYTES] = bytes(-(-len(each) // PAGE_BYTES))


def blocks(amount: int) -> list[int]:
    """Return the sizes of the blocks that make up *amount* bytes."""
    whole, rest = divmod(amount, BLOCK_BYTES)
    return [BLOCK_BYTES] * whole + [rest] * (rest > 0)


def volunteer() -> None:
    """Let the kernel, if it must kill something for want of memory, kill this process first."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib takes 10 ms
        file.write("1000")


if __name__ == "__main__":
    main(*sys.argv[1:])
