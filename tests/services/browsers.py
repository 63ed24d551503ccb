"""A real browser for tests: Chromium without a window, in a thread of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

T = TypeVar("T")

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
"""How long a page may take to show something, on a machine that does other work."""


class Visit:
    """
    One page, in a profile of its own.

    Attributes:
        page: The page.
        ran: What gave away that something ran which should not: dialogs, and calls of ``owned()``.
        requests: Every address that was asked for.
        complaints: Errors of scripts, and what the console says.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.ran: list[str] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.expose_function("owned", lambda *said: self.ran.append(f"a call: {said}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))

    def _dialog(self, dialog: Any) -> None:
        self.ran.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


class Browser:
    """
    Chromium. Everything is done in a thread of its own, whose event loop its library takes over.

    Attributes:
        version: Of the program.
    """

    def __init__(self, thread: ThreadPoolExecutor, chromium: Chromium) -> None:
        self._thread, self._chromium = thread, chromium
        self.version = chromium.version

    def visit(self, do: Callable[[Visit], T], *, width: int = 1240, height: int = 900, **context: Any) -> T:
        """Open a page of that size, *do* something with it, close it, and return what came of that."""

        def visited() -> T:
            opened = self._chromium.new_context(viewport={"width": width, "height": height}, **context)
            try:
                return do(Visit(opened.new_page()))
            finally:
                opened.close()

        return self._thread.submit(visited).result(300)


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """Run Chromium for the length of the block."""
    with ThreadPoolExecutor(1, "chromium") as thread:
        playwright = thread.submit(sync_playwright().start).result(120)
        try:
            launched = thread.submit(
                playwright.chromium.launch, executable_path=program, args=list(ARGUMENTS), timeout=PATIENCE_MS
            ).result(120)
            try:
                yield Browser(thread, launched)
            finally:
                thread.submit(launched.close).result(120)
        finally:
            thread.submit(playwright.stop).result(120)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for the tests of one module: it starts and ends processes when it likes, which others would count."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("cannot run here: no Chromium")
    with chromium(program) as running:
        yield running
