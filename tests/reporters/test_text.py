"""A report as plain text."""

import pytest
from hypothesis import given, settings

from chaoscore.events import ErrorInfo, Event, ExpectationInfo, Found, Outcome
from chaoscore.fold import Fold, replay
from chaoscore.reporters.text import aligned, lines, occurrence, render, short_lines, success
from tests.fold.history import REAL, failing, found, iteration, passing, started
from tests.fold.strategies import HOSTILE, streams

PASSING = """\
scenario    job-claim
target      racy queue
workload    8 iterations, 2 workers
seed        42
run         20261120-142001-abc123, 2026-11-20 14:20:01 UTC, took 1 s
system      chaoscore 0.1.0, python CPython 3.11.7
iterations  8: 8 ok
success     100% (95% confidence 67.56% to 100%)
duration    mean 10 ms, p50 10 ms, p90 10 ms, p99 10 ms, max 10 ms

STEPS
  step    calls  ok   mean    p50    p99    max
  claim       8   8  10 ms  10 ms  10 ms  10 ms
  finish      0   0    0 s    0 s    0 s    0 s

VERDICT PASS

FAULTS
  pause  delay  landed 1 time in 8 asks
    1 x before:claim
"""

FAILING = """\
FAULTS LEFT BEHIND: injector 'pause' could not be lifted; see below

scenario    job-claim
target      racy queue
workload    8 iterations, 2 workers
seed        42
run         20261120-142001-abc123, 2026-11-20 14:20:01 UTC, took 1 s
system      chaoscore 0.1.0, python CPython 3.11.7
iterations  8: 3 ok, 2 failed, 1 faulted, 1 stuck, 1 cancelled
success     42.86% (95% confidence 15.82% to 74.95%)
duration    mean 723 ms, p50 10 ms, p90 5 s, p99 5 s, max 5 s

STEPS
  step    calls  ok  failed  faulted  stuck  cancelled   mean    p50    p99    max
  claim       7   3       2        1      0          1  10 ms  10 ms  10 ms  10 ms
  finish      1   0       0        0      1          0    5 s    5 s    5 s    5 s

ERRORS out of steps
      2 x  sqlite3.OperationalError: database is locked
           step 'claim', at shop/jobs.py:41 in claim; first in iteration 3 at 400 ms, last at 600 ms
           Traceback (most recent call last):
             File "/srv/ann/shop/jobs.py", line 41, in claim
               db.execute(SQL)
           sqlite3.OperationalError: database is locked
      1 x  stuck: did not return within 5 s
           step 'finish'; first in iteration 6 at 650 ms
             File "/srv/ann/shop/jobs.py", line 60, in finish
               lock.acquire()
      1 x  chaoscore.errors.InjectedError: injected (injected by 'db.error')
           step 'claim', at shop/jobs.py:39 in claim; first in iteration 4 at 500 ms

VERDICT FAIL
  fail      injector 'pause': lift failed: ProcessLookupError: no such process
  fail      no-double: job 17 assigned to 3 bots (first of 2 findings)
  fail      stopped: at the first failure, in iteration 3
  fail      success rate 42.86% is below 95.00% (3 of 7 iterations)
  unstable  reporter 'json': follow failed: ProcessLookupError: disk full
  unstable  of 7 iterations, 2 failed and 1 got stuck without an injected fault
  unstable  injector 'panic' did not land: asked 8 times, fired 0
  held      threads

FAULTS
  pause     delay  landed 3 times
    3 x before:claim
  db.error  error  landed 1 time in 8 asks
    rows 3
    1 x db.read at shop/jobs.py:39 in claim
  panic     panic  did not land: asked 8 times, fired 0

FINDINGS
  critical  no-double, 2 times
            first  job 17 assigned to 3 bots
                   step 'claim', iteration 3, worker 1, at 710 ms, with pause, db.error open
            last   job 9 assigned to 2 bots
                   iteration 5, worker 0, at 720 ms

TROUBLES, the first first
  fail      injector 'pause': lift failed at 900 ms: ProcessLookupError: no such process
            at shop/faults.py:7 in lift
  unstable  reporter 'json': follow failed at 900 ms: ProcessLookupError: disk full
            at shop/faults.py:7 in lift

REPRODUCE
  chaoscore run jobs.py --seed 42
  that iteration alone: chaoscore run jobs.py --seed 42 --only-iteration 3
"""


def test_a_run_that_passes() -> None:
    """The text of a run in which all is well, character by character."""
    assert render(replay(passing())) == PASSING


def test_a_run_in_which_much_goes_wrong() -> None:
    """The text of a run with errors, findings, troubles and faults left behind, character by character."""
    assert render(replay(failing())) == FAILING


