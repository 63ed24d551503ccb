"""What can go wrong between this plugin and the processes of the machine."""

from __future__ import annotations

from chaoscore import ChaosError


class ProcessError(ChaosError):
    """Root of this plugin's errors."""


class GoneError(ProcessError, LookupError):
    """A process ended, or its pid belongs to another one by now."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(f"process {pid} has ended, or another process has its pid now")


class DeniedError(ProcessError, PermissionError):
    """The operating system does not let this user do something to a process."""

    def __init__(self, pid: int, what: str) -> None:
        self.pid, self.what = pid, what
        super().__init__(f"process {pid}: not allowed to {what}; run as its owner")


class ForbiddenProcessError(ProcessError, ValueError):
    """Somebody asked for a fault in a process that this plugin never touches."""

    def __init__(self, pid: int, why: str, remedy: str = "choose another process") -> None:
        self.pid, self.why = pid, why
        super().__init__(f"process {pid} is not touched: it is {why}; {remedy}")


class UnknownProcessError(ProcessError, LookupError):
    """The target does not say which process is meant."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}; give the target a `pid`, or pass of= a function of it that returns one pid or several"
        )


class UnsupportedError(ProcessError, NotImplementedError):
    """This operating system cannot do it."""

    def __init__(self, what: str, needs: str) -> None:
        super().__init__(f"{what} needs {needs}")


class ChildError(ProcessError, RuntimeError):
    """A child process that should make a fault did not start."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(f"a child process did not start within its time; it said: {said.strip() or 'nothing'}")


class LeftBehindError(ProcessError, RuntimeError):
    """
    A fault could not be undone.

    Attributes:
        pid: The process that still has it.
        command: What undoes it by hand.
    """

    def __init__(self, pid: int, command: str) -> None:
        self.pid, self.command = pid, command
        super().__init__(f"process {pid} still has a fault of this run; undo it with `{command}`")
