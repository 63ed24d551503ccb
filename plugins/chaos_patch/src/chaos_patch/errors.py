"""What can go wrong between this plugin and the code that it patches."""

from __future__ import annotations

from chaoscore import ChaosError


class PatchError(ChaosError):
    """Root of this plugin's errors."""


class TargetError(PatchError, ValueError):
    """
    Something cannot be patched.

    Attributes:
        target: As it was asked for.
        problem: Why not.
        remedy: What to do instead.
    """

    def __init__(self, target: str, problem: str, remedy: str) -> None:
        self.target, self.problem, self.remedy = target, problem, remedy
        super().__init__(f"cannot patch {target!r}: {problem}; {remedy}")


class ConflictError(PatchError, RuntimeError):
    """
    Somebody else has patched above this plugin; what they put there is left alone.

    Attributes:
        target: What is patched twice.
        found: What is there now.
    """

    def __init__(self, target: str, found: str) -> None:
        self.target, self.found = target, found
        super().__init__(
            f"{target} was patched by somebody else in the meantime, with {found}: that is left alone, and faults "
            "strike there no more; let them take their patch away first, or patch in the other order"
        )


class NotArmedError(PatchError, RuntimeError):
    """A patch is taken away that is not there (any more)."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(f"{target} is not armed, or was disarmed before; disarm each patch once")


class UnsupportedError(PatchError, RuntimeError):
    """This machine or this Python cannot do something."""

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        self.what, self.problem, self.remedy = what, problem, remedy
        super().__init__(f"{what}: {problem}; {remedy}")
