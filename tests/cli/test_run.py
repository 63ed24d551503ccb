import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from chaoscore.cli.run import rerun

Chaos = Callable[..., Result]


def report(result: Result) -> dict[str, object]:
    """The report that ``--json`` prints."""
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("file", ["shop.py", "shop.toml", "shop.py:scenario"])
def test_a_scenario_runs(chaos: Chaos, file: str) -> None:
    """A Python or TOML file is run and judged; the report is on the standard output."""
    assert "VERDICT PASS" in chaos("run", file).stdout


def test_the_report_and_nothing_else_is_on_the_standard_output(chaos: Chaos) -> None:
    """Progress goes to the standard error."""
    result = chaos("run", "shop.py", "--seed", "7")
    assert "shop: 5 iterations" in result.stderr
    assert "VERDICT" not in result.stderr
    assert "shop: 5 iterations" not in result.stdout


def test_json_is_all_there_is(chaos: Chaos) -> None:
    """With ``--json`` the standard output is one JSON value."""
    found = report(chaos("run", "shop.py", "--json", "--seed", "7"))
    assert (found["scenario"], found["seed"], found["verdict"]) == ("shop", 7, "pass")


def test_quiet_shows_the_verdict_only(chaos: Chaos) -> None:
    """With ``--quiet`` there is no progress, and of the report a line."""
    result = chaos("run", "shop.py", "--quiet", "--seed", "7")
    assert (result.stdout, result.stderr) == ("shop: PASS (seed 7)\n", "")


def test_verbose_logs_to_the_standard_error(chaos: Chaos) -> None:
    """With ``--verbose`` log records say in which scenario they were made."""
    result = chaos("run", "shop.py", "--quiet", "--verbose")
    assert "INFO scenario=shop" in result.stderr
    assert "opened injector 'slow'" in result.stderr


def test_the_exit_code_is_the_verdict(chaos: Chaos) -> None:
    """A run that fails ends with 1."""
    assert "VERDICT FAIL" in chaos("run", "shop.py:losing", code=1).stdout


def test_options_change_the_workload(chaos: Chaos) -> None:
    """The command line has the word over the file."""
    found = report(chaos("run", "shop.py", "--repeat", "3", "--workers", "2", "--for", "1m", "--json"))
    assert found["workload"] == "3 iterations, at most 60 s, 2 workers"


def test_continue_goes_on_after_failures(chaos: Chaos) -> None:
    """Without ``--continue`` a run stops at the first failure."""
    stopped, went_on = (
        report(chaos("run", "shop.py:losing", "--json", *more, code=1))["iterations"] for more in ((), ("--continue",))
    )
    assert stopped["failed"] < went_on["failed"] == 5  # type: ignore[index]


def test_no_faults_injects_nothing(chaos: Chaos) -> None:
    """With ``--no-faults`` there are no injectors at all."""
    assert report(chaos("run", "shop.py", "--no-faults", "--json"))["injections"] == []


def test_one_iteration_alone(chaos: Chaos) -> None:
    """With ``--only-iteration`` one iteration is run."""
    found = report(chaos("run", "shop.py", "--only-iteration", "3", "--json", code=None))
    assert found["iterations"]["ok"] == 1  # type: ignore[index]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="cannot run here: no /dev/full")
@pytest.mark.parametrize("shown", [[], ["--quiet"], ["--json"]])
def test_a_report_that_cannot_be_written_is_told(chaos: Chaos, shown: list[str]) -> None:
    """A report whose disk is full stands in the one that is printed, which comes after it; the run is unstable."""
    result = chaos("run", "shop.py", "--report", "junit=/dev/full", *shown)
    assert result.exit_code == 0
    assert "cannot write /dev/full: No space left on device" in " ".join(result.stdout.split())
    assert "unstable" in result.stdout.lower()


def test_reports_are_written(chaos: Chaos, folder: Path) -> None:
    """Each ``--report`` writes a file of its kind, and ``--events`` the log."""
    chaos("run", "shop.py", "--report", "junit=a.xml", "--report", "json=b.json", "--events", "c.jsonl", "--quiet")
    assert (folder / "a.xml").read_text().startswith("<?xml")
    assert json.loads((folder / "b.json").read_text())["scenario"] == "shop"
    assert "runstarted" in (folder / "c.jsonl").read_text().splitlines()[0]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_report_on_the_standard_output_is_alone_there(chaos: Chaos, quiet: list[str]) -> None:
    """What another program is to read has no text around it; that goes to the standard error."""
    result = chaos("run", "shop.py", "--report", "json=-", *quiet)
    assert json.loads(result.stdout)["scenario"] == "shop"
    assert "PASS" in result.stderr


