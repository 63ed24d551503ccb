"""
Run a program with its markers as failpoints: ``python -m chaos_failpoint SCRIPT | -m MODULE [ARGUMENT ...]``.

For programs that import nothing of this package. The environment says which packages have markers, and what is armed:
``CHAOS_FAILPOINTS_MARKERS=orders CHAOS_FAILPOINTS="orders.commit=1*exit(3)"``. The script has its own markers anyway.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from chaos_failpoint.markers.compiling import compile_markers, declare_all

USAGE = "usage: python -m chaos_failpoint SCRIPT | -m MODULE [ARGUMENT ...]"


def main(arguments: list[str]) -> None:
    """Run the program that *arguments* name, as Python itself would."""
    if arguments[:1] == ["-m"]:
        _run_module(*arguments[1:])
    else:
        _run_script(*arguments)


def _run_script(script: str = "", *arguments: str) -> None:
    path = Path(script)
    if not script or not path.is_file():
        _give_up(script)
    sys.path[0] = str(path.parent.resolve())
    _run(path, None, arguments)


def _run_module(name: str = "", *arguments: str) -> None:
    spec = _spec(name) if name else None
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        _give_up(name)
    else:
        _run(Path(spec.origin), spec, arguments)


def _give_up(program: str) -> None:
    sys.stderr.write(f"{USAGE}\n" + (f"there is no {program!r}\n" if program else ""))
    raise SystemExit(2)


def _spec(name: str) -> ModuleSpec | None:
    """Return the spec of a module, or of the ``__main__`` of a package."""
    try:
        spec = find_spec(name)
        is_package = spec is not None and spec.submodule_search_locations is not None
        return find_spec(f"{name}.__main__") if is_package else spec
    except ModuleNotFoundError:
        return None


def _run(path: Path, spec: ModuleSpec | None, arguments: tuple[str, ...]) -> None:
    sys.argv = [str(path), *arguments]
    code, markers = compile_markers(path.read_bytes(), str(path))
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__, module.__spec__ = str(path), spec
    module.__package__ = None if spec is None else spec.parent
    vars(module).update(declare_all(markers, "__main__"))
    exec(code, vars(module))  # noqa: S102 - the program that was named on the command line


if __name__ == "__main__":
    main(sys.argv[1:])
