"""What terms do when they fire."""

from chaos_failpoint.actions.base import MISSING, Action, Moment
from chaos_failpoint.actions.building import DANGEROUS, Rules, action_of

__all__ = ["DANGEROUS", "MISSING", "Action", "Moment", "Rules", "action_of"]
