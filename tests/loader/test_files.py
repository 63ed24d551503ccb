import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from chaoscore import Scenario
from chaoscore.errors import InvalidScenarioError, ScenarioError
from chaoscore.loader import load, split_origin

Write = Callable[[str, str], Path]

PYTHON = """
    from chaoscore import Scenario
    from sib_load import VALUE

    class Target:
        value = VALUE

    def step(target): ...

    scenario = Scenario("one").target(Target()).step("s", step)
    other = Scenario("two").target(Target()).step("s", step)

    def make():
        return Scenario("made").target(Target()).step("s", step)

    def fail():
        raise LookupError("no luck")

    def leave():
        raise SystemExit(0)

    def number():
        return 5

    def needs(argument): ...

    def incomplete():
        return Scenario("half")

    def wrong():
        return scenario.repeat(0)
"""
TOML = """
    steps = ["sib_load:step"]
    [target]
    use = "sib_load:Target"
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Return a function that writes a file beside a module that scenarios may use."""
    before = set(sys.modules)
    (tmp_path / "sib_load.py").write_text("VALUE = 5\nclass Target: ...\ndef step(target): ...\n")

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(dedent(text), encoding="utf-8")
        return path

    yield write
    for name in set(sys.modules) - before:
        if name.startswith(("sib_load", "scen_load")):
            del sys.modules[name]


def problem(origin: str | Path) -> str:
    """What loading it complains about."""
    with pytest.raises(ScenarioError) as caught:
        load(origin)
    return str(caught.value)


@pytest.mark.parametrize(("name", "expected"), [("", "one"), (":other", "two"), (":make", "made")])
def test_a_scenario_from_python(write: Write, name: str, expected: str) -> None:
    """A file gives its ``scenario``, or what is named: a scenario, or a function that returns one."""
    path = write("scen_load.py", PYTHON)
    scenario = load(f"{path}{name}")
    assert (scenario.name, scenario.origin) == (expected, f"{path}{name}")
    assert scenario.subject.value == 5


def test_a_scenario_from_toml(write: Write) -> None:
    """A TOML file gives a scenario that is named after it and knows where it is from."""
    path = write("scen_load.toml", TOML)
    scenario = load(path)
    assert (scenario.name, scenario.origin) == ("scen_load", str(path))


def test_a_loaded_scenario_runs(write: Write) -> None:
    """What is loaded is a scenario like one that is built."""
    assert load(write("scen_load.toml", TOML)).run().passed


def test_loading_leaves_the_path_alone(write: Write) -> None:
    """Afterwards nothing is importable that was not before."""
    before = list(sys.path)
    load(write("scen_load.py", PYTHON))
    load(write("scen_load.toml", TOML))
    problem(write("scen_load_bad.py", "1 / 0"))
    assert sys.path == before


def test_the_environment_is_that_of_the_process(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """``${NAME}`` comes from the process unless another environment is passed."""
    monkeypatch.setenv("CHAOS_TEST_NAME", "from the process")
    path = write("scen_load.toml", 'name = "${CHAOS_TEST_NAME}"' + TOML)
    assert load(path).name == "from the process"
    assert load(path, environment={"CHAOS_TEST_NAME": "passed"}).name == "passed"


def test_a_byte_order_mark_is_no_error(write: Write) -> None:
    """A file saved by an editor that marks UTF-8 is read."""
    assert load(write("scen_load.toml", "\ufeff" + dedent(TOML))).name == "scen_load"


def test_all_problems_of_a_file_come_in_one_error(write: Write) -> None:
    """The error of an invalid file lists each problem with the file and the place in it."""
    path = write("scen_load.toml", 'seed = "x"\nsteps = []')
    with pytest.raises(InvalidScenarioError) as caught:
        load(path)
    assert [each.where for each in caught.value.problems] == [f"{path}: {at}" for at in ("seed", "target", "steps")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = \n", r"it is not TOML: .*\(at line 1, column 5\)"),
        ("[a]\n[a]\n", r"it is not TOML: .*line 2"),
        ("a = " + "[" * 5000, "nested too deeply|is not TOML"),
    ],
)
def test_a_syntax_error_in_toml_has_line_and_column(write: Write, text: str, message: str) -> None:
    """What is not TOML is shown with its line and column."""
    with pytest.raises(ScenarioError, match=message):
        load(write("scen_load.toml", text))


@pytest.mark.parametrize("suffix", ["toml", "py"])
def test_a_binary_file_is_refused(tmp_path: Path, suffix: str) -> None:
    """Bytes that are no text are told as such."""
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(b"\x7fELF\xff\xfe\x00")
    assert "it is not text in UTF-8 (byte 4); save it as UTF-8" in problem(path)


