import pickle
import queue
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaoscore.loader.imports import UnimportableError, importable, refer, run_file

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def modules_as_before() -> Iterator[None]:
    """What these tests import is forgotten again."""
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        if name.startswith(("sib", "scen", "queue_", "a_b", "broken", "package")):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, source: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return path

    return write


def referred(reference: str, folder: Path) -> Any:
    with importable(folder):
        return refer(reference, folder)


def test_modules_beside_the_file_can_be_imported(write: Write) -> None:
    """A scenario imports what lies beside it, and the path is as before afterwards."""
    write("sib_one.py", "VALUE = 5")
    path = write("scen_one.py", "from sib_one import VALUE")
    before, finders = list(sys.path), list(sys.meta_path)
    with importable(path.parent):
        assert run_file(path).VALUE == 5
    assert (sys.path, sys.meta_path) == (before, finders)


def test_the_path_is_restored_after_an_error(write: Write) -> None:
    """A file that raises leaves neither its folder in the path nor its module behind."""
    path = write("scen_two.py", "1 / 0")
    before = list(sys.path)
    with pytest.raises(UnimportableError), importable(path.parent):
        run_file(path)
    assert sys.path == before
    assert "scen_two" not in sys.modules


def test_two_folders_with_modules_of_one_name(write: Write) -> None:
    """Each scenario gets the module beside it, and the first one's is in its place again afterwards."""
    one = write("one/sib_jobs.py", "WHERE = 'one'")
    two = write("two/sib_jobs.py", "WHERE = 'two'")
    assert referred("sib_jobs:WHERE", one.parent) == "one"
    assert referred("sib_jobs:WHERE", two.parent) == "two"
    assert sys.modules["sib_jobs"].WHERE == "one"
    assert referred("sib_jobs:WHERE", one.parent) == "one"


def test_a_package_is_set_aside_with_its_modules(write: Write) -> None:
    """Of a package that has to make place, the modules inside make place too."""
    for folder in ("one", "two"):
        write(f"{folder}/package/__init__.py", "")
        write(f"{folder}/package/inner.py", f"WHERE = {folder!r}")
    folders = [write(f"{folder}/x.txt", "").parent for folder in ("one", "two")]
    assert [referred("package.inner:WHERE", folder) for folder in folders] == ["one", "two"]
    assert sys.modules["package.inner"].WHERE == "one"


def test_a_module_named_like_the_standard_library(write: Write) -> None:
    """``queue:claim`` means the file beside the scenario, and everybody else still gets the standard library's."""
    path = write("queue.py", "def claim(): ...")
    assert referred("queue:claim", path.parent).__name__ == "claim"
    assert sys.modules["queue"] is queue


def test_such_a_module_is_executed_once(write: Write) -> None:
    """Two references into it give objects of one module."""
    path = write("queue.py", "class Lost(Exception): ...\nALSO = Lost")
    with importable(path.parent):
        assert refer("queue:Lost", path.parent) is refer("queue:ALSO", path.parent)


def test_the_standard_library_is_never_hidden(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the standard library is found, though the scenario has one of that name beside it."""
    path = write("colorsys.py", "1 / 0")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with importable(path.parent):
        import colorsys
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_what_a_file_defines_can_be_pickled(write: Write) -> None:
    """Classes of a scenario file are found again under their module's name."""
    path = write("scen_three.py", "class Job: ...")
    with importable(path.parent):
        job = run_file(path).Job()
    assert type(pickle.loads(pickle.dumps(job))) is type(job)


def test_a_file_is_executed_again_each_time(write: Write) -> None:
    """A file that has changed is not taken from memory."""
    path = write("scen_four.py", "VALUE = 1")
    assert run_file(path).VALUE == 1
    path.write_text("VALUE = 'changed'")
    assert run_file(path).VALUE == "changed"


def test_a_file_takes_no_name_of_another_module(write: Write) -> None:
    """A file named like a loaded module, or not like a module at all, gets a name of its own."""
    assert run_file(write("queue.py", "")).__name__ != "queue"
    assert run_file(write("pytest.py", "")).__name__ != "pytest"
    assert run_file(write("a-b.py", "")).__name__.startswith("a-b_")
    assert sys.modules["pytest"] is pytest


def test_an_error_while_importing_shows_where_it_was_raised(write: Write) -> None:
    """The message has the error, and file and line of the frames that led to it."""
    write("sib_broken.py", "def f():\n    raise RuntimeError('boom')\nf()")
    path = write("scen_five.py", "import sib_broken")
    with pytest.raises(UnimportableError) as caught, importable(path.parent):
        run_file(path)
    assert "RuntimeError: boom" in str(caught.value)
    assert "scen_five.py:1 in <module>" in str(caught.value)
    assert "sib_broken.py:2 in f" in str(caught.value)
    assert "importlib" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:", "SyntaxError: .*line 1"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("from . import x", "ImportError: attempted relative import"),
    ],
)
def test_whatever_a_file_raises_becomes_one_error(write: Write, source: str, message: str) -> None:
    """Syntax errors, exits and missing modules are all told in one line of cause."""
    with pytest.raises(UnimportableError, match=message):
        run_file(write("scen_six.py", source))


def test_an_interruption_is_no_import_error(write: Write) -> None:
    """Ctrl-C while a file is executed, or while a module is imported, ends the program."""
    path = write("scen_seven.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        run_file(path)
    with pytest.raises(KeyboardInterrupt):
        referred("scen_seven:x", path.parent)


def test_a_dotted_attribute(write: Write) -> None:
    """What stands after the colon may go through classes."""
    path = write("sib_two.py", "class A:\n    class B:\n        c = 5")
    assert referred("sib_two:A.B.c", path.parent) == 5


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("sib_three:clam", r"'sib_three:clam': there is no 'clam' in it \(did you mean 'claim'\?\)"),
        (
            "sib_thre:claim",
            r"no module 'sib_thre' \(did you mean 'sib_three'\?\), neither beside the file nor installed",
        ),
        ("sib_three.x:claim", r"no module 'sib_three.x'"),
        ("sib_three", "not of the form 'module:attribute'"),
        (":x", "not of the form"),
        ("a b:c", "not of the form"),
        ("a:", "not of the form"),
        ("broken_three:x", "importing 'broken_three' raised ZeroDivisionError: division by zero"),
        ("broken_four:x", "importing 'broken_four' raised ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ],
)
def test_a_reference_that_leads_nowhere(write: Write, reference: str, message: str) -> None:
    """A wrong reference says which part of it is wrong, with a near miss."""
    write("sib_three.py", "def claim(): ...")
    write("broken_three.py", "1 / 0")
    folder = write("broken_four.py", "import nothing_of_this_name").parent
    with pytest.raises(UnimportableError, match=message):
        referred(reference, folder)


def test_a_folder_that_does_not_exist_hides_nothing(tmp_path: Path) -> None:
    """A wrong path is reported by whoever reads the file, not here."""
    with importable(tmp_path / "missing"):
        assert sys.modules["pytest"] is pytest
