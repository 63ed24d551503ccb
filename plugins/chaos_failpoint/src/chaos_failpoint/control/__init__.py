"""Arming failpoints of a running process over HTTP."""

from chaos_failpoint.control.server import Control, serve

__all__ = ["Control", "serve"]
