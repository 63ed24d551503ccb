"""The embedded server: a process of its own that speaks Toxiproxy's API."""

from chaos_toxiproxy.server.spawning import Server, ServerError, start

__all__ = ["Server", "ServerError", "start"]
