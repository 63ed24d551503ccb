"""Events folded into a report: while a run goes on, at its end, and when its log is read again."""

from chaoscore.fold.fold import Fold, replay

__all__ = ["Fold", "replay"]
