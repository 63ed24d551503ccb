"""Actions that return, raise or say something."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from chaos_failpoint.actions.base import MISSING, Action, Moment
from chaos_failpoint.errors import FailpointPanic, MisplacedError
from chaos_failpoint.handles import Returned
from chaos_failpoint.loops import current_task
from chaos_failpoint.replies import after_replies
from chaoscore import CancelReason

if TYPE_CHECKING:
    import asyncio

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here


@attrs.frozen
class Off(Action):
    """Nothing; no further term is tried."""

    name: ClassVar[str] = "off"

    @property
    def lands(self) -> bool:
        return False

    def act(self, moment: Moment) -> None:
        return None


@attrs.frozen
class Return(Action):
    """Hand *value* to the caller."""

    name: ClassVar[str] = "return"
    value: Any = None

    def act(self, moment: Moment) -> Returned:
        return Returned(self.value)


@attrs.frozen
class Panic(Action):
    """Raise what no `except Exception` swallows."""

    name: ClassVar[str] = "panic"
    message: Any = None

    def act(self, moment: Moment) -> None:
        after_replies()
        text = f"failpoint {moment.name} panic" if self.message is None else str(self.message)
        raise moment.injected(FailpointPanic(text))


@attrs.frozen
class Raise(Action):
    """Raise an exception of any class."""

    name: ClassVar[str] = "raise"
    prompt: ClassVar[bool] = False
    error: Callable[[], Callable[..., BaseException]]
    args: tuple[Any, ...] = ()

    def act(self, moment: Moment) -> None:
        raise self._error(moment)

    def _error(self, moment: Moment) -> BaseException:
        error = moment.injected(self.error()(*self.args))
        moment.landing.landed()
        return error


@attrs.frozen
class Cancel(Action):
    """Cancel the asyncio task that runs here; that lands when it reaches the task, never if the step ends before."""

    name: ClassVar[str] = "cancel"
    prompt: ClassVar[bool] = False
    message: Any = None

    def act(self, moment: Moment) -> None:
        task = current_task()
        if task is None:
            raise MisplacedError(moment.name, self.name, "no asyncio task runs here that could be cancelled")
        task.cancel(CancelReason(moment.injector) if self.message is None else Reason(moment.injector, self.message))
        landing = moment.landing
        struck = task.get_loop().call_soon(_see_cancelled, task, landing.armed())
        if landing.place is not None:
            landing.place.until_left(struck)

    async def aact(self, moment: Moment) -> None:
        import asyncio

        self.act(moment)
        await asyncio.sleep(0)  # the cancellation is delivered here, not at the next await of the caller


def _see_cancelled(task: asyncio.Task[object], landed: Callable[[], None]) -> None:
    """Take note of a cancellation of the *task* that ran: it hits where that awaits now, or how it has ended."""
    if not task.done() or task.cancelled():
        landed()


class Reason(CancelReason):
    """The message of a cancellation, in words of one's own."""

    def __new__(cls, injector: str, message: object) -> Reason:
        """Return *message*, which remembers that *injector* is to blame."""
        reason = str.__new__(cls, message)
        reason.injector = injector
        return reason


@attrs.frozen
class Print(Action):
    """Write a line to the log."""

    name: ClassVar[str] = "print"
    message: Any = None

    def act(self, moment: Moment) -> None:
        from logging import getLogger  # 10 ms for those who never print

        text = f"failpoint {moment.name} executed" if self.message is None else str(self.message)
        getLogger("chaos_failpoint").warning("%s", text)


@attrs.frozen
class Break(Action):
    """Stop in the debugger, where there is a terminal to talk to it."""

    name: ClassVar[str] = "break"

    @property
    def lands(self) -> bool:
        return sys.stdin is not None and sys.stdin.isatty()

    def act(self, moment: Moment) -> None:
        breakpoint()  # noqa: T100 - that is what was asked for


@attrs.frozen
class Call(Action):
    """
    Call a function with the `Moment` and literals; what it returns, unless that is None, is handed to the caller.

    It lands when the function is called, whatever comes of that.

    Attributes:
        function: Returns the function.
        args: The literals.
    """

    name: ClassVar[str] = "call"
    prompt: ClassVar[bool] = False
    function: Callable[[], Callable[..., Any]]
    args: tuple[Any, ...] = ()

    def act(self, moment: Moment) -> Returned | None:
        function = self.function()
        if iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):
            raise self._misplaced(moment)
        moment.landing.landed()
        result = function(moment, *self.args)
        if isawaitable(result):
            close = getattr(result, "close", None)
            if close is not None:
                close()
            raise self._misplaced(moment)
        return None if result is None else Returned(result)

    def _misplaced(self, moment: Moment) -> MisplacedError:
        return MisplacedError(moment.name, self.name, "the function is async; write `await fp.ahit()`")

    async def aact(self, moment: Moment) -> Returned | None:
        function = self.function()
        moment.landing.landed()
        result = function(moment, *self.args)
        if isawaitable(result):
            result = await result
        return None if result is None else Returned(result)


@attrs.frozen
class Corrupt(Action):
    """
    Change the value at `Failpoint.value`.

    Attributes:
        corruption: Returns the function that does: of the value, a source of numbers in [0, 1), and literals.
        args: The literals.
    """

    name: ClassVar[str] = "corrupt"
    prompt: ClassVar[bool] = False
    corruption: Callable[[], Callable[..., Any]]
    args: tuple[Any, ...] = ()

    def act(self, moment: Moment) -> Returned:
        if moment.value is MISSING:
            raise MisplacedError(moment.name, self.name, "there is no value here; write `x = fp.value(x)`")
        returned = Returned(self.corruption()(moment.value, moment.uniform, *self.args))
        moment.landing.landed()
        return returned
