"""The benchmarks' arithmetic and their table, on figures that nobody measured; and the real thing, briefly."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks import __main__ as cli
from benchmarks import environments, table
from benchmarks.figures import Contender, Figure, Repeats, Unavailable, least, median, side_by_side
from benchmarks.lab import Lab
from benchmarks.machine import Machine
from benchmarks.probes import histograms, timing
from benchmarks.probes.noop import async_step
from benchmarks.rows import COUNT, MIB, NS, TIMES, US, AtMost, AtMostTimes, Reference, Row, Unit
from benchmarks.suite import BENCHMARKS

MACHINE = Machine("2026-01-02", 2, "CPython 3.11.7", "Linux x86_64", 0.5)
OFFLINE = Unavailable("no index")


def measured(value: float) -> Figure:
    return Figure(value, value, value * 2, "least of 3")


def step(ours: float = 7e-6, theirs: float | Unavailable = 20e-6, goal: AtMost | AtMostTimes | None = None) -> Row:
    figure = theirs if isinstance(theirs, Unavailable) else measured(theirs)
    return Row("a step", measured(ours), US, Reference("a peer", figure), goal)


# -- figures


def test_least() -> None:
    """The least of the repeats counts, and the range of all of them is kept."""
    assert least([3.0, 1.0, 2.0]) == Figure(1.0, 1.0, 3.0, "least of 3")


def test_median() -> None:
    """Of an even number of repeats the median is between the two in the middle."""
    assert median([4.0, 1.0, 2.0, 9.0]) == Figure(3.0, 1.0, 9.0, "median of 4")


def test_once() -> None:
    """A figure that was measured once does not claim to be the least of anything."""
    assert least([2.0]).how == median([2.0]).how == "once"


def test_turns() -> None:
    """Ours and the reference are measured in turns, never one as a whole after the other."""
    turns: list[str] = []
    taken = side_by_side({name: contender(turns, name, [1.0, 2.0, 3.0]) for name in "ab"}, 3)
    assert "".join(turns) == "ababab"
    assert taken["a"].values == {"time": [1.0, 2.0, 3.0]}


def test_warm_up() -> None:
    """A warm-up is measured and does not count."""
    turns: list[str] = []
    taken = side_by_side({name: contender(turns, name, [99.0, 2.0]) for name in "ab"}, 1, warm_up=True)
    assert "".join(turns) == "abab"
    assert taken["b"].least("time") == Figure(2.0, 2.0, 2.0, "once")


def test_missing_contender() -> None:
    """One that cannot be measured is asked once, says why under every name, and does not keep the others."""
    turns: list[str] = []

    def missing() -> Mapping[str, float]:
        turns.append("b")
        raise OFFLINE

    taken = side_by_side({"a": contender(turns, "a", [1.0, 2.0]), "b": missing}, 2)
    assert "".join(turns) == "aba"
    assert taken["b"].least("time") is taken["b"].median("anything") is OFFLINE
    assert taken["a"].median("time") == Figure(1.5, 1.0, 2.0, "median of 2")


def test_real_error_is_not_hidden() -> None:
    """Only `Unavailable` means that something could not be measured: a bug stays an error."""

    def broken() -> Mapping[str, float]:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        Repeats().take(broken)


def contender(turns: list[str], name: str, values: Sequence[float]) -> Contender:
    remaining = iter(values)

    def measure() -> Mapping[str, float]:
        turns.append(name)
        return {"time": next(remaining)}

    return measure


# -- rows


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (7.126e-6, US, "7.13 µs"),
        (1.26e-5, US, "12.6 µs"),
        (1.184e-4, US, "118 µs"),
        (-1e-12, US, "0.00 µs"),
        (-4e-8, US, "-0.04 µs"),
        (2.2 * 2**20, MIB, "2.20 MiB"),
        (1_234_567e-9, NS, "1,234,567 ns"),
        (5, COUNT, "5"),
        (0.351, TIMES, "0.35 x"),
    ],
)
def test_units(value: float, unit: Unit, text: str) -> None:
    """A figure is shown in the unit of its row with about three digits, and never as a negative zero."""
    assert unit.text(value) == text


@pytest.mark.parametrize(("ours", "met"), [(9.9e-6, True), (10.1e-6, False)])
def test_absolute_goal(ours: float, met: bool) -> None:
    """A goal in the row's unit is met up to the limit, whatever the reference takes."""
    assert step(ours, goal=AtMost(10)).met is met
    assert step(ours, OFFLINE, AtMost(10)).met is met