def test_a_reporter_is_an_option_of_its_own(chaos: Chaos, folder: Path) -> None:
    """``--KIND=PATH`` is short for ``--report KIND=PATH``; behind ``--`` nothing is an option."""
    chaos("run", "--junit=a.xml", "shop.py", "--markdown=b.md", "--quiet")
    assert (folder / "a.xml").read_text().startswith("<?xml")
    assert "shop" in (folder / "b.md").read_text()
    assert "--junit=c.xml" in chaos("run", "--", "shop.py", "--junit=c.xml", code=2).stderr


EAR = """
    from chaoscore import hookimpl

    class Ear:
        '''Hear that it is over.'''
        kind = "ear"
        def __init__(self, port="9464"):
            self.port = port
        def report(self, report):
            print("heard at", self.port)

    @hookimpl
    def chaos_reporters():
        return (Ear,)
"""


@pytest.mark.parametrize(("words", "port"), [(["--ear"], 9464), (["--ear=80"], 80), (["--report", "ear"], 9464)])
def test_a_reporter_may_do_without_a_path(
    chaos: Chaos, install: Callable[..., Path], words: list[str], port: int
) -> None:
    """Where a reporter's parameters have defaults, naming it is enough."""
    install("ear", EAR)
    assert f"heard at {port}" in chaos("run", "shop.py", "--quiet", *words).stdout


def test_a_reporter_that_fails_at_the_end_is_told(chaos: Chaos, install: Callable[..., Path]) -> None:
    """The printed report comes last and says which of the other reporters failed, and with what."""
    install("ear", EAR.replace('print("heard at", self.port)', 'raise OSError("the line is dead")'))
    stdout = chaos("run", "shop.py", "--ear").stdout
    assert "reporter 'ear'" in stdout
    assert "the line is dead" in stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--report", "junit"], "junit: it needs a path: --report junit=PATH"),
        (["--junit"], "junit: it needs a path: --report junit=PATH"),
        (["--junit="], "'junit=' is not of the form KIND=PATH, such as junit=report.xml"),
        (["--report", "=x"], "is not of the form KIND=PATH"),
        (["--report", "junit="], "is not of the form KIND=PATH"),
        (["--report", "juni=x"], "no reporter 'juni' (did you mean 'junit'?)"),
        (["--report", "junit=none/x.xml"], "its directory none does not exist"),
        (["--events", "."], "is a directory"),
        (["--report", "junit=x", "--report", "json=x"], "x is given twice"),
        (["--events", "x", "--report", "json=./x"], "x is given twice"),
        (["--json", "--report", "junit=-"], "- is given twice"),
        (["--events", "./shop.py"], "./shop.py would be overwritten while it is read"),
        (["--repeat", "0"], "0 is not in the range x>=1"),
        (["--repeat", "many"], "'many' is not a valid integer"),
        (["--for", "60"], "'60' has no unit, did you mean '60s'?"),
        (["--for", "0s"], "'0s' is not more than 0"),
        (["--workers", "0"], "0 is not in the range"),
        (["--seed", "x"], "'x' is not a valid integer"),
        (["--only-iteration", "-1"], "-1 is not in the range"),
        (["--sed", "5"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2(chaos: Chaos, words: list[str], message: str) -> None:
    """A wrong option is told before anything runs."""
    assert message in chaos("run", "shop.py", *words, code=2).stderr


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.toml", "there is no such file"),
        ("none/none.toml", "there is no such file"),
        (".", "it is a folder"),
        ("shop.py:half", "it has no target"),
        ("shop.py:shp", "it has no 'shp'"),
    ],
)
def test_an_invalid_scenario_ends_with_4(chaos: Chaos, file: str, message: str) -> None:
    """What cannot be run ends with 4 and a message that names the file."""
    result = chaos("run", file, code=4)
    assert message in result.stderr
    assert result.stdout == ""


def test_an_invalid_scenario_leaves_the_files_of_an_earlier_run(chaos: Chaos, folder: Path) -> None:
    """Nothing is overwritten for a run that does not take place."""
    (folder / "old.jsonl").write_text("old")
    chaos("run", "shop.py:half", "--events", "old.jsonl", code=4)
    assert (folder / "old.jsonl").read_text() == "old"


def test_a_broken_plugin_ends_with_3(chaos: Chaos, folder: Path, install: Callable[..., Path]) -> None:
    """A name that only a broken plugin could offer is not the scenario's fault."""
    install("bad", "1 / 0")
    (folder / "bad.toml").write_text((folder / "shop.toml").read_text().replace('"delay"', '"bad.delay"'))
    assert "plugin 'bad' of chaos-bad 1.0" in chaos("run", "bad.toml", code=3).stderr
    assert "plugin 'bad' of chaos-bad 1.0" in chaos("run", "shop.py", "--report", "bad=x", code=3).stderr


