"""Sagas that worker processes import; what their handlers did is in a file, as processes share no memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

from chaos_sqlsaga.engine import Call, Definition, saga


def note(call: Call, what: str) -> None:
    """Append one line; short appends of several processes do not mix."""
    with Path(call.payload["log"]).open("a", encoding="utf-8", buffering=1) as file:
        file.write(f"{what} {call.saga} {call.step} {os.getpid()}\n")


def do(call: Call) -> str:
    note(call, "do")
    time.sleep(call.payload.get("seconds", 0))
    gate = call.payload.get("gate")
    while gate and not Path(gate).exists():
        time.sleep(0.01)
    return call.step


def undo(call: Call) -> None:
    note(call, "undo")


def refuse(call: Call) -> None:
    note(call, "refuse")
    raise ValueError("out of stock")


def definitions() -> tuple[Definition, ...]:
    happy = (
        saga("happy")
        .step("reserve", do, on_failure=undo, retries=3)
        .step("charge", do, on_failure=undo, idempotent=False)
        .step("ship", do, retries=3)
    )
    sad = (
        saga("sad")
        .step("reserve", do, on_failure=undo, retries=3)
        .step("charge", do, on_failure=undo, idempotent=False)
        .step("ship", refuse)
    )
    return happy.build(), sad.build()
