"""
What a child of this plugin runs before its program: a script with nothing but the standard library.

Its arguments: what to do, as JSON; the program; and the program's own arguments, from its name on. It keeps its pid,
its directory and its environment, and becomes the program.
"""

import json
import os
import signal
import sys
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_NOSUID, MS_NODEV = 2, 4
FAILED = 125


def main(what: str, program: str, *argv: str) -> None:
    """Do what is asked, and become the program."""
    for name, values in json.loads(what).items():
        ACTIONS[name](*values)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a program would inherit that
    os.execvp(program, argv)  # noqa: S606 - the command is that of the system under test


def limit_files(size_bytes: int) -> None:
    """Limit what a file may grow to; past that a write fails, and does not kill."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def mount(folder: str, size_bytes: int) -> None:
    """Put an empty file system of that size over *folder*, for this process and its children."""
    import ctypes

    def checked(result: Any, problem: str) -> None:
        if result != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"{problem}: {os.strerror(code)}")

    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    mode = os.stat(folder).st_mode & 0o7777  # noqa: PTH116 - pathlib takes 10 ms
    checked(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "user namespaces are not available here")
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as opened:  # noqa: PTH123 - as above
            opened.write(text)
    done = libc.mount(
        b"tmpfs", os.fsencode(folder), b"tmpfs", MS_NOSUID | MS_NODEV, f"size={size_bytes},mode={mode:o}".encode()
    )
    checked(done, f"no file system can be mounted on {folder}")


ACTIONS: dict[str, Any] = {"file_size": limit_files, "small_disk": mount}

if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"chaos_patch: {error}\n")
        os._exit(FAILED)
