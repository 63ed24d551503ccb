"""What the live page shows: the state of a run as JSON, whole or as what is new."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from math import inf, isfinite
from typing import Any

from chaos_dashboard.series import Bucket
from chaos_dashboard.spread import Spread
from chaos_dashboard.timeline import Timeline
from chaoscore import Event, Fold, Found, Outcome, Report, RunStarted, Verdict, wilson
from chaoscore.reporters import landed, left_s, near, percent, share_done, visible

MOST_FINDINGS = 50
MOST_ERRORS = 10
MOST_REASONS = 10
TEXT_CHARS = 400
_OUTCOMES = (Outcome.OK, Outcome.FAILED, Outcome.FAULTED, Outcome.STUCK)
_NOT_YET = {False: "not opened yet", True: "nothing landed yet"}
_FRESH_S = 4.0
"""A longer time since the last update is not `now`."""
_LOOK_EVERY_S = 10.0
"""Seconds between two looks at what changes slowly and takes long; in a young run less."""


class Board:
    """
    The state of one run, as a page shows it. Expects one thread at a time.

    All text from the system under test is made visible here, and all of it stays text on the page.
    """

    def __init__(self) -> None:
        self._fold = Fold()
        self._timeline = Timeline()
        self._parts: dict[str, str] = {}
        self._width_s, self._shown_to = 0, 0.0
        self._slow: dict[str, str] = {}
        self._quantiles: tuple[float | None, ...] = (None, None)
        self._seen: object = None
        self._looked_at = -inf
        self._recent, self._recent_from = (Spread(), inf), 0.0

    @property
    def started(self) -> RunStarted | None:
        """Return the run's first event, or None before it."""
        return self._fold.started

    @property
    def ended(self) -> bool:
        """Tell whether the run is over."""
        return self._fold.ended

    @property
    def last_at(self) -> float:
        """Return the time of the latest event, seconds after the run started."""
        return self._fold.last_at

    def take(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        add = self._fold.add
        for event in events:
            add(event)
        self._timeline.add(events)

    def update(self, now_at: float) -> str:
        """Return as JSON what has changed since the last call."""
        self._refresh(now_at)
        timeline = self._timeline
        self._recent, self._recent_from = (timeline.recent, now_at - self._recent_from), now_at
        timeline.recent = Spread()
        since, width_s = self._shown_to, timeline.series.width_s
        if width_s != self._width_s:
            since, self._width_s = 0.0, width_s
        self._shown_to = timeline.last_at
        parts = self._texts(now_at)
        changed = {name: text for name, text in parts.items() if self._parts.get(name) != text}
        self._parts = parts
        return _joined({**changed, "series": _dump(self._series(since))})

    def whole(self, now_at: float) -> str:
        """Return the whole state as JSON."""
        self._refresh(now_at)
        return _joined({**self._texts(now_at), "series": _dump(self._series(0.0))})

    def _refresh(self, now_at: float) -> None:
        """Look again at what takes long, if something was found or opened or the last look is old."""
        self._timeline.settle()
        fold = self._fold
        seen = fold.findings, fold.kinds_of_findings, fold.open_injectors, fold.phase, fold.ended
        if seen != self._seen or not now_at - self._looked_at < min(_LOOK_EVERY_S, now_at / 60):
            self._seen, self._looked_at = seen, now_at
            self._look(fold.report(now_at))

    def _look(self, report: Report) -> None:
        self._quantiles = self._timeline.spread.quantiles(0.5, 0.99)
        self._slow = {
            "run": _dump(self._run()),
            "verdict": _dump(self._verdict(report)),
            "injectors": _dump(list(self._injectors(report))),
            "findings": _dump([self._finding(each) for each in report.findings[:MOST_FINDINGS]]),
            "errors": _dump(list(_errors(report))),
            "windows": _dump(list(self._windows())),
        }

    def _texts(self, now_at: float) -> dict[str, str]:
        return {**self._slow, "now": _dump(self._now(now_at))}

    def _run(self) -> dict[str, Any]:
        run = self._fold.started
        if run is None:
            return {}
        return {
            "scenario": _text(run.scenario),
            "target": _text(run.target),
            "workload": _text(run.workload),
            "seed": str(run.seed),
            "id": _text(run.run_id),
            "wall": _number(run.wall),
            "rerun": visible(run.rerun, 10_000),
            "iterations": run.iterations,
        }

    def _now(self, now_at: float) -> dict[str, Any]:
        fold, timeline = self._fold, self._timeline
        counts = fold.iterations.counts
        judged = fold.succeeded + fold.failed
        low, high = wilson(fold.succeeded, judged)
        p50, p99 = self._quantiles
        recent, span_s = self._recent
        lately = recent.quantiles(0.5, 0.99) if span_s < _FRESH_S else (None, None)
        sample = timeline.sample
        return {
            "elapsed": _number(now_at),
            "left": _number(left_s(fold, now_at)),
            "share": _number(share_done(fold, now_at)),
            "phase": _text(fold.phase),
            "ended": fold.ended,
            "counts": [counts[each] for each in _OUTCOMES],
            "success": percent(fold.succeeded / judged) if judged else None,
            "interval": f"95% {percent(low)} – {percent(high)}" if judged else None,
            "p50": p50,
            "p99": p99,
            "recent": [_round(each) for each in lately],
            "rate": round(recent.count / span_s, 1) if 0 < span_s < _FRESH_S else None,
            "active": [_text(each) for each in fold.open_injectors],
            "faults": fold.faults,
            "findings": fold.findings,
            "rss": sample and _number(sample.rss_bytes),
            "threads": sample and _number(sample.threads),
            "descriptors": sample and _number(sample.descriptors),
            "cpu": sample and _number(sample.cpu_s),
        }

    def _goes_on(self, report: Report) -> bool:
        return not self._fold.ended and report.interrupted is None and report.stopped is None

    def _verdict(self, report: Report) -> dict[str, Any]:
        """Return the verdict so far; that nothing has landed yet is no reason to worry anybody before the end."""
        verdict = report.verdict
        if self._goes_on(report) and verdict is Verdict.UNKNOWN and not report.troubles:
            verdict = Verdict.PASS
        reasons = [
            [each.verdict.value, _text(each.text)] for each in report.reasons if each.verdict.rank <= verdict.rank
        ]
        return {
            "is": verdict.value,
            "judged": report.iterations.judged > 0,
            "reasons": reasons[:MOST_REASONS],
            "interrupted": _text(report.interrupted or ""),
            "stopped": _text(report.stopped or ""),
            "reproduce": visible(report.reproduce or "", 10_000),
        }

    def _injectors(self, report: Report) -> Iterator[dict[str, Any]]:
        for each in report.injections:
            exposure = self._timeline.exposures.get(each.info.name)
            yield {
                "name": _text(each.info.name),
                "kind": _text(each.info.kind),
                "parameters": _text(_settings(each.info.parameters)),
                "window": _text(each.info.window),
                "open": exposure is not None and exposure.windows.is_open,
                "opened": each.opened,
                "fired": each.fired,
                "evidence": landed(each) if each.fired or not self._goes_on(report) else _NOT_YET[each.opened > 0],
                "where": [[near(place), count] for place, count in each.where[:3]],
                "detail": _text(", ".join(f"{name} {value}" for name, value in each.detail.items())),
            }

    def _finding(self, group: Any) -> dict[str, Any]:
        first: Found = group.first
        return {
            "validator": _text(group.validator),
            "severity": group.severity.value,
            "verdict": group.verdict.value,
            "count": group.count,
            "message": _text(first.message),
            "active": [_text(each) for each in first.active],
            "first": _number(first.at),
            "last": _number(group.last.at),
            "iteration": first.iteration,
            "step": _text(first.step or ""),
            "reproduce": visible(self._reproduce(first), 10_000),
        }

    def _reproduce(self, found: Found) -> str:
        """Return what runs the iteration of a finding again, or the run where it belongs to none."""
        run = self._fold.started
        if run is None:
            return ""
        if found.iteration is None or not run.rerun_one:
            return run.rerun
        return run.rerun_one.replace("{iteration}", str(found.iteration))

    def _windows(self) -> Iterator[list[Any]]:
        for index, exposure in enumerate(self._timeline.exposures.values()):
            for span in exposure.windows:
                yield [index, _number(span.start), None if span.end == inf else _number(span.end)]

    def _series(self, since: float) -> dict[str, Any]:
        series = self._timeline.series
        rows = [_row(at, bucket) for at, bucket in series.since(since)]
        begin = int(since) // series.width_s * series.width_s
        return {"width": series.width_s, "from": begin, "rows": rows}


def _row(at: float, bucket: Bucket) -> list[Any]:
    """Return one point of all charts: second, succeeded, not, p50, p99 (seconds), memory (bytes)."""
    outcomes = bucket.outcomes
    bad = outcomes[Outcome.FAILED] + outcomes[Outcome.FAULTED] + outcomes[Outcome.STUCK]
    p50, p99 = bucket.spread.quantiles(0.5, 0.99)
    sample = bucket.sample
    return [at, outcomes[Outcome.OK], bad, _round(p50), _round(p99), sample and _number(sample.rss_bytes)]


def _errors(report: Report) -> Iterator[dict[str, Any]]:
    for each in report.errors[:MOST_ERRORS]:
        yield {
            "step": _text(each.step),
            "count": each.count,
            "error": _text(f"{each.first.type}: {each.first.message}".removesuffix(": ")),
            "injected": _text(each.first.injected_by or ""),
        }


def _settings(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items() if value is not None)


def _text(value: str) -> str:
    return visible(value, TEXT_CHARS)


def _number(value: float | None) -> float | None:
    """Return *value* where JSON has it."""
    return value if value is not None and isfinite(value) else None


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _joined(parts: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}"