@pytest.mark.parametrize(("ours", "met"), [(49e-6, True), (51e-6, False)])
def test_relative_goal(ours: float, met: bool) -> None:
    """A goal in multiples of the reference is about the ratio of the two figures."""
    row = step(ours, 20e-6, AtMostTimes(2.5))
    assert row.ratio == pytest.approx(ours / 20e-6)
    assert row.met is met


def test_goal_without_reference() -> None:
    """Without its reference there is no telling whether a relative goal is met, so it is neither met nor missed."""
    row = step(theirs=OFFLINE, goal=AtMostTimes(2.5))
    assert row.ratio is None
    assert row.met is None


def test_goal_without_figure() -> None:
    """What could not be measured meets no goal."""
    row = Row("a step", OFFLINE, US, Reference("a peer", measured(1.0)), AtMost(10))
    assert row.ratio is row.met is None
    assert not cli.reached(row)
    assert table.cells(row)[1:3] == ("-", "")
    assert table.cells(row)[-1] == "ours not available: no index; a peer"


def test_reference_of_zero() -> None:
    """A reference of zero gives no ratio, and no division by zero."""
    assert step(theirs=0.0).ratio is None


# -- the table


def test_text_in_line() -> None:
    """Every line shows ours, the goal, whether it is met, the ratio, the reference and the noise, in columns."""
    other = Row("something with a longer name", measured(0.123), US)
    shown = table.text(MACHINE, {"step": [step(goal=AtMost(10)), other]})
    head, first, second = (line for line in shown.splitlines() if line.startswith(("what", "a step", "something")))
    assert " ".join(first.split()) == "a step 7.00 µs 7.00 .. 14.0, least of 3 <= 10 µs yes 0.35 x 20.0 µs a peer"
    assert head.index("ours") + len("ours") == first.index("7.00 µs") + len("7.00 µs")
    assert second.index("123,000 µs") + len("123,000 µs") == head.index("ours") + len("ours")
    assert str(MACHINE) in shown
    assert "1 of 1 goals met" in shown


def test_missed_goal_shown() -> None:
    """A missed goal is shown as missed, in its line and by name below the table."""
    shown = table.text(MACHINE, {"step": [step(11e-6, goal=AtMost(10)), step(goal=AtMost(10))]})
    first, second = (line for line in shown.splitlines() if line.startswith("a step"))
    assert " <= 10 µs   NO " in first
    assert " <= 10 µs  yes " in second
    assert "1 of 2 goals met; missed: a step" in shown
    assert "| NO |" in table.markdown(MACHINE, {"step": [step(11e-6, goal=AtMost(10))]})


def test_missing_reference_shown() -> None:
    """A reference that is not there says why, and the goal that needs it has a question mark."""
    cells = table.cells(step(theirs=OFFLINE, goal=AtMostTimes(2.5)))
    assert cells[3:] == ("<= 2.5 x", "?", "", "-", "a peer; reference not available: no index")
    assert "1 could not be measured" in table.summary({"step": [step(theirs=OFFLINE, goal=AtMostTimes(2.5))]})


def test_readme(tmp_path: Path) -> None:
    """The table takes the place of what stood between the marks, again and again; all else stays."""
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for _ in range(2):
        table.into_readme(readme, table.markdown(MACHINE, {"step": [step(goal=AtMost(10))]}))
    content = readme.read_text()
    assert content.startswith(f"before\n{table.BEGIN}\nMeasured on 2026-01-02")
    assert content.endswith(f"\n{table.END}\nafter\n")
    assert content.count("| a step | 7.00 µs | <= 10 µs | yes | 20.0 µs | a peer | 0.35 x |") == 1
    assert "old" not in content


