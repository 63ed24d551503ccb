"""The drawings of the report, as SVG written by hand: a day of a run in about 40 kB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from chaos_dashboard.axes import Axis, decades, moment, rounds, short_duration, short_time, times
from chaos_dashboard.markup import Markup, join, tag
from chaos_dashboard.series import Bucket
from chaos_dashboard.spread import Spread
from chaos_dashboard.timeline import AFTER, BEFORE, DURING, Exposure, Timeline
from chaoscore import Outcome, Verdict, show_bytes, show_seconds

COLUMNS = 480
WIDTH, LEFT, RIGHT = 1100, 144, 1090
LANE, MOST_LANES = 22, 12
HUES = 8
NEARLY_ALL = 0.8
"""Share of the width beyond which a window is shown on its lane only, not as a shade behind the curves."""

_BAD = (Outcome.FAILED, Outcome.FAULTED, Outcome.STUCK)
Point = tuple[float, float | None]


def hue(index: int) -> str:
    """Return the class that gives the injector of that number its colour."""
    return f"c{index % HUES}"


# -- the run over time


def time_line(timeline: Timeline, end_s: float) -> Markup:
    """Return faults, latency, throughput and memory over one scale of time, *end_s* seconds long."""
    x = Axis(0.0, max(end_s, 0.001), LEFT, RIGHT)
    columns = list(_columns(timeline, end_s))
    lanes = list(timeline.exposures.items())[:MOST_LANES]
    top = 12 + LANE * len(lanes) + (6 if lanes else 0)
    latency, rate, memory = (top, top + 190), (top + 222, top + 312), (top + 344, top + 404)
    has_memory = any(each.bucket.sample and each.bucket.sample.rss_bytes for each in columns)
    bottom = memory[1] if has_memory else rate[1]
    parts = [
        _shades(lanes, x, latency[0], bottom),
        _time_grid(x, latency[0], bottom),
        _lanes(lanes, timeline, columns, x),
        _latency(columns, x, *latency),
        _rate(columns, x, *rate),
        _memory(columns, x, *memory) if has_memory else None,
        _marks(timeline, x, latency[0]),
    ]
    return _svg(join(parts), bottom + 30, "The run over time: faults, latency, iterations per second, memory")


class Column(NamedTuple):
    """
    What is drawn at one place.

    Attributes:
        start: Second at which it begins.
        span_s: Seconds that it spans, of those that the run lasted.
        bucket: What happened in it.
    """

    start: float
    span_s: float
    bucket: Bucket

    @property
    def middle(self) -> float:
        """Return the second in its middle."""
        return self.start + self.span_s / 2


def _columns(timeline: Timeline, end_s: float) -> list[Column]:
    """Return the buckets of the run, some together where there are more than can be told apart."""
    series = timeline.series
    span_s = series.width_s * (-(-len(list(series)) // COLUMNS) or 1)
    merged: dict[int, Bucket] = {}
    for at, bucket in series:
        merged.setdefault(int(at // span_s), Bucket()).merge(bucket)
    columns = [Column(n * span_s, min(span_s, max(end_s - n * span_s, 0.0)), each) for n, each in merged.items()]
    if len(columns) > 1 and columns[-1].span_s < span_s / 4:  # too short to say anything by itself
        last, before = columns.pop(), columns.pop()
        before.bucket.merge(last.bucket)
        columns.append(before._replace(span_s=before.span_s + last.span_s))
    return columns


def _shades(lanes: Sequence[tuple[str, Exposure]], x: Axis, top: float, bottom: float) -> Iterator[Markup]:
    """Yield the shades behind the curves; a window that spans nearly all tells no time from another and has none."""
    for index, (name, exposure) in enumerate(lanes):
        for start, width, title in _spans(exposure, x, name):
            if float(width) > NEARLY_ALL * (RIGHT - LEFT):
                continue
            yield tag(
                "rect",
                tag("title", title),
                class_=f"shade {hue(index)}",
                x=start,
                y=top,
                width=width,
                height=bottom - top,
            )


def _spans(exposure: Exposure, x: Axis, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield where each window begins, how wide it is drawn, and what it is."""
    for span in exposure.windows:
        start, end = x(span.start), x(min(span.end, x.high))
        until = "the end" if span.end == inf else moment(span.end)
        more = f", {span.openings:,} windows" if span.openings > 1 else ""
        yield _n(start), _n(max(end - start, 1.2)), f"{name}: {moment(span.start)} to {until}{more}"


