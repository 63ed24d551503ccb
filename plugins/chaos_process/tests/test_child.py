"""What a child process of this plugin runs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos_process import child as script
from chaos_process import system

SCRIPT = Path(script.__file__)


class Started:
    """A child, and the pipes by which it is told."""

    def __init__(self, *arguments: str, owner: int | None = None, before: str = "") -> None:
        program = f"{before}\nimport runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
        self.read, self.go = os.pipe()
        own = str(os.getpid() if owner is None else owner)
        self.popen = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, str(self.read), "chaoscore:test", own, *arguments],
            pass_fds=(self.read,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.wait()
        self.leave()
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        os.close(self.go)
        os.close(self.read)

    def said(self, count: int) -> bytes:
        assert self.popen.stdout is not None
        return b"".join(self.popen.stdout.read(1) for _ in range(count))

    def leave(self) -> None:
        """Close the pipe that stands for the life of its owner."""
        assert self.popen.stdin is not None
        self.popen.stdin.close()


def test_it_ends_without_the_word() -> None:
    """A child that is ready does nothing before its word, and ends at the end of its owner."""
    with Started("cpu", "1.0") as child:
        assert child.said(1) == b"r"
        child.leave()
        assert child.popen.wait(20) == 0


@pytest.mark.parametrize(("what", "amount"), [("cpu", "1.0"), ("memory", "1048576")])
def test_it_ends_with_its_input(what: str, amount: str) -> None:
    """A child at work ends when the owner's end of the pipe is closed, whatever else happens."""
    with Started(what, amount) as child:
        os.write(child.go, b"g")
        child.leave()
        assert child.popen.wait(20) == 0


def test_it_takes_no_word_but_its_own() -> None:
    """A child reads one byte, so that each of several that share a pipe gets its word."""
    with Started("memory", "1048576") as child:
        os.write(child.go, b"gg")
        assert child.said(2) == b"rh"
        assert os.read(child.read, 2) == b"g"


def test_it_ends_where_its_owner_is_gone_already() -> None:
    """A child whose parent is not its owner any more ends before it does anything."""
    with Started("cpu", "1.0", owner=os.getpid() + 1) as child:
        assert child.popen.wait(20) == 0
        assert child.said(1) == b""


def test_it_imports_only_the_standard_library() -> None:
    """The script needs nothing that is installed, and nothing that is slow to import before it is ready."""
    top = [node for node in ast.parse(SCRIPT.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {each.name if isinstance(node, ast.Import) else str(node.module) for node in top for each in node.names}
    assert names == {"__future__", "_thread", "contextlib", "os", "sys", "time"}


def test_blocks_make_up_the_amount() -> None:
    """The blocks of memory add up to what is asked for."""
    assert script.blocks(0) == []
    assert script.blocks(script.BLOCK_BYTES) == [script.BLOCK_BYTES]
    assert sum(script.blocks(3 * script.BLOCK_BYTES + 5)) == 3 * script.BLOCK_BYTES + 5


@pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux has an OOM killer to ask")
def test_it_volunteers_to_be_killed_for_want_of_memory() -> None:
    """The kernel kills the child that holds memory before anything else."""
    with Started("memory", "1048576") as child:
        os.write(child.go, b"g")
        assert child.said(2) == b"rh"
        assert Path(f"/proc/{child.popen.pid}/oom_score_adj").read_text().strip() == "1000"


def test_memory_that_cannot_be_had_is_not_held() -> None:
    """A child that gets less memory than it is told to hold keeps what it has, and says that it is done."""
    before = "import resource; resource.setrlimit(resource.RLIMIT_AS, (512 << 20,) * 2)"
    with Started("memory", str(4 << 30), before=before) as child:
        os.write(child.go, b"g")
        assert child.said(2) == b"rh"
        process = system.look_up(child.popen.pid)
        assert process is not None
        assert system.rss_bytes(process) > 64 << 20
