"""What `chaoscore doctor` looks at for this plugin: each line is proved by doing it."""

from __future__ import annotations

import resource
import shutil
import socket
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import CodeType

from chaos_patch.clocks import skewed_for_a_moment
from chaos_patch.disks import limited_files, small_file_system
from chaos_patch.engine import AttributeSeat, Call, CodeSeat, Patches
from chaos_patch.exhaustion import running_out
from chaos_patch.lines import LineSeat, monitoring
from chaos_patch.syscalls import failing_calls


class _Raising:
    """A hook that lets every call fail."""

    def before(self, ticket: object, call: Call) -> None:
        raise InterruptedError

    async def abefore(self, ticket: object, call: Call) -> None: ...
    def value(self, ticket: object, call: Call) -> None: ...
    def after(self, ticket: object, call: Call) -> None: ...
    async def aafter(self, ticket: object, call: Call) -> None: ...


def _always() -> bool:
    return True


def _fails(call: Callable[[], object]) -> bool:
    try:
        call()
    except InterruptedError:
        return True
    return False


def code_swap() -> str:
    """Patch a function that an alias stands for, and put it back."""

    def function() -> int:
        return 1

    alias, code = function, function.__code__
    armed = Patches(_always).arm(CodeSeat(function), _Raising())  # type: ignore[arg-type]  # a function
    failed = _fails(alias)
    armed.disarm()
    if not failed or function.__code__ is not code or alias() != 1:
        raise AssertionError("a patched function did not fail, or was not put back")
    return "a function was reached under another name, and has its own code again"


def names() -> str:
    """Patch a function in C and its aliases, and put them back."""
    before = socket.gethostbyname
    armed = Patches(_always).arm(AttributeSeat(socket, "gethostbyname"), _Raising())
    failed = _fails(lambda: socket.gethostbyname("localhost"))
    armed.disarm()
    if not failed or socket.gethostbyname is not before:
        raise AssertionError("a function in C did not fail, or was not put back")
    return f"a function in C was reached under {len(armed.places)} names, and is back"


def resolving() -> str:
    """Let a name not be resolved."""
    armed = Patches(_always).arm(CodeSeat(socket.getaddrinfo), _Raising())  # type: ignore[arg-type]  # a function
    failed = _fails(lambda: socket.create_connection(("localhost", 1), timeout=1))
    armed.disarm()
    if not failed:
        raise AssertionError("create_connection resolved a name in another way than by socket.getaddrinfo")
    return "a connection failed because its name could not be resolved"


def _line() -> int:
    return 1


def lines() -> str:
    """Let a line of a file fail."""
    code: CodeType = _line.__code__
    armed = Patches(_always).arm(LineSeat(code.co_filename, code.co_firstlineno + 1), _Raising())
    failed = _fails(_line)
    armed.disarm()
    if not failed or _line() != 1:
        raise AssertionError("a line did not fail, or went on failing")
    return "a line of a file was struck, and is as before"


def checkups() -> Mapping[str, Callable[[], str]]:
    """Return what this machine has the means for."""
    found = {
        "patch functions": code_swap,
        "patch functions in C": names,
        "patch.dns": resolving,
        "patch.descriptors": running_out,
    }
    if monitoring is not None:
        found["patch lines"] = lines
    if hasattr(resource, "prlimit"):  # Linux
        found |= {"patch.file_size": limited_files, "patch.disk_full": small_file_system}
    if find_spec("time_machine") is not None:
        found["patch.clock"] = skewed_for_a_moment
    if shutil.which("strace") is not None:
        found["patch.syscall"] = failing_calls
    return found
