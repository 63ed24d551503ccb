"""
Failpoints: named places in your code that cost next to nothing until they are armed.

    from chaos_failpoint import failpoint

    fp = failpoint("db.commit")


    def commit(connection):
        if fp.armed:
            fp.hit()
        connection.commit()

Whatever is not needed for that is loaded when it is first used.
"""

import os

from chaos_failpoint.handles import Failpoint, Returned
from chaos_failpoint.registry import failpoint

TYPE_CHECKING = False  # as in `handles`
if TYPE_CHECKING:
    from chaos_failpoint import markers
    from chaos_failpoint.actions import Moment
    from chaos_failpoint.arming import Arming
    from chaos_failpoint.children import child_environment
    from chaos_failpoint.control import Control, serve
    from chaos_failpoint.errors import (
        DuplicateFailpointError,
        FailpointError,
        FailpointNameError,
        FailpointPanic,
        MarkerError,
        MisplacedError,
        NotAllowedError,
        NotArmedError,
        NotFiredError,
        ParseError,
        TargetError,
        UnknownFailpointError,
    )
    from chaos_failpoint.grammar import explain, format_terms, lint, parse, parse_config
    from chaos_failpoint.injector import Failpoints as failpoints
    from chaos_failpoint.seeds import seed
    from chaos_failpoint.status import Status, statuses
    from chaos_failpoint.switching import arm, arm_all, armed, disarm, disarm_all

__version__ = "0.1.0"

_DOORS = {
    "actions": "Moment",
    "arming": "Arming",
    "children": "child_environment",
    "control": "Control serve",
    "errors": "DuplicateFailpointError FailpointError FailpointNameError FailpointPanic MarkerError MisplacedError "
    "NotAllowedError NotArmedError NotFiredError ParseError TargetError UnknownFailpointError",
    "grammar": "explain format_terms lint parse parse_config",
    "injector": "failpoints",
    "seeds": "seed",
    "status": "Status statuses",
    "switching": "arm arm_all armed disarm disarm_all",
}
_HOME = {name: module for module, names in _DOORS.items() for name in names.split()}
_INNER = {"failpoints": "Failpoints"}

__all__ = [
    "Arming",
    "Control",
    "DuplicateFailpointError",
    "Failpoint",
    "FailpointError",
    "FailpointNameError",
    "FailpointPanic",
    "MarkerError",
    "MisplacedError",
    "Moment",
    "NotAllowedError",
    "NotArmedError",
    "NotFiredError",
    "ParseError",
    "Returned",
    "Status",
    "TargetError",
    "UnknownFailpointError",
    "arm",
    "arm_all",
    "armed",
    "child_environment",
    "disarm",
    "disarm_all",
    "explain",
    "failpoint",
    "failpoints",
    "format_terms",
    "lint",
    "markers",
    "parse",
    "parse_config",
    "seed",
    "serve",
    "statuses",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    from importlib import import_module

    if name == "markers":
        return import_module("chaos_failpoint.markers")
    if name not in _HOME:
        raise AttributeError(f"module 'chaos_failpoint' has no attribute {name!r}")
    value = getattr(import_module(f"chaos_failpoint.{_HOME[name]}"), _INNER.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if os.environ.get("CHAOS_FAILPOINTS_MARKERS"):
    from chaos_failpoint.markers import install_from_environment

    install_from_environment()
