"""Children that begin under a fault: full disks, short files, system calls that fail."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chaos_patch
from chaos_patch import children, disks, syscalls
from chaos_patch.children import Start
from chaos_patch.engine import Call
from chaos_patch.errors import UnsupportedError
from chaos_patch.points import PATCHES
from chaoscore import Report, Scenario, Verdict
from chaoscore.testing import answers

FILL = """
import errno, sys
written = 0
try:
    with open(sys.argv[1], "wb", buffering=0) as file:
        while written < 1 << 20:
            written += file.write(bytes(4096))
except OSError as error:
    print(errno.errorcode[error.errno], end=" ")
print(written)
"""
LINUX = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="cannot run here: needs Linux")
STRACE = pytest.mark.skipif(shutil.which("strace") is None, reason="cannot run here: no strace")


def small_disks() -> bool:
    try:
        return bool(disks.small_file_system())
    except UnsupportedError:
        return False


SMALL_DISK = pytest.mark.skipif(not small_disks(), reason="cannot run here: no user namespaces")


@pytest.fixture(autouse=True)
def nothing_patched() -> Iterator[None]:
    code = subprocess.Popen.__init__.__code__
    yield
    assert subprocess.Popen.__init__.__code__ is code
    assert PATCHES.armed == ()


def run(step: Callable[[Any], object], injector: Any, **options: Any) -> Report:
    scenario = Scenario("children").target(object()).step("step", step).inject("child", injector).repeat(1)
    return scenario.thresholds("relaxed").run(seed=1, **options)


def fill(*arguments: str | Path, **options: Any) -> str:
    command = [sys.executable, "-I", "-S", "-c", FILL, *map(str, arguments)]
    return str(subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout)


def one(report: Report) -> Any:
    assert report.iterations.ok == 1, report.errors or report.troubles
    return report.injections[0]


# -- what is started


@pytest.mark.parametrize(
    ("args", "kwargs", "program", "command", "line"),
    [
        ((["ls", "-l"],), {}, "ls", ["ls", "-l"], "ls -l"),
        (("ls",), {}, "ls", ["ls"], "ls"),
        (((Path("/bin/ls"), b"-l"),), {}, Path("/bin/ls"), [Path("/bin/ls"), b"-l"], "/bin/ls -l"),
        (("ls | wc",), {"shell": True}, "/bin/sh", ["/bin/sh", "-c", "ls | wc"], "/bin/sh -c ls | wc"),
        ((["name"],), {"executable": "/bin/ls"}, "/bin/ls", ["name"], "name"),
        ((), {"args": ["ls"]}, "ls", ["ls"], "ls"),
    ],
)
def test_a_start_is_read_and_replaced(args: Any, kwargs: Any, program: Any, command: Any, line: str) -> None:
    """However a child is started, its program and arguments are known, and can be others."""
    popen = object.__new__(subprocess.Popen)
    call = Call((popen, *args), {**kwargs, "cwd": "/"})
    start = Start(call)
    assert (start.program, start.command, start.line()) == (program, command, line)
    start.replace(["other"])
    again = Start(call)
    assert (again.program, again.command, again.popen) == ("other", ["other"], popen)
    assert call.kwargs.get("cwd") == "/" or "/" in call.args


@pytest.mark.parametrize(
    ("args", "options", "exists"),
    [
        (["sh"], {}, True),
        (["/bin/sh"], {}, True),
        (["./tool"], {"cwd": "TMP"}, True),
        (["./tool"], {"cwd": "/"}, False),
        (["tool"], {"env": {"PATH": "TMP"}}, True),
        (["no-such-program"], {}, False),
    ],
)
def test_a_program_is_looked_for_as_subprocess_does(tmp_path: Path, args: Any, options: Any, exists: bool) -> None:
    """A program is found on the child's own path, or relative to its directory."""
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    given = {
        name: str(tmp_path) if value == "TMP" else {"PATH": str(tmp_path)} if isinstance(value, dict) else value
        for name, value in options.items()
    }
    start = Start(Call((object.__new__(subprocess.Popen), args), given))
    assert start.exists() is exists


@LINUX
def test_a_program_that_is_not_there_is_the_callers_error() -> None:
    """A child that cannot be started raises what it raises without any fault."""

    def step(_: object) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-program"):
            subprocess.run(["no-such-program"], check=False)

    injection = one(run(step, chaos_patch.file_size("4KiB")))
    assert (injection.asked, injection.fired) == (1, 0)