def _lanes(
    lanes: Sequence[tuple[str, Exposure]], timeline: Timeline, columns: Sequence[Column], x: Axis
) -> Iterator[Markup]:
    """Yield a lane for each injector: its windows, and on them a tick wherever a fault landed."""
    for index, (name, exposure) in enumerate(lanes):
        middle = 12 + LANE * index + LANE / 2 - 2
        yield tag("path", d=f"M{LEFT} {_n(middle)}H{RIGHT}", class_=f"rail {hue(index)}")
        for start, width, title in _spans(exposure, x, name):
            box = {"x": start, "y": _n(middle - 5), "width": width, "height": 10, "rx": 2}
            yield tag("rect", tag("title", title), class_=f"window {hue(index)}", **box)
        places = (_landed(each, exposure) for each in columns if name in each.bucket.fired)
        ticks = "".join(f"M{_n(x(at))} {_n(middle - 3)}v6" for at in places)
        if ticks:
            yield tag("path", d=ticks, class_=f"tick {hue(index)}")
        yield tag("text", _cut(name, 21), x=LEFT - 12, y=_n(middle + 4), class_="lane")


def _landed(column: Column, exposure: Exposure) -> float:
    """Return where to show that faults landed in a column: in the middle of what its window has of it."""
    end = column.start + column.span_s
    for span in exposure.windows:
        if span.start <= end and span.end >= column.start:
            return (max(span.start, column.start) + min(span.end, end)) / 2
    return column.middle


def _latency(columns: Sequence[Column], x: Axis, top: float, bottom: float) -> Iterator[Markup]:
    p50, p99 = [], []
    for each in columns:
        middle, late = each.bucket.spread.quantiles(0.5, 0.99)
        p50.append((each.middle, middle))
        p99.append((each.middle, late))
    values = [value for _, value in (*p50, *p99) if value]
    yield _caption("Latency", "p50, p99", top)
    if not values:
        return
    y = _log_axis(min(values), max(values), bottom, top + 6)
    yield from _grid(y, decades(y.low, y.high), short_duration)
    gap = _gap(columns)
    yield tag("path", d=_path(p99, x, y, gap), class_="p99")
    yield tag("path", d=_path(p50, x, y, gap), class_="p50")


def _rate(columns: Sequence[Column], x: Axis, top: float, bottom: float) -> Iterator[Markup]:
    good = [(each.middle, each.bucket.outcomes[Outcome.OK] / (each.span_s or 1)) for each in columns]
    bad = [(each.middle, sum(each.bucket.outcomes[way] for way in _BAD) / (each.span_s or 1)) for each in columns]
    highest = max((value for _, value in (*good, *bad)), default=0.0)
    yield _caption("Per second", "succeeded, not", top)
    y = Axis(0.0, highest * 1.08 or 1.0, bottom, top)
    yield from _grid(y, rounds(highest, 3), lambda value: f"{value:g}")
    for points, name in ((good, "good"), (bad, "bad")):
        line = _path(points, x, y, inf)
        if line:
            first = x(points[0][0])
            yield tag("path", d=f"{line}V{_n(bottom)}H{_n(first)}Z", class_=f"under {name}")
            yield tag("path", d=line, class_=name)


def _memory(columns: Sequence[Column], x: Axis, top: float, bottom: float) -> Iterator[Markup]:
    samples = [(each.middle, each.bucket.sample) for each in columns]
    points = [(at, float(sample.rss_bytes)) for at, sample in samples if sample and sample.rss_bytes]
    highest = max(value for _, value in points)
    yield _caption("Memory", "resident", top)
    y = Axis(0.0, highest * 1.08, bottom, top)
    unit = 2.0**30 if highest > 2**31 else 2.0**20
    yield from _grid(y, [each * unit for each in rounds(highest / unit, 2)], show_bytes)
    yield tag("path", d=_path(points, x, y, inf), class_="held")


def _marks(timeline: Timeline, x: Axis, top: float) -> Iterator[Markup]:
    """Yield a mark for each finding on the upper edge of the chart of latency; those at one place are one."""
    worst: dict[int, tuple[float, Verdict]] = {}
    for at, verdict in timeline.marks:
        place = round(x(at) / 4)
        if place not in worst or verdict.rank > worst[place][1].rank:
            worst[place] = (at, verdict)
    for at, verdict in worst.values():
        title = tag("title", f"{verdict.value}: found at {moment(at)}")
        yield tag("path", title, d=f"M{_n(x(at))} {_n(top + 9)}l-4.5 -8h9Z", class_=f"mark {verdict.value}")


# -- before, during and after a fault