def test_a_missing_file_gets_a_near_miss(write: Write) -> None:
    """A wrong path says which file it may have meant."""
    path = write("scen_load.toml", TOML)
    assert "there is no such file (did you mean 'scen_load.toml'?)" in problem(path.with_name("scen_lode.toml"))
    assert "there is no such file" in problem(path.parent / "nowhere" / "x.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder is no scenario."""
    assert "it is a folder; name a .toml or .py file in it" in problem(tmp_path)


def test_another_suffix_is_refused(write: Write) -> None:
    """Only the two known kinds of files are read."""
    assert "'x.yaml' is no scenario file; name a .toml or .py file" in problem(write("x.yaml", "a: 1"))


@pytest.mark.skipif(os.geteuid() == 0, reason="cannot run here: root reads everything")
def test_an_unreadable_file_is_refused(write: Write) -> None:
    """A file without permission is told as such."""
    path = write("scen_load.toml", TOML)
    path.chmod(0)
    assert "it cannot be read: Permission denied" in problem(path)


def test_a_file_that_cannot_be_read_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk is told with its reason."""

    def fail(*_: object, **__: object) -> str:
        raise OSError(5, "Input/output error")

    path = write("scen_load.toml", TOML)
    monkeypatch.setattr(Path, "read_text", fail)
    assert "it cannot be read: Input/output error" in problem(path)


def test_a_toml_file_has_no_names(write: Write) -> None:
    """A name behind a TOML file is a mistake."""
    path = write("scen_load.toml", TOML)
    assert "holds one scenario, without a name; drop ':other'" in problem(f"{path}:other")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("othr", r"it has no 'othr' (did you mean 'other'?); write "),
        ("VALUE", "'VALUE' is 5, not a scenario; write "),
        ("number", "'number' is 5, not a scenario"),
        ("fail", "fail() raised LookupError: no luck"),
        ("leave", "leave() raised SystemExit: 0"),
        ("needs", "needs() raised TypeError"),
        ("incomplete", "scenario 'half': it has no target"),
        ("wrong", "repeat must be 1 or more, not 0"),
    ],
)
def test_a_name_that_gives_no_scenario(write: Write, name: str, message: str) -> None:
    """A wrong name, another value, a function that raises: each says what it is and what there is instead."""
    path = write("scen_load.py", PYTHON)
    assert message in problem(f"{path}:{name}")


def test_the_scenarios_of_a_file_are_listed(write: Write) -> None:
    """A file without ``scenario`` says which others it has, in the form to be typed."""
    path = write("scen_load.py", "from chaoscore import Scenario\nracy = Scenario('r')\nfixed = Scenario('f')\n")
    assert f"it has no 'scenario'; write {path}:racy or {path}:fixed" in problem(path)


def test_a_file_without_any_scenario(write: Write) -> None:
    """A file without any scenario says how to write one."""
    assert "write `scenario = Scenario(...)` at the top level" in problem(write("scen_load.py", "x = 1"))


def test_a_file_that_raises_shows_where(write: Write) -> None:
    """A file that raises when it is imported is shown with the error and the line."""
    text = problem(write("scen_load.py", "x = 1\n1 / 0\n"))
    assert "importing it raised ZeroDivisionError: division by zero" in text
    assert "scen_load.py:2 in <module>" in text


def test_a_wrong_value_in_a_python_scenario_shows_where(write: Write) -> None:
    """An error of the builder in the file keeps its words and gets the line."""
    text = problem(write("scen_load.py", "from chaoscore import Scenario\n\nscenario = Scenario('x').repeat(0)\n"))
    assert "repeat must be 1 or more, not 0" in text
    assert "scen_load.py:3" in text


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("a.py", ("a.py", None)),
        ("a.py:x", ("a.py", "x")),
        ("C:\\a.py", ("C:\\a.py", None)),
        ("a:b.py:x", ("a:b.py", "x")),
        (":x", (":x", None)),
        ("a.py:", ("a.py:", None)),
        ("a.py:1x", ("a.py:1x", None)),
    ],
)
def test_an_origin_is_a_path_and_perhaps_a_name(origin: str, expected: tuple[str, str | None]) -> None:
    """The name stands behind the last colon, if it is a name."""
    assert split_origin(origin) == (Path(expected[0]), expected[1])


def test_an_existing_file_with_a_colon_is_a_path(tmp_path: Path) -> None:
    """A file that exists is meant as it is written."""
    path = tmp_path / "a.py:x"
    path.touch()
    assert split_origin(path) == (path, None)


def test_a_scenario_is_a_scenario(write: Write) -> None:
    """What is loaded has the builder's verbs."""
    assert isinstance(load(write("scen_load.toml", TOML)).repeat(5), Scenario)
