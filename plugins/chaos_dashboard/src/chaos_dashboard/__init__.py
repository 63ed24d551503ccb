"""
A run to look at: a page while it goes on, and a report when it is over.

Neither asks for anything from outside: no script, no font, no server but its own.
"""

from chaos_dashboard.html import Html as html
from chaos_dashboard.live import Live as live

__all__ = ["html", "live"]
