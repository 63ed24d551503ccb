"""The live page, one document with all that it needs, and the rules that it is shown under."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import NamedTuple


class Page(NamedTuple):
    """
    A document.

    Attributes:
        content: Its bytes.
        policy: Its Content-Security-Policy: these scripts and styles and no others, and no address but its own.
    """

    content: bytes
    policy: str


def data(name: str) -> str:
    """Return a file that comes with this package."""
    return files("chaos_dashboard").joinpath("data", name).read_text(encoding="utf-8")


@cache
def live_page() -> Page:
    """Return the page; what it shows is asked for by its script."""
    style = f"{data('uplot.css')}\n{data('theme.css')}\n{data('live.css')}"
    scripts = {"uplot": f"/*!\n{data('uplot.LICENSE')}*/\n{data('uplot.js')}", "script": data("live.js")}
    content = Template(data("live.html")).substitute(style=style, **scripts)
    allowed = " ".join(_hash(script) for script in scripts.values())
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    return Page(content.encode(), policy)


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"
