"""The report as JUnit XML, for continuous integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import attrs

from chaoscore.report import ExpectationReport, Report, StepReport
from chaoscore.reporters.files import file_path, write_whole
from chaoscore.reporters.text import duration, occurrence, outcome, render
from chaoscore.reporters.visible import date, visible, visible_lines
from chaoscore.verdict import Verdict

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ALL_LINES = 100_000
_TAGS = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}


class Case(NamedTuple):
    """
    One test case.

    Attributes:
        group: What it is one of: steps, expectations, thresholds, run.
        name: Its name.
        verdict: Fail makes it a failure, unknown an error; unstable passes, as it does in the exit code.
        message: Why, in one line.
        detail: What there is to say, in many.
        time_s: Seconds it took.
    """

    group: str
    name: str
    verdict: Verdict
    message: str
    detail: str
    time_s: float = 0.0


@attrs.frozen
class Junit:
    """
    Writes the report as JUnit XML: a case for each step, expectation and threshold, and one for the run as a whole.

    Attributes:
        path: The file; ``-`` is the standard output.
    """

    path: Path = attrs.field(converter=file_path)

    kind: ClassVar[str] = "junit"

    def report(self, report: Report) -> None:
        """Write *report*."""
        write_whole(self.path, render_xml(report))


def render_xml(report: Report) -> bytes:
    """Return *report* as JUnit XML. Characters that XML cannot hold are shown by their escapes."""
    from xml.etree.ElementTree import (
        Element,
        SubElement,
        indent,
        tostring,
    )  # 5 ms that other reporters need not wait for

    cases = list(cases_of(report))
    numbers = {
        "name": visible(report.scenario),
        "tests": str(len(cases)),
        "failures": str(sum(case.verdict is Verdict.FAIL for case in cases)),
        "errors": str(sum(case.verdict is Verdict.UNKNOWN for case in cases)),
        "skipped": "0",
        "time": f"{report.duration_s:.6f}",
    }
    root = Element("testsuites", numbers)
    suite = SubElement(root, "testsuite", {**numbers, "timestamp": _timestamp(report)})
    properties = SubElement(suite, "properties")
    for name, value in _properties(report).items():
        SubElement(properties, "property", name=visible(name), value=visible(value, 10_000))
    for case in cases:
        suite.append(_element(report, case))
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def cases_of(report: Report) -> Iterator[Case]:
    """Yield everything that *report* judges."""
    for step in report.steps:
        yield _step(report, step)
    for expectation in report.expectations:
        yield _expectation(report, expectation)
    for each in report.thresholds:
        verdict = Verdict.PASS if each.breach is None else each.verdict
        yield Case("thresholds", each.name, verdict, each.breach or "", each.limit)
    message = "; ".join(reason.text for reason in report.reasons)
    yield Case("run", "verdict", report.verdict, message, render(report), report.duration_s)


def _step(report: Report, step: StepReport) -> Case:
    """Return the case of a step: it fails where failures that no fault explains fail the run."""
    failures = step.counts.failed + step.counts.stuck
    brings = next((each.verdict for each in report.thresholds if each.name == "real_failure"), Verdict.PASS)
    errors = [
        f"{each.count:,} x {each.first.type}: {each.first.message}" for each in report.errors if each.step == step.name
    ]
    tracebacks = [each.first.traceback for each in report.errors if each.step == step.name and each.first.traceback]
    message = (
        f"{outcome(step.counts)}; {errors[0]}" if failures and errors else outcome(step.counts) if failures else ""
    )
    detail = "\n".join([outcome(step.counts), duration(step.timing), *errors, *tracebacks[:1]])
    time_s = step.timing.mean_s * step.timing.count
    return Case("steps", step.name, brings if failures else Verdict.PASS, message, detail, time_s)


def _expectation(report: Report, expectation: ExpectationReport) -> Case:
    name = expectation.info.name
    groups = [each for each in report.findings if each.validator == name]
    texts = [f"{each.count:,} x {each.first.message} (first: {occurrence(each.first)})" for each in groups]
    texts += [
        f"{each.hook} failed: {each.error.type}: {each.error.message}"
        for each in report.troubles
        if each.who == f"validator {name!r}"
    ]
    stacks = [each.first.stack for each in groups if each.first.stack]
    return Case("expectations", name, expectation.verdict, texts[0] if texts else "", "\n".join([*texts, *stacks[:1]]))


def _properties(report: Report) -> dict[str, str]:
    commands = {"rerun": report.rerun, "reproduce": report.reproduce, "reproduce_alone": report.reproduce_alone}
    return {
        "seed": str(report.seed),
        "run_id": report.run_id,
        "verdict": report.verdict.value,
        "exit_code": str(int(report.exit_code)),
        "workload": report.workload,
        "target": report.target,
        **{name: command for name, command in commands.items() if command},
        **report.environment,
    }


def _element(report: Report, case: Case) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    class_name = f"{visible(report.scenario)}.{case.group}"
    element = Element("testcase", classname=class_name, name=visible(case.name), time=f"{case.time_s:.6f}")
    tag = _TAGS.get(case.verdict)
    detail = "\n".join(visible_lines(case.detail, _ALL_LINES))
    if tag is not None:
        SubElement(element, tag, message=visible(case.message), type=case.verdict.value).text = detail
    elif detail or case.message:
        head = f"{case.verdict.value}: {visible(case.message)}\n" if case.message else ""
        SubElement(element, "system-out").text = head + detail
    return element


def _timestamp(report: Report) -> str:
    return date(report.started_wall).removesuffix(" UTC").replace(" ", "T")