@pytest.mark.parametrize("content", ["no marks", table.BEGIN, f"{table.END}\n{table.BEGIN}"])
def test_readme_without_marks(tmp_path: Path, content: str) -> None:
    """A README without both marks in order is left as it is."""
    readme = tmp_path / "README.md"
    readme.write_text(content)
    with pytest.raises(ValueError, match=table.BEGIN):
        table.into_readme(readme, "table")
    assert readme.read_text() == content


def test_json() -> None:
    """The JSON has the figures in base units, and says what is missing and what was missed."""
    tables = {"step": [step(11e-6, OFFLINE, AtMost(10)), Row("b", OFFLINE, MIB)]}
    first, second = json.loads(table.as_json(MACHINE, tables))["rows"]
    assert first["ours"] == {"value": 11e-6, "low": 11e-6, "high": 22e-6, "how": "least of 3"}
    assert first["reference"] == {"name": "a peer", "not_available": "no index"}
    assert (first["goal"], first["met"], first["ratio"]) == ("<= 10 µs", False, None)
    assert second["ours"] == {"not_available": "no index"}
    assert second["reference"] is second["met"] is None


# -- the command line


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """One benchmark that misses its goal and one that meets it, both without measuring anything."""

    def missed(lab: Lab) -> Iterator[Row]:
        """Too slow."""
        yield step(11e-6, goal=AtMost(10))

    def kept(lab: Lab) -> Iterator[Row]:
        """Quick enough."""
        yield step(lab.pick(9e-6, 8e-6), goal=AtMost(10))

    for name in list(BENCHMARKS):
        monkeypatch.delitem(BENCHMARKS, name)
    monkeypatch.setitem(BENCHMARKS, "missed", missed)
    monkeypatch.setitem(BENCHMARKS, "kept", kept)


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("arguments", "code"), [([], 0), (["--strict"], 1), (["missed", "--strict"], 1), (["kept", "--strict"], 0)]
)
def test_strict(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A missed goal is an error only with --strict, and only when its benchmark ran."""
    assert cli.main(arguments) == code
    assert ("missed: a step" in capsys.readouterr().out) is (arguments[:1] != ["kept"])


@pytest.mark.usefixtures("fake")
def test_readme_is_kept_on_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the table cannot go into the README it is shown all the same, and the exit code is 1."""
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["kept", "--readme"]) == 1
    shown = capsys.readouterr()
    assert "9.00 µs" in shown.out
    assert "the README stays as it is" in shown.err


@pytest.mark.usefixtures("fake")
def test_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """A quick run tells the benchmarks to do less."""
    cli.main(["kept", "--quick"])
    assert "8.00 µs" in capsys.readouterr().out


def test_a_module_stands_for_its_benchmarks() -> None:
    """``bench safety`` measures all that is about safety, each once, also where one of them is named as well."""
    assert cli.parse(["safety", "kill", "step"]).names == ["guard", "kill", "interrupt", "step"]
    assert cli.parse([]).names == []


def test_unknown_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    """A benchmark that does not exist is an error that names those that do."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(["stepz"])
    assert exit_.value.code == 2
    assert "no benchmark 'stepz'; have install, imports, command, step" in capsys.readouterr().err


@pytest.mark.slow
def test_for_real(tmp_path: Path) -> None:
    """Two cheap benchmarks run from the command line and give figures above zero, beside references from that run."""
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "point", "decision", "--quick", "--json", str(path)]
    done = subprocess.run(command, cwd=environments.ROOT, capture_output=True, text=True, check=True)
    rows = json.loads(path.read_text())["rows"]
    assert {row["benchmark"] for row in rows} == {"point", "decision"}
    assert all(row["ours"]["value"] > 0 and row["reference"]["value"] > 0 for row in rows)
    assert all(row["name"] in done.stdout for row in rows)


# -- probes and environments


def test_cost_of_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not depend on the number of units is not part of the cost of one."""
    monkeypatch.setattr(timing, "cpu_time", lambda work: work())
    assert timing.each(lambda units: 5.0 + 0.25 * units, many=1000, few=10) == pytest.approx(0.25)