@LINUX
def test_only_children_that_match_are_struck(tmp_path: Path) -> None:
    """A pattern chooses children by their command lines."""
    seen: list[str] = []

    def step(_: object) -> None:
        seen.extend(fill(tmp_path / name) for name in ("orders", "mails"))

    injection = one(run(step, chaos_patch.file_size("8KiB", match=r"orders$")))
    assert seen == ["EFBIG 8192\n", f"{1 << 20}\n"]
    assert (injection.asked, injection.fired) == (2, 1)


@LINUX
def test_children_outside_the_run_are_left_alone(tmp_path: Path) -> None:
    """A child that other code starts while the injector is open has no limit."""
    from contextvars import Context

    seen: list[str] = []
    run(lambda _: seen.append(Context().run(fill, tmp_path / "file")), chaos_patch.file_size("8KiB"))
    assert seen == [f"{1 << 20}\n"]


# -- the size of files


@LINUX
def test_files_grow_to_their_limit(tmp_path: Path) -> None:
    """A child's write past the limit fails, its pid, directory, environment and pipes are as asked for."""
    seen: list[Any] = []

    def step(_: object) -> None:
        seen.append(fill("file", cwd=tmp_path))
        program = "import os, signal; print(os.getpid(), os.environ['A'], signal.getsignal(signal.SIGPIPE).name)"
        child = subprocess.Popen(
            [sys.executable, "-c", f"import signal; {program}"], env={"A": "b"}, stdout=subprocess.PIPE, text=True
        )
        seen.append((child.communicate()[0].split(), str(child.pid)))

    injection = one(run(step, chaos_patch.file_size("64KiB")))
    assert seen[0] == "EFBIG 65536\n"
    assert seen[1][0][:2] == [seen[1][1], "b"]
    assert (tmp_path / "file").stat().st_size == 65536
    assert (injection.fired, injection.detail["patched"]) == (2, 1)


@LINUX
def test_a_child_of_asyncio_is_reached(tmp_path: Path) -> None:
    """asyncio's subprocesses begin under the fault as well."""
    seen: list[bytes] = []

    async def step(_: object) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", FILL, str(tmp_path / "file"), stdout=asyncio.subprocess.PIPE
        )
        seen.append((await child.communicate())[0])

    assert one(run(step, chaos_patch.file_size("4KiB"))).fired == 1
    assert seen == [b"EFBIG 4096\n"]


@LINUX
def test_a_shell_begins_under_the_fault(tmp_path: Path) -> None:
    """A command of a shell is struck with its shell."""
    results: list[int] = []

    def step(_: object) -> None:
        command = f"head -c 100000 /dev/zero > {tmp_path / 'file'}"
        results.append(subprocess.run(command, shell=True, check=False, stderr=subprocess.DEVNULL).returncode)

    run(step, chaos_patch.file_size("4KiB"))
    assert results[0] != 0
    assert (tmp_path / "file").stat().st_size == 4096


class Living:
    """A target with a child that a step starts, and that lives until it is told to end."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.said: list[str] = []

    def start(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.tell()

    def tell(self) -> None:
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        self.said.append(self.child.stdout.readline().strip())

    def teardown(self) -> None:
        self.tell()
        self.child.communicate()
        self.returncode = self.child.returncode


@LINUX
def test_a_child_that_lives_on_has_its_limit_back() -> None:
    """When the injector is lifted, a child that still runs may write as before."""
    target = Living(
        "import resource, sys\nfor _ in sys.stdin: print(resource.getrlimit(resource.RLIMIT_FSIZE)[0], flush=True)"
    )
    scenario = Scenario("living").target(target).step("start", Living.start)
    report = scenario.inject("small", chaos_patch.file_size("64KiB")).run(seed=1)
    assert report.verdict is Verdict.PASS, report
    assert target.said == ["65536", str(resource.getrlimit(resource.RLIMIT_FSIZE)[0])]


# -- small disks


@SMALL_DISK
def test_a_folder_of_a_child_is_full(tmp_path: Path) -> None:
    """A child finds a small empty disk in the place of a folder; others see the folder without what it wrote."""
    (tmp_path / "kept").write_text("kept")
    seen: list[Any] = []

    def step(_: object) -> None:
        seen.append(fill(tmp_path / "file"))
        program = "import os, sys; print(os.listdir(sys.argv[1]), os.getuid())"
        listing = [sys.executable, "-I", "-S", "-c", program, str(tmp_path)]
        seen.append(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.strip())

    injection = one(run(step, chaos_patch.disk_full(tmp_path, "128KiB")))
    assert seen == ["ENOSPC 131072\n", f"[] {os.getuid()}"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert injection.fired == 2


@LINUX
def test_without_namespaces_the_injector_does_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses, the run ends before the workload, and says what to use instead."""
    launcher = tmp_path / "launcher.py"
    source = children.LAUNCHER.read_text()
    launcher.write_text(source.replace("libc.unshare(CLONE_NEWUSER | CLONE_NEWNS)", "libc.unshare(-1)"))
    monkeypatch.setattr(disks, "LAUNCHER", launcher)
    report = run(lambda _: None, chaos_patch.disk_full(tmp_path))
    assert report.verdict is Verdict.UNKNOWN
    message = report.troubles[0].error.message
    assert "user namespaces are not available here" in message
    assert "patch.syscall('write', error='ENOSPC')" in message


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    """A folder that does not exist is an error when the injector is opened, with its path."""
    report = run(lambda _: None, chaos_patch.disk_full(tmp_path / "nowhere"))
    assert "nowhere is no folder; make it, or name another" in report.troubles[0].error.message


