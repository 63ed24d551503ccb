"""Limiting what processes may use of the kernel: open files, the size of a file, address space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.choice import Choice, Chosen
from chaos_process.errors import GoneError
from chaos_process.parameters import optional_files, optional_room
from chaos_process.process import Args, Process
from chaos_process.proofs import Proofs
from chaoscore import Evidence, Site, Undo, optional_bytes, size_bytes

NO_LIMIT = -1


@attrs.frozen(kw_only=True)
class Limit(Chosen):
    """
    Lower what processes may use, by their soft limits (`prlimit`, Linux); lifting it brings the old ones back.

    The hard limits stay, so that no privilege is needed to undo it. A limit that is lower already stays, too.

    Attributes:
        open_files: File descriptors; ``"+4"``: 4 more than are open; None: as it is. Beyond: EMFILE.
        file_size_bytes: Bytes that a file may grow to; None: as it is. Beyond: a short write, then SIGXFSZ or EFBIG.
        address_space: Bytes that may be mapped; ``"+64MiB"``: so much more than are; None: as it is. Beyond: ENOMEM.
    """

    open_files: int | str | None = attrs.field(default=None, converter=optional_files)
    file_size_bytes: int | None = attrs.field(default=None, converter=optional_bytes, alias="file_size")
    address_space: int | str | None = attrs.field(default=None, converter=optional_room)

    kind: ClassVar[str] = "process.limit"
    undo: ClassVar[Undo] = Undo.JOURNAL

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not self.asked():
            raise ValueError("process.limit needs at least one of open_files=, file_size=, address_space=")

    def asked(self) -> dict[str, int | str]:
        """Return the limits that are asked for, by name."""
        values = {"open_files": self.open_files, "file_size": self.file_size_bytes, "address_space": self.address_space}
        return {name: value for name, value in values.items() if value is not None}

    @contextmanager
    def open(self, site: Site) -> Iterator[Limited]:
        """Lower the limits of the chosen processes, and restore them on exit."""
        choice = self.choose(site)
        limited = Limited(site, choice)
        with ExitStack() as lifting:
            for process in choice.processes:
                with suppress(GoneError):  # it ended just now: nothing to limit, nothing to prove
                    for args in lowerings(process, self.asked()):
                        lifting.enter_context(
                            site.undoing(
                                self.kind, args, target=f"{args['resource']} of {process.name}", manual=by_hand(args)
                            )
                        )
                        system.set_limit(process, args["resource"], args["lowered_to"], args["hard"])
                        limited.expect(process, args)
            limited.look()
            yield limited


class Limited:
    """Open limits."""

    def __init__(self, site: Site, choice: Choice) -> None:
        self._choice, self._proofs = choice, Proofs(site, Limit.kind)
        self._lowered: dict[Process, list[Args]] = {}
        if choice.why_none:
            site.log.warning("%s: %s", Limit.kind, choice.why_none)

    def expect(self, process: Process, args: Args) -> None:
        """Look at this limit of *process* from now on."""
        self._lowered.setdefault(process, []).append(args)

    def look(self) -> None:
        """Look whether the limits are in force."""
        for process, lowered in self._lowered.items():
            with suppress(GoneError):
                if all(system.soft_and_hard(process, args["resource"])[0] == args["lowered_to"] for args in lowered):
                    self._proofs.add(process, ", ".join(map(_shown, lowered)))

    def evidence(self) -> Evidence:
        """Return in how many processes the limits were in force."""
        self.look()
        lowered = {str(process.pid): ", ".join(map(_shown, each)) for process, each in self._lowered.items()}
        return Evidence(fired=self._proofs.count, detail={**self._choice.detail(), "lowered": lowered})


def lowerings(process: Process, asked: Mapping[str, int | str]) -> list[Args]:
    """
    Return what undoes each limit of *asked* that would really be lower than it is now.

    Args:
        process: Whose limits.
        asked: Maps the name of a limit to its value, or to ``"+VALUE"``: so much more than is used now.

    Raises:
        GoneError: The process has ended.
        UnsupportedError: This system cannot limit another process.
    """
    found: list[Args] = []
    for resource, value in asked.items():
        soft, hard = system.soft_and_hard(process, resource)
        goal = value if isinstance(value, int) else _USED[resource](process) + _parsed(resource, value)
        if soft == NO_LIMIT or goal < soft:
            limits = {"resource": resource, "soft": soft, "hard": hard, "lowered_to": goal}
            found.append(process.as_args() | limits)
    return found


def undo_limit(args: Args) -> str:
    """
    Give a process its old soft limit back, unless it has ended, its pid is another's, or somebody has set it since.

    Args:
        args: ``pid``, ``create_time`` and ``start_ticks`` of the process; ``resource``, ``soft`` and ``hard``: its name
            and what it was; ``lowered_to``: what this plugin made of it.

    Returns:
        A sentence that says what was found.

    Raises:
        DeniedError: The process belongs to somebody else.
    """
    process, resource, old = Process.from_args(args), str(args["resource"]), int(args["soft"])
    try:
        soft, hard = system.soft_and_hard(process, resource)
        if soft != args.get("lowered_to", soft):
            return f"{process} has another {resource} by now, {_limit(soft)}: left alone"
        wanted = _at_most(old, hard)  # the process may have lowered its own hard limit
        system.set_limit(process, resource, wanted, hard)
        return f"{process} has its {resource} of {_limit(wanted)} back"
    except GoneError:
        return f"{process} has ended"


class Restore:
    """The undo action of `Limit`."""

    undo = staticmethod(undo_limit)

    def in_effect(self, args: Args) -> bool:
        """Tell whether the limit is as low as this plugin made it, or lower than it was, and could be higher."""
        process, resource = Process.from_args(args), str(args["resource"])
        try:
            soft, hard = system.soft_and_hard(process, resource)
        except GoneError:
            return False
        return soft == args.get("lowered_to", soft) and soft != _at_most(int(args["soft"]), hard)


def by_hand(args: Args) -> str:
    """Return the command that restores a limit."""
    limits = f"{_limit(int(args['soft']))}:{_limit(int(args['hard']))}"
    return f"prlimit --pid {args['pid']} --{_OPTIONS[str(args['resource'])]}={limits}"


def _at_most(soft: int, hard: int) -> int:
    if hard == NO_LIMIT:
        return soft
    return hard if soft == NO_LIMIT else min(soft, hard)


def _parsed(resource: str, value: str) -> int:
    return int(value) if resource == "open_files" else size_bytes(value[1:])


def _limit(value: int) -> str:
    return "unlimited" if value == NO_LIMIT else str(value)


def _shown(args: Args) -> str:
    return f"{args['resource']} {_limit(args['soft'])} -> {_limit(args['lowered_to'])}"


_USED: dict[str, Callable[[Process], int]] = {"open_files": system.open_files, "address_space": system.mapped_bytes}
_OPTIONS = {"open_files": "nofile", "file_size": "fsize", "address_space": "as"}
"""What prlimit(1) calls them."""