def spreads(exposure: Exposure, index: int) -> Markup | None:
    """Return how durations spread before, during and after one injector was open; None where there were none."""
    groups = [(name, exposure.spreads[name]) for name in (BEFORE, DURING, AFTER) if exposure.spreads[name]]
    if not groups:
        return None
    low, high = _range(spread for _, spread in groups)
    x = _log_axis(low, high, 78, 508)
    height, row = 20 + 46 * len(groups), 46
    bottom = height - 16
    lines = [tag("path", d=f"M{_n(x(each))} 4V{bottom}", class_="grid") for each in decades(x.low, x.high)]
    labels = [tag("text", short_duration(each), x=_n(x(each)), y=height - 2, class_="at") for each in _labelled(x)]
    rows = [_ridge(name, spread, x, row * (number + 1) - 4, index) for number, (name, spread) in enumerate(groups)]
    return _svg(join([*lines, *labels, *rows]), height, "Spread of durations before, during and after", 520)


def _labelled(x: Axis) -> list[float]:
    found = decades(x.low, x.high)
    return found[:: -(-len(found) // 6)]


def _range(groups: Iterable[Spread]) -> tuple[float, float]:
    found = [each for spread in groups for each in spread.quantiles(0.001, 0.999) if each]
    return min(found, default=1e-3), max(found, default=1e-2)


def _ridge(name: str, spread: Spread, x: Axis, base: float, index: int) -> Markup:
    points = list(spread.density())
    highest = max(share for _, share in points)
    tone = hue(index) if name == DURING else "calm"
    shape = "".join(f"L{_n(x(at))} {_n(base - 34 * share / highest)}" for at, share in points if at > 0)
    ends = [x(at) for at, _ in points if at > 0] or [x.start]
    parts = [
        tag("text", name, x=66, y=_n(base - 6), class_="lane"),
        tag("path", d=f"M{_n(ends[0])} {_n(base)}{shape}L{_n(ends[-1])} {_n(base)}Z", class_=f"ridge {tone}"),
    ]
    for value, share in zip(spread.quantiles(0.5, 0.99), ("p50", "p99"), strict=True):
        if value:
            title = tag("title", f"{share} {show_seconds(value)}")
            parts.append(tag("path", title, d=f"M{_n(x(value))} {_n(base)}v-34", class_=f"quantile {share}"))
    return join(parts)


# -- pieces


def _svg(content: Markup, height: float, label: str, width: int = WIDTH) -> Markup:
    return tag("svg", content, viewBox=f"0 0 {width} {_n(height)}", role="img", aria_label=label)


def _caption(name: str, what: str, top: float) -> Markup:
    return join(
        [
            tag("text", name, x=0, y=_n(top + 12), class_="name"),
            tag("text", what, x=0, y=_n(top + 27), class_="what"),
        ]
    )


def _grid(y: Axis, values: Iterable[float], show: Callable[[float], str]) -> Iterator[Markup]:
    for value in values:
        yield tag("path", d=f"M{LEFT} {_n(y(value))}H{RIGHT}", class_="grid")
        yield tag("text", show(value), x=LEFT - 8, y=_n(y(value) + 4), class_="value")


def _time_grid(x: Axis, top: float, bottom: float) -> Iterator[Markup]:
    for value in times(x.high):
        yield tag("path", d=f"M{_n(x(value))} {_n(top)}V{_n(bottom)}", class_="grid")
        yield tag("text", short_time(value), x=_n(x(value)), y=_n(bottom + 18), class_="at")


def _log_axis(low: float, high: float, start: float, end: float) -> Axis:
    """Return a scale on which all that is seen has room."""
    low, high = max(low, 1e-7), max(high, 1e-6)
    if high / low < 4:
        low, high = low / 2, high * 2
    return Axis(low / 1.15, high * 1.15, start, end, is_log=True)


def _gap(columns: Sequence[Column]) -> float:
    """Return the time between two points above which no line joins them: nothing happened between."""
    gaps = sorted(after.start - before.start for before, after in pairwise(columns))
    return 2.5 * gaps[len(gaps) // 2] if gaps else inf


def _path(points: Iterable[Point], x: Axis, y: Axis, gap: float) -> str:
    """Return a line through *points*, broken where two are farther apart than *gap* seconds."""
    parts: list[str] = []
    last = -inf
    for at, value in points:
        if value is not None:
            place = f"{_n(x(at))} {_n(y(value))}"
            parts.append(f"L{place}" if parts and at - last <= gap else f"M{place}h0")  # alone, that is a dot
            last = at
    return "".join(parts)


def _n(value: float) -> str:
    """Return a coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