async def call_twenty_times_each(calls: list[str]) -> None:
    async def awaited() -> None:
        calls.append("await")

    timing.per_call(lambda: calls.append("call"), 20)
    await timing.per_await(awaited, 20)


def test_calls_are_counted() -> None:
    """A cost per call is divided by as many calls as were made."""
    calls: list[str] = []
    with pytest.raises(StopIteration):
        call_twenty_times_each(calls).send(None)
    assert calls == ["call"] * 20 * timing.ATTEMPTS + ["await"] * 20 * timing.ATTEMPTS


def test_nothing_suspends() -> None:
    """The asynchronous no-op never waits, so that nothing but the framework is measured."""
    with pytest.raises(StopIteration):
        async_step(None).send(None)


def test_quantile_error() -> None:
    """A histogram that gives everything one percent too high has an error of one percent."""

    def make() -> tuple[histograms.Record, histograms.Quantile]:
        values: list[float] = []
        return values.append, lambda q: 1.01 * sorted(values)[int(q * (len(values) - 1))]

    assert histograms.measure(histograms.durations(500), make)["error"] == pytest.approx(0.01)


def test_failed_command() -> None:
    """What a program says last is the reason why something is not available."""
    with pytest.raises(Unavailable, match=r"^no such thing$"):
        environments.call(sys.executable, "-c", "import sys; sys.exit('first\\nno such thing')")


def test_missing_program(tmp_path: Path) -> None:
    """A program that does not exist makes a figure unavailable, and is no crash."""
    with pytest.raises(Unavailable, match="nowhere"):
        environments.call(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("stderr", "word"),
    [
        ("WARNING: x\nERROR: could not find it\nERROR: no such thing\n\nnotice: a new pip\n", "ERROR: no such thing"),
        (
            "  flit.ConfigError: no README\n  [end of output]\nerror: failed\nnote: see above\n",
            "flit.ConfigError: no README",
        ),
        ("ValueError: first\nsome\nTypeError: second", "TypeError: second"),
        ("first\nlast\n", "last"),
        ("", ""),
    ],
)
def test_last_word(stderr: str, word: str) -> None:
    """Of many lines the last error of pip or Python counts, without one the last line."""
    assert environments.last_word(stderr) == word


def test_bytecode_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured may write bytecode, whatever the user's shell says."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environments.clean_environ()


def test_contents(tmp_path: Path) -> None:
    """Of an environment its distributions and its bytes are counted, those of bytecode apart."""
    packages = tmp_path / "lib/python3.11/site-packages"
    for name, size in {"a-1.dist-info/METADATA": 10, "a/__init__.py": 100, "a/__pycache__/a.pyc": 1000}.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_bytes(b"x" * size)
    assert environments.contents(environments.Environment(tmp_path)) == {
        "distributions": 1,
        "bytes": 1110,
        "bytes without bytecode": 110,
    }


def test_lasting_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The references are installed once; after an attempt that failed, and for other versions, again."""
    made: list[tuple[str, ...]] = []

    def create(environment: environments.Environment, requirements: Sequence[str]) -> environments.Environment:
        environment.home.mkdir(exist_ok=True)
        made.append(tuple(requirements))
        if len(made) == 1:
            raise OFFLINE
        return environment

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(environments.Environment, "create", create)
    with pytest.raises(Unavailable):
        environments.lasting("references", ["peer==1"])
    homes = [environments.lasting("references", [pin]).home for pin in ("peer==1", "peer==1", "peer==2")]
    assert made == [("peer==1",), ("peer==1",), ("peer==2",)]
    assert homes[0] == homes[1] != homes[2]


def test_lab_makes_an_environment_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that could not be made is not tried again in the same run."""
    tried: list[str] = []

    def lasting(name: str, requirements: Sequence[str]) -> environments.Environment:
        tried.append(name)
        raise OFFLINE

    monkeypatch.setattr("benchmarks.lab.lasting", lasting)
    lab = Lab(quick=True, scratch=tmp_path)
    taken = lab.side_by_side(5, one=lab.theirs("chaoslib_actions"), other=lab.theirs("their_histograms"))
    assert taken["one"].missing is taken["other"].missing is OFFLINE
    assert tried == ["references"]