def test_the_short_form_is_verdict_reasons_and_command() -> None:
    """What `--quiet` leaves still says what happened and what to do."""
    text = [line.text for line in short_lines(replay(failing()))]
    assert text[0] == "job-claim: FAIL (seed 42)"
    assert text[1] == "  fail      injector 'pause': lift failed: ProcessLookupError: no such process"
    assert text[-1] == "  chaoscore run jobs.py --seed 42"
    assert [line.text for line in short_lines(replay(passing()))] == ["job-claim: PASS (seed 42)"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_keep_within_the_width(width: int) -> None:
    """Long messages are broken, with the rest below their beginning; numbers stay with their units."""
    events = [
        started(steps=()),
        found("a long message about 12 ms of something " * 20, active=("pause",)),
        *iteration(0),
    ]
    text = render(replay(events), width)
    assert max(map(len, text.splitlines())) <= width
    assert not any(line.rstrip().endswith(" 12") for line in text.splitlines())


def test_a_command_is_never_broken() -> None:
    """What is there to be copied stays on one line."""
    command = "chaoscore run " + "x" * 300
    report = replay([started(rerun=command), found()])
    assert f"  {command}\n" in render(report, 60)


def test_the_evidence_of_a_finding_is_shown() -> None:
    """The stack that came with a finding stands below it, the innermost lines of it."""
    stack = "\n".join(f"frame {number}" for number in range(100))
    text = render(replay([started(), found(stack=stack)]))
    assert "... 88 more lines" in text
    assert "frame 99" in text
    assert "frame 87" not in text


def test_what_is_left_out_is_counted() -> None:
    """Of very many kinds of errors the first are shown, and the number of the others."""
    words = [chr(ord("a") + index) * 3 for index in range(15)]
    events = [event for word in words for event in iteration(1, Outcome.FAILED, ErrorInfo("E", word))]
    assert "and 5 more kinds of error, in the JSON report" in render(replay([started(), *events]))


def test_real_errors_come_before_injected_ones() -> None:
    """However many injected errors there are, the real one stands first, with its traceback."""
    injected = ErrorInfo("E", "injected", injected_by="x")
    many = [event for number in range(50) for event in iteration(number, Outcome.FAULTED, injected)]
    text = render(replay([started(), *many, *iteration(60, Outcome.FAILED, REAL)]))
    assert text.index("database is locked") < text.index("injected by")
    assert "Traceback" in text


def test_expectations_that_held_are_named() -> None:
    """A pass says what was looked at; a run in which nothing happened does not claim that anything held."""
    info = (ExpectationInfo("threads", "thread_limit", {}),)
    assert "  held      threads" in render(replay([started(expectations=info), *passing()[1:]]))
    assert "held" not in render(replay([started(expectations=info)]))


def test_where_a_finding_belongs_to_the_run_only_its_time_is_said() -> None:
    """Places that a finding does not know are left out; iteration 0 is a place."""
    assert occurrence(found()) == "at 500 ms"
    assert occurrence(found(iteration=0, worker=0)) == "iteration 0, worker 0, at 500 ms"


def test_success_says_nothing_of_nothing() -> None:
    """Without an iteration there is no rate."""
    assert success(Fold().report().iterations) == "nothing to judge"


def test_a_table_is_aligned() -> None:
    """Numbers stand to the right, words to the left."""
    assert aligned([["step", "calls"], ["a", "1,000"], ["long name", "7"]]) == [
        "step       calls",
        "a          1,000",
        "long name      7",
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_cannot_leave_its_line(hostile: str) -> None:
    """No character that moves a cursor or breaks a line gets through, in any field."""
    for line in lines(replay(hostile_run(hostile))):
        assert line.text.isprintable(), line


def hostile_run(text: str) -> list[Event]:
    """Return a run with *text* in every field that the system under test, or its author, can fill."""
    error = ErrorInfo(text, text, where=text, traceback=f"a\n{text}\nb")
    everything = started(
        scenario=text, target=text, workload=text, run_id=text, steps=(text,), environment={text: text}
    )
    finding = Found(0.1, text, found().severity, text, found().verdict, step=text, active=(text,), stack=text)
    return [everything, *iteration(0, Outcome.FAILED, error, step=text), finding]


@settings(max_examples=100, deadline=None)
@given(streams)
def test_any_report_can_be_shown(events: list[Event]) -> None:
    """Every report has a text of printable lines that names its verdict."""
    report = replay(events)
    text = render(report)
    assert f"VERDICT {report.verdict.value.upper()}" in text
    assert all(line.isprintable() for line in text.splitlines())
