"""The report as JUnit XML."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from chaoscore.events import Event, ExpectationInfo, InjectionInfo, Outcome
from chaoscore.fold import replay
from chaoscore.reporters import junit
from chaoscore.reporters.junit import cases_of, render_xml
from chaoscore.verdict import ExitCode, Verdict
from tests.fold.history import REAL, failing, found, iteration, passing, started, trouble
from tests.fold.strategies import HOSTILE, streams
from tests.reporters.test_text import hostile_run


def parsed(events: list[Event]) -> ElementTree.Element:
    return ElementTree.fromstring(render_xml(replay(events)))


def test_every_step_expectation_and_threshold_is_a_case(tmp_path: Path) -> None:
    """The file holds one suite with a case for each thing that was judged, and one for the run."""
    junit(tmp_path / "report.xml").report(replay(failing()))
    suites = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")] == [
        ("job-claim.steps", "claim"),
        ("job-claim.steps", "finish"),
        ("job-claim.expectations", "no-double"),
        ("job-claim.expectations", "threads"),
        ("job-claim.thresholds", "min_success_rate"),
        ("job-claim.thresholds", "real_failure"),
        ("job-claim.run", "verdict"),
    ]


def test_the_suite_says_how_to_run_it_again() -> None:
    """Seed, run and commands are properties of the suite."""
    properties = {each.get("name"): each.get("value") for each in parsed(failing()).iter("property")}
    assert properties["seed"] == "42"
    assert properties["exit_code"] == "6"
    assert properties["reproduce"] == "chaoscore run jobs.py --seed 42"
    assert properties["python"] == "CPython 3.11.7"


def test_counts_are_those_of_the_cases() -> None:
    """What the attributes say is what a reader counts."""
    suite = parsed(failing())[0]
    assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure")) == 3
    assert int(suite.get("errors", "")) == len(suite.findall("testcase/error")) == 0
    assert suite.get("time") == "1.000000"
    assert suite.get("timestamp") == "2026-11-20T14:20:01"


@pytest.mark.parametrize(
    ("events", "red"),
    [
        (passing(), False),
        (failing(), True),
        ([started(injections=(InjectionInfo("x", "delay", {}),)), *passing()[1:]], False),
        ([started(injections=(InjectionInfo("x", "delay", {}),)), *iteration(0), *passing()[-1:]], True),
        ([started(), *passing()[-1:]], True),
    ],
)
def test_a_suite_is_red_exactly_when_the_exit_code_says_so(events: list[Event], red: bool) -> None:
    """A run that is unknown is never green, and an unstable one is not red."""
    suite = parsed(events)[0]
    assert bool(int(suite.get("failures", "")) + int(suite.get("errors", ""))) is red
    assert (replay(events).exit_code != ExitCode.OK) is red


def test_a_step_fails_as_the_thresholds_say() -> None:
    """A real failure is a failed case under the strict preset, and a remark under the default."""
    many = [event for number in range(100) for event in iteration(number)]
    events = [*many, *iteration(9, Outcome.FAILED, REAL), *passing()[-1:]]
    for goals, tag in (({"real_failure": "fail"}, "failure"), ({"real_failure": "unstable"}, "system-out")):
        case = parsed([started(thresholds=goals), *events]).find(".//testcase[@name='claim']")
        assert case is not None
        (element,) = case
        assert element.tag == tag
        assert "database is locked" in (element.text or "")
        assert "jobs.py" in (element.text or ""), "the traceback is there"


def test_a_validator_that_crashed_is_an_error() -> None:
    """Unknown is told apart from failed."""
    info = (ExpectationInfo("threads", "thread_limit", {}),)
    case = parsed([started(expectations=info), trouble("validator 'threads'", "check")]).find(
        ".//testcase[@name='threads']"
    )
    assert case is not None
    assert [element.tag for element in case] == ["error"]
    assert case[0].get("message") == "check failed: ProcessLookupError: no such process"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_still_xml(hostile: str) -> None:
    """Characters that XML cannot hold, and markup, come back as text."""
    root = parsed(hostile_run(hostile))
    assert not list(root.iter("script"))
    assert len(root[0].findall("testcase")) == len(list(cases_of(replay(hostile_run(hostile)))))


@settings(max_examples=100, deadline=None)
@given(streams)
def test_any_report_is_valid_xml(events: list[Event]) -> None:
    """The XML of every report parses back with the same counts."""
    report = replay(events)
    suite = ElementTree.fromstring(render_xml(report))[0]
    cases = list(cases_of(report))
    assert len(suite.findall("testcase")) == len(cases)
    assert len(suite.findall("testcase/failure")) == sum(case.verdict is Verdict.FAIL for case in cases)
    assert len(suite.findall("testcase/error")) == sum(case.verdict is Verdict.UNKNOWN for case in cases)


def test_findings_are_the_text_of_their_expectation() -> None:
    """All kinds of findings of a validator, with the first stack, are in its case."""
    info = (ExpectationInfo("no-double", "state_consistency", {}),)
    events = [started(expectations=info), found(stack="in claim"), found("another thing")]
    failure = parsed(events).find(".//failure[@type='fail']")
    assert failure is not None
    assert (failure.text or "").splitlines() == [
        "1 x job 17 assigned to 3 bots (first: at 500 ms)",
        "1 x another thing (first: at 500 ms)",
        "in claim",
    ]
