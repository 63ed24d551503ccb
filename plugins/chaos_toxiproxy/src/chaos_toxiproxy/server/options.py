"""The command line of the server, which is that of Toxiproxy and a little more."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import attrs

VERSION = "2.12.0"
"""Whose API it is: clients compare it, and not all of them can read more than three numbers."""

SERVER = "chaos-toxiproxy/0.1.0"
"""Whose server it is."""

PORT = 8474
TOKEN = "CHAOS_TOXIPROXY_TOKEN"
"""The variable of the environment for the token: the command line is for everybody to see."""


@attrs.frozen(kw_only=True)
class Options:
    """
    How a server runs.

    Attributes:
        host: Where the API listens.
        port: Its port; 0: any that is free.
        config: A file of proxies and toxics, as for POST /populate.
        seed: What chance goes by; None: a new one.
        token: What requests must bring; None: nothing, which is for loopback only.
        owner: The process it ends with, and whose standard output tells where it listens; None: it runs until told.
    """

    host: str = "localhost"
    port: int = PORT
    config: Path | None = None
    seed: int | None = None
    token: str | None = None
    owner: int | None = None
    runtime_metrics: bool = False
    proxy_metrics: bool = False


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; words may begin with one dash, as Toxiproxy's do."""
    parser = argparse.ArgumentParser(prog="python -m chaos_toxiproxy.server", description=__doc__)
    for name, kind, text in (
        ("host", str, "where the API listens (default: localhost)"),
        ("port", int, f"its port (default: {PORT}; 0: any that is free)"),
        ("config", Path, "a JSON file of proxies to begin with, and of their toxics"),
        ("seed", int, "what chance goes by (default: a new one)"),
        ("token", str, f"what requests must bring as `Authorization: Bearer TOKEN` (or ${TOKEN})"),
        ("owner", int, argparse.SUPPRESS),
    ):
        parser.add_argument(f"-{name}", f"--{name}", type=kind, help=text, default=argparse.SUPPRESS)
    for name, text in (
        ("runtime-metrics", "this process in GET /metrics"),
        ("proxy-metrics", "proxies in GET /metrics"),
    ):
        parser.add_argument(f"-{name}", f"--{name}", action="store_true", help=text)
    parser.add_argument("-version", "--version", action="version", version=f"%(prog)s {VERSION} ({SERVER})")
    given = vars(parser.parse_args(arguments))
    return Options(**{"token": os.environ.get(TOKEN), **given})
