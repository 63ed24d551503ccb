"""
The engine: puts hooks around functions that know nothing of them, and takes them away again. There is no chaos in it.

A Python function keeps its identity and gets another code object, so that every alias of it is reached: names that
were imported from its module, stored bound methods, default arguments, partials. Anything else that can be called is
replaced where it is found.
"""

from chaos_patch.engine.calls import Call, Hook
from chaos_patch.engine.kinds import Kind, kind_of
from chaos_patch.engine.patches import Armed, Patches
from chaos_patch.engine.seats import AttributeSeat, CodeSeat, Seat

__all__ = ["Armed", "AttributeSeat", "Call", "CodeSeat", "Hook", "Kind", "Patches", "Seat", "kind_of"]
