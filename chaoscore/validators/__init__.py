"""
What must hold: the validators that come with the core.

Each is a frozen value; hand it to `Scenario.expect`. All take ``severity=``: ``"critical"`` (the default; a finding
fails the run), ``"warning"`` (it makes the run unstable) or ``"info"``. A limit is the last value that is still
allowed.
"""

from chaoscore.validators.composites import AllOf as all_of
from chaoscore.validators.composites import AnyOf as any_of
from chaoscore.validators.durations import ExecutionTime as execution_time
from chaoscore.validators.durations import NoSlowIteration as no_slow_iteration
from chaoscore.validators.error_limit import MaxErrors as max_errors
from chaoscore.validators.panics import PanicRecovery as panic_recovery
from chaoscore.validators.recursion import RecursionDepth as recursion_depth
from chaoscore.validators.states import StateConsistency as state_consistency
from chaoscore.validators.states import SteadyState as steady_state
from chaoscore.validators.stuck_steps import NoInfiniteLoop as no_infinite_loop
from chaoscore.validators.success import SuccessRate as success_rate
from chaoscore.validators.tasks import TaskLimit as task_limit
from chaoscore.validators.threads import ThreadLimit as thread_limit

__all__ = [
    "all_of",
    "any_of",
    "execution_time",
    "max_errors",
    "no_infinite_loop",
    "no_slow_iteration",
    "panic_recovery",
    "recursion_depth",
    "state_consistency",
    "steady_state",
    "success_rate",
    "task_limit",
    "thread_limit",
]
