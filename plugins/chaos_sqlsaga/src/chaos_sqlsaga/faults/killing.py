"""
Worker processes that die between handler and commit.

A signal from outside comes at any moment. To strike at this one, the worker has to do it itself: its definitions are
`mortal`, and when the injector has put an order into their folder, the next handler that returns takes the order, says
so, and kills its process before anything of it is stored.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs

from chaos_sqlsaga.engine.definition import Call, Condition, Definition, Fork, Handler, Node, Step, SubSaga
from chaos_sqlsaga.errors import NoMortalsError
from chaos_sqlsaga.parameters import is_count, is_glob, is_text, positive_seconds
from chaoscore import Evidence, Site, Undo, probability

ORDER: Final = "order"
TAKEN: Final = "taken"


Folder = str | Callable[[Any], str | Path]


def mortal(definitions: Iterable[Definition], folder: str | Path) -> tuple[Definition, ...]:
    """
    Return *definitions* whose handlers kill their process when they are ordered to; for worker processes only.

    Args:
        definitions: What the workers run.
        folder: Where orders are put; an empty folder of one's own, the same as of the injector.
    """
    where = Path(folder)
    return tuple(attrs.evolve(each, nodes=_nodes(each.nodes, where)) for each in definitions)


def _nodes(nodes: tuple[Node, ...], folder: Path) -> tuple[Node, ...]:
    return tuple(_node(each, folder) for each in nodes)


def _node(node: Node, folder: Path) -> Node:
    match node:
        case Step():
            return attrs.evolve(node, handler=_mortal(node.handler, folder))
        case SubSaga():
            return attrs.evolve(node, definition=mortal([node.definition], folder)[0])
        case Fork():
            branches = tuple(attrs.evolve(each, nodes=_nodes(each.nodes, folder)) for each in node.branches)
            return attrs.evolve(node, branches=branches)
        case Condition():
            return attrs.evolve(node, then=_nodes(node.then, folder), otherwise=_nodes(node.otherwise, folder))
        case _:
            return node


def _mortal(handler: Handler, folder: Path) -> Handler:
    if inspect.iscoroutinefunction(handler):

        async def amortal(call: Call) -> Any:
            result = await handler(call)
            _die_if_told(folder, call)
            return result

        return amortal

    def mortally(call: Call) -> Any:
        result = handler(call)
        _die_if_told(folder, call)
        return result

    return mortally


def _die_if_told(folder: Path, call: Call) -> None:
    """Take an order, if there is one for this step, and die of it."""
    order = folder / ORDER
    try:
        wanted = json.loads(order.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none, or it is just being written
        return
    if not fnmatchcase(call.step, wanted["step"]) or os.getpid() == wanted["never"]:
        return
    mine = folder / f"{ORDER}-{os.getpid()}-{threading.get_ident()}"
    try:
        order.rename(mine)  # only one can
    except OSError:
        return
    said = {"pid": os.getpid(), "saga": call.saga, "step": call.step, "attempt": call.attempt}
    mine.write_text(json.dumps(said), encoding="utf-8")
    mine.rename(folder / f"{TAKEN}-{wanted['number']}")
    os.kill(os.getpid(), signal.SIGKILL)


def _is_folder(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not callable(value):
        is_text(_, attribute, value)


@attrs.frozen
class KillWorker:
    """
    Kill worker processes between handler and commit: the work is done, and nobody knows.

    Whoever supervises the workers starts new ones, as `Processes` does.

    Attributes:
        folder: The folder of the `mortal` definitions that the workers run; or a function of the target that tells it.
        every_s: Seconds between two orders; one that nobody has taken is not repeated.
        step: Glob that the step's name must match.
        probability: Chance that a round brings an order, 0 to 1.
        most: Orders in all; None: any number. An engine gives a step up that kills every worker.
    """

    kind: ClassVar[str] = "saga.kill_worker"
    undo: ClassVar[Undo] = Undo.KERNEL

    folder: Folder = attrs.field(validator=_is_folder)
    every_s: float = attrs.field(default=1.0, converter=positive_seconds, alias="every", kw_only=True)
    step: str = attrs.field(default="*", validator=is_glob, kw_only=True)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    most: int | None = attrs.field(default=None, validator=is_count, kw_only=True)

    @contextmanager
    def open(self, site: Site) -> Iterator[Killer]:
        """
        Put orders into the folder until it is lifted, and take back the last.

        Raises:
            NoMortalsError: There is no such folder.
        """
        folder = Path(self.folder(site.target) if callable(self.folder) else self.folder)
        if not folder.is_dir():
            raise NoMortalsError(str(folder))
        killer = Killer(self, site, folder)
        killer.start()
        try:
            yield killer
        finally:
            killer.stop()


class Killer:
    """The thread that puts orders into the folder, and finds what became of them."""

    def __init__(self, kill: KillWorker, site: Site, folder: Path) -> None:
        self._kill, self._site, self._folder = kill, site, folder
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos saga.kill_worker", daemon=True)
        self._orders = 0
        self._dead: list[dict[str, Any]] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take back the order that nobody has taken."""
        self._stopping.set()
        self._thread.join()
        (self._folder / ORDER).unlink(missing_ok=True)
        self._look()

    def evidence(self) -> Evidence:
        """Return how many workers took an order and are gone, and the last of them; there is none afterwards."""
        self.stop()
        gone = [each for each in self._dead if not _lives(each["pid"])]
        return Evidence(fired=len(gone), detail={"orders": self._orders, "killed": gone[-10:]})

    def _run(self) -> None:
        rounds = 0
        while not self._stopping.wait(self._kill.every_s):
            self._look()
            if self._site.draw("whether", rounds) < self._kill.probability:
                self._order()
            rounds += 1

    def _order(self) -> None:
        order = self._folder / ORDER
        if order.exists() or self._orders == self._kill.most:
            return
        self._orders += 1
        draft = self._folder / f"draft-{self._orders}"
        wanted = {"step": self._kill.step, "never": os.getpid(), "number": self._orders}
        draft.write_text(json.dumps(wanted), encoding="utf-8")
        draft.rename(order)

    def _look(self) -> None:
        for taken in sorted(self._folder.glob(f"{TAKEN}-*")):
            said = json.loads(taken.read_text(encoding="utf-8"))
            taken.unlink()
            self._dead.append(said)
            self._site.landed(KillWorker.kind, f"process {said['pid']}", f"after {said['step']} of saga {said['saga']}")


def _lives(pid: int) -> bool:
    """Tell whether the process still runs; one that was killed may wait for its parent to take note."""
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state not in ("Z", "X")
    return False