# -- system calls


WRITE = "import os, sys\nfor _ in range(200):\n    try: os.write(1, b'.')\n    except OSError as e: sys.exit(e.errno)"


@STRACE
def test_system_calls_fail_exactly_as_asked() -> None:
    """Just the calls that were asked for fail in a child, whose pid and exit code are its own; strace counts them."""
    program = "import os\nfor _ in range(50):\n    try: os.write(1, b'.')\n    except OSError as e: os.write(2, b'!')"
    seen: list[Any] = []

    def step(_: object) -> None:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", f"{program}\nprint(os.getpid())"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, err = child.communicate()
        seen.append((out.count("."), err.count("!"), out.strip(".\n") == str(child.pid), child.returncode))

    injection = one(run(step, chaos_patch.syscall("write", "ENOSPC", when="10+20")))
    assert seen == [(47, 3, True, 0)]  # the 10th, the 30th and the 50th
    assert (injection.fired, injection.detail["children"]) == (3, 1)


@STRACE
def test_a_system_call_waits() -> None:
    """A delay is counted as well, though no call fails."""

    def step(_: object) -> None:
        subprocess.run([sys.executable, "-I", "-S", "-c", WRITE], stdout=subprocess.DEVNULL, check=True)

    assert one(run(step, chaos_patch.syscall("write", delay="1ms", when="2..4"))).fired == 3


@STRACE
def test_what_no_call_meets_has_no_evidence() -> None:
    """A child under strace that never makes such a call is no fault that landed."""
    report = run(
        lambda _: subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True),
        chaos_patch.syscall("sendfile", "EIO"),
    )
    assert (one(report).fired, report.verdict) == (0, Verdict.UNKNOWN)


@STRACE
def test_a_child_that_lives_on_is_let_go() -> None:
    """When the injector is lifted, strace lets go of a child, which goes on without fault."""
    program = (
        "import os, sys\nfor _ in sys.stdin:\n"
        "    try:\n        os.sched_yield()\n        print('well', flush=True)\n"
        "    except OSError as error: print(error.strerror, flush=True)"
    )
    target = Living(program)
    scenario = Scenario("living").target(target).step("start", Living.start)
    report = scenario.inject("broken", chaos_patch.syscall("sched_yield", "EIO")).run(seed=1)
    assert report.verdict is Verdict.PASS, report
    assert (target.said, target.returncode) == (["Input/output error", "well"], 0)


@STRACE
def test_a_child_of_a_child_that_lives_on_is_let_go() -> None:
    """So is a process whose parent, the child that a step started, has ended before."""
    program = (
        "import os, sys\nif os.fork(): os._exit(0)\nfor _ in sys.stdin:\n"
        "    try:\n        os.sched_yield()\n        print('well', flush=True)\n"
        "    except OSError as error: print(error.strerror, flush=True)"
    )
    target = Living(program)
    scenario = Scenario("living").target(target).step("start", Living.start)
    report = scenario.inject("broken", chaos_patch.syscall("sched_yield", "EIO")).run(seed=1)
    assert report.verdict is Verdict.PASS, report
    assert (target.said, target.returncode) == (["Input/output error", "well"], 0)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        pytest.param(lambda: chaos_patch.file_size("64KiB"), "Max file size", marks=LINUX),
        pytest.param(lambda: chaos_patch.syscall("sched_yield", "EIO"), "TracerPid:", marks=STRACE),
    ],
)
def test_a_child_that_is_just_beginning_is_waited_for(make: Callable[[], Any], field: str) -> None:
    """A child that another thread is starting while the injector is lifted ends up without the fault, like any other;
    one that is started afterwards never has it."""
    opened = make().children((), ())
    read, write = os.pipe()
    child, late = object.__new__(subprocess.Popen), object.__new__(subprocess.Popen)
    beginning, too_late = begin(opened, child, preexec_fn=lambda: os.read(read, 1)), begin(opened, late)
    lifting = threading.Thread(target=opened.end)
    beginning.start()
    until(lambda: getattr(child, "pid", None) is not None)
    lifting.start()
    until(lambda: opened._ended)
    os.write(write, b".")
    beginning.join()
    lifting.join()
    too_late.start()
    too_late.join()
    os.close(read)
    os.close(write)
    own = seen_in(os.getpid(), field)
    ends: list[object] = []
    for each in (child, late):
        ends.append(seen_in(each.pid, field))
        each.communicate()
        ends.append(each.returncode)
    assert ends == [own, 0, own, 0]