def test_a_broken_plugin_that_nobody_needs_is_no_matter(chaos: Chaos, install: Callable[..., Path]) -> None:
    """Runs do not suffer from plugins that they do not use."""
    install("bad", "1 / 0")
    result = chaos("run", "shop.toml", "--quiet")
    assert (result.stdout, result.stderr) == ("shop: PASS (seed 42)\n", "")


def test_secrets_are_shown_nowhere(chaos: Chaos, folder: Path) -> None:
    """A password from the environment appears in no output of a run that fails with it."""
    text = (folder / "shop.toml").read_text().replace("shop:buy", "shop:lose")
    (folder / "lose.toml").write_text(text)
    words = ["--report", "junit=a.xml", "--report", "markdown=b.md", "--report", "json=c.json", "--events", "d.jsonl"]
    result = chaos("run", "lose.toml", "--verbose", *words, code=None)
    assert "lost: db://me:***@host" in result.stdout
    written = [(folder / name).read_text() for name in ("a.xml", "b.md", "c.json", "d.jsonl")]
    assert all("lost" in text for text in written)
    assert "hunter2" not in "".join([result.stdout, result.stderr, *written])


def test_the_command_that_reproduces_can_be_pasted(chaos: Chaos, folder: Path) -> None:
    """The command in the report has file and options as they were given, quoted, and the seed that was drawn."""
    (folder / "my shop.py").write_text((folder / "shop.py").read_text())
    found = report(chaos("run", "my shop.py:losing", "--for", "90s", "--workers", "2", "--json", "--quiet", code=1))
    assert found["reproduce"] == f"chaoscore run 'my shop.py:losing' --for 90s --workers 2 --seed {found['seed']}"


def test_the_command_that_reproduces_does(chaos: Chaos) -> None:
    """Running the command again gives the same verdict by the same seed."""
    first = report(chaos("run", "shop.py:losing", "--continue", "--json", code=1))
    words = str(first["rerun"]).split()[1:]
    second = report(chaos(*words, "--json", code=1))
    assert (second["seed"], second["rerun"]) == (first["seed"], first["rerun"])


def test_a_failure_that_builds_up_is_reproduced(chaos: Chaos, folder: Path) -> None:
    """What a step can only do after others is reproduced by all of them; its iteration alone is a second offer."""
    source = (
        "def wear(shop):\n    shop.stock -= 3\n    assert shop.stock >= 0\nworn = base.step('wear', wear).repeat(9)\n"
    )
    (folder / "shop.py").write_text(f"{(folder / 'shop.py').read_text()}\n{source}")
    first = json.loads(chaos("run", "shop.py:worn", "--json", code=1).stdout)
    again = json.loads(chaos(*shlex.split(first["reproduce"])[1:], "--json", code=1).stdout)
    assert [each["iteration"] for each in (*first["errors"], *again["errors"])] == [3, 3]
    assert first["reproduce_alone"] == f"{first['reproduce']} --only-iteration 3"


def test_one_iteration_is_reproduced_as_it_was_run(chaos: Chaos) -> None:
    """What reproduces a run of one iteration is the very same command, with the seed."""
    result = report(chaos("run", "shop.py:losing", "--only-iteration", "3", "--seed", "5", "--json", code=1))
    assert result["reproduce"] == "chaoscore run shop.py:losing --only-iteration 3 --seed 5"
    assert result["reproduce_alone"] is None


def test_outputs_are_not_repeated(chaos: Chaos) -> None:
    """The command that reproduces writes no files: it must not overwrite what is to be explained."""
    options = dict.fromkeys(("repeat", "run_for", "workers", "only_iteration"))
    command = rerun(
        "-odd.py",
        options
        | {
            "go_on": True,
            "no_faults": True,
            "events": "x",
            "outputs": [("json", "y")],
            "allow": ("10.0.0.1",),
            "production": False,
        },
    )
    assert command == "chaoscore run ./-odd.py --continue --no-faults --allow 10.0.0.1 --seed {seed}"


def test_modules_beside_the_file_can_be_imported_while_it_runs(chaos: Chaos, folder: Path) -> None:
    """A step that imports a module beside the file when it is called finds it."""
    (folder / "late_shop.py").write_text("VALUE = 5")
    source = "def lazy(shop):\n    import late_shop\n    raise LookupError(late_shop.VALUE)\n"
    source += "lazily = base.step('lazy', lazy)\n"
    (folder / "shop.py").write_text(f"{(folder / 'shop.py').read_text()}\n{source}")
    assert "LookupError: 5" in chaos("run", "shop.py:lazily", code=1).stdout
