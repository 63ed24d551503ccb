"""Four workflows of a shop; all that they know of chaos are two failpoints, which cost next to nothing."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chaos_failpoint import failpoint
from chaos_sqlsaga import mortal
from chaos_sqlsaga.engine import Call, Definition, branch, saga

FOLDER = "SAGA_STRESS_FOLDER"
"""The environment variable that says where the world is: worker processes inherit it."""

TAKEN_BACK = "taken back"

do, undo = failpoint("shop.do"), failpoint("shop.undo")


class RefusedError(Exception):
    """A customer has no money, a street does not exist: business as usual."""


class World:
    """
    What the handlers change outside of the database: one file for each thing that was done.

    A worker that was given up may come to life when its step has long been taken back, and do it then. No engine can
    keep it from that; what can is the file that says it was taken back, in the same place.
    """

    @staticmethod
    def mark(call: Call) -> Path:
        return Path(os.environ[FOLDER]) / "world" / f"{call.saga}_{call.step}"

    @classmethod
    def do(cls, call: Call, *, once: bool) -> None:
        try:
            cls.mark(call).touch(exist_ok=False)
        except FileExistsError:
            if once:
                raise

    @classmethod
    def take_back(cls, call: Call) -> None:
        mark = cls.mark(call)
        draft = mark.with_name(f"{mark.name}.{os.getpid()}.{threading.get_ident()}")
        draft.write_text(TAKEN_BACK)
        draft.replace(mark)

    @staticmethod
    def done(folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir() if path.read_text() != TAKEN_BACK}


def work(call: Call, *, once: bool = False) -> str:
    """Do a step: it takes a millisecond, and the customer may refuse it."""
    if do.armed:
        do.hit()
    time.sleep(0.001)
    if call.payload["refuse"] == call.step:
        raise RefusedError(f"{call.step} was refused")
    World.do(call, once=once)
    return f"{call.step} done"


class Handlers:
    """What the steps do. Each is a function of its own, so that faults can strike some of them and not others."""

    @staticmethod
    def check(call: Call) -> str:
        return work(call)

    @staticmethod
    def reserve(call: Call) -> str:
        return work(call)

    @staticmethod
    def pack(call: Call) -> str:
        return work(call)

    @staticmethod
    async def ship(call: Call) -> str:
        return work(call)

    @staticmethod
    def notify(call: Call) -> str:
        return work(call)


class Bank:
    """Money is not idempotent: a card that is charged twice is a customer less."""

    @staticmethod
    def charge(call: Call) -> str:
        return work(call, once=True)


def is_gift(call: Call) -> bool:
    return bool(call.payload["gift"])


def take_back(call: Call) -> None:
    """Undo a step; it may be called again, and for something that was never done."""
    if undo.armed:
        undo.hit()
    World.take_back(call)


SIMPLE = (
    saga("simple order")
    .step("reserve", Handlers.reserve, on_failure=take_back, retries=3)
    .step("charge", Bank.charge, on_failure=take_back, idempotent=False)
    .step("ship", Handlers.ship, on_failure=take_back, retries=3)
    .step("notify", Handlers.notify, retries=3)
)

COMPLEX = (
    saga("complex order")
    .step("check", Handlers.check, retries=3)
    .step("reserve", Handlers.reserve, on_failure=take_back, retries=3)
    .savepoint("reserved")
    .step("charge", Bank.charge, on_failure=take_back, idempotent=False)
    .savepoint("charged")
    .condition("gift?", is_gift, branch().step("wrap", Handlers.pack, on_failure=take_back, retries=3))
    .step("pack", Handlers.pack, on_failure=take_back, retries=3)
    .savepoint("packed")
    .step("ship", Handlers.ship, on_failure=take_back, retries=3)
    .step("notify", Handlers.notify, retries=3)
)

PARALLEL = (
    saga("parallel processing")
    .step("reserve", Handlers.reserve, on_failure=take_back, retries=3)
    .fork(
        "prepare",
        {
            "goods": branch()
            .step("pick", Handlers.pack, on_failure=take_back, retries=3)
            .step("pack", Handlers.pack, on_failure=take_back, retries=3),
            "papers": branch().step("print", Handlers.pack, on_failure=take_back, retries=3),
            "customs": branch().step("declare", Handlers.check, on_failure=take_back, retries=3),
        },
    )
    .join("prepared")
    .step("ship", Handlers.ship, on_failure=take_back, retries=3)
)

NESTED = (
    saga("nested fork and join")
    .step("reserve", Handlers.reserve, on_failure=take_back, retries=3)
    .fork(
        "deliver",
        {
            "home": branch()
            .step("load", Handlers.pack, on_failure=take_back, retries=3)
            .fork(
                "carrier",
                {
                    "van": branch().step("by van", Handlers.ship, on_failure=take_back, retries=3),
                    "bike": branch().step("by bike", Handlers.ship, on_failure=take_back, retries=3),
                },
            )
            .join("carried", how="any"),
            "invoice": branch()
            .step("bill", Handlers.check, on_failure=take_back, retries=3)
            .fork(
                "copies",
                {
                    "paper": branch().step("on paper", Handlers.pack, on_failure=take_back, retries=3),
                    "mail": branch().step("by mail", Handlers.notify, on_failure=take_back, retries=3),
                },
            )
            .join("copied"),
        },
    )
    .join("delivered")
    .step("file", Handlers.notify, on_failure=take_back, retries=3)
)

WORKFLOWS: tuple[Definition, ...] = tuple(each.build() for each in (SIMPLE, COMPLEX, PARALLEL, NESTED))

REFUSED = ("ship", "pack", "ship", "file")
"""The step of each workflow that fails for reasons of business, if it does."""


def payload(number: int) -> tuple[str, dict[str, Any]]:
    """The workflow of an order, by turns, and what it is started with; three of twenty orders are refused."""
    turn, which = divmod(number, len(WORKFLOWS))
    refused = (turn + 5 * which) % 20 in (0, 7, 14)
    return WORKFLOWS[which].name, {"refuse": REFUSED[which] if refused else "", "gift": turn % 2 == 0}


def in_worker_processes() -> Iterable[Definition]:
    """The workflows, for processes that `saga.kill_worker` may kill."""
    return mortal(WORKFLOWS, os.environ[FOLDER])