def begin(opened: children.Children, popen: Any, **options: Any) -> threading.Thread:
    """What starts a child that is struck as if it were a step's, when it is started."""
    program = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    call = Call((popen, program), {"stdin": subprocess.PIPE, **options})
    fault: Any = answers(opened, kind="call", point=opened.at, tags=call.tags)[0]

    def start() -> None:
        fault.apply(None)
        subprocess.Popen.__init__(*call.args, **call.kwargs)

    return threading.Thread(target=start)


def seen_in(pid: int, field: str) -> list[str]:
    """What the kernel says of a process: its limit, or its tracer."""
    file = "status" if field.endswith(":") else "limits"
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(line.split() for line in lines if line.startswith(field))


def until(true: Callable[[], bool]) -> None:
    assert children.wait_until(true, 20)


def test_without_strace_the_injector_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where strace is not installed, the run ends before the workload, and says so."""
    monkeypatch.setenv("PATH", "")
    report = run(lambda _: None, chaos_patch.syscall("write", "EIO"))
    assert report.verdict is Verdict.UNKNOWN
    assert "strace is not installed; install it, or patch Python functions" in report.troubles[0].error.message


def test_a_strace_that_does_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A strace that injects nothing, or cannot trace, is found out before any child relies on it."""
    fake = tmp_path / "strace"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    with pytest.raises(UnsupportedError, match="a child whose second write should fail said 'onetwo'"):
        syscalls.failing_calls()
    fake.write_text("#!/bin/sh\necho not permitted >&2; exit 1\n")
    with pytest.raises(UnsupportedError, match=r"not permitted; let this user trace its own children"):
        syscalls.failing_calls()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(children, "PROBE_S", 0.05)
    with pytest.raises(UnsupportedError, match="timed out"):
        syscalls.failing_calls()


# -- values

WRONG: Any = 5


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: chaos_patch.file_size("4 parsecs"), "4 parsecs"),
        (lambda: chaos_patch.file_size("4KiB", match="("), r"'\(' is not a regular expression"),
        (lambda: chaos_patch.file_size("4KiB", match=WRONG), "a regular expression is text, not 5"),
        (lambda: chaos_patch.file_size("4KiB", probability=-1), "between 0 and 1"),
        (lambda: chaos_patch.disk_full(""), "folder is the place that a child writes to, not ''"),
        (lambda: chaos_patch.disk_full("/"), "folder is the place that a child writes to, not '/'"),
        (lambda: chaos_patch.disk_full(WRONG), "a folder is a path, not 5"),
        (lambda: chaos_patch.disk_full("/tmp", 0), "size is 1 byte or more, not 0"),
        (lambda: chaos_patch.syscall("write"), "patch.syscall does nothing; give it error= or delay="),
        (lambda: chaos_patch.syscall("write; rm", "EIO"), "calls names system calls, such as 'write'"),
        (lambda: chaos_patch.syscall("write", "ENOSUCH"), "error is a name such as 'ENOSPC' or 'EIO', not 'ENOSUCH'"),
        (
            lambda: chaos_patch.syscall("write", "EIO", when="soon"),
            r"when says which calls fail.*not 'soon'",
        ),
        (lambda: chaos_patch.syscall("write", delay="long"), "long"),
    ],
)
def test_a_wrong_value_cannot_be_built(make: Callable[[], object], problem: str) -> None:
    """A value out of range is refused with what is expected."""
    with pytest.raises((ValueError, TypeError), match=problem):
        make()


def test_the_launcher_says_what_failed(tmp_path: Path) -> None:
    """A launcher that cannot do what it is told ends with a number of its own and the reason."""
    launch = [sys.executable, "-I", "-S", str(children.LAUNCHER), "{}", str(tmp_path / "nothing"), "nothing"]
    done = subprocess.run(launch, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("chaos_patch: ")) == (125, True)
    assert signal.SIGPIPE
