"""Any event that a run, or a log written by somebody hostile, may hold."""

from typing import Any

from hypothesis import strategies as st

from chaoscore.events import (
    Ended,
    ErrorInfo,
    Event,
    ExpectationInfo,
    Fired,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    Recorded,
    RunStarted,
    StepEnded,
    Stopped,
    Stuck,
    Trouble,
)
from chaoscore.verdict import PRESETS, Severity, Verdict

HOSTILE = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\x00\x01\x7f\x9b2J",
    "\u202eright to left\u2066",
    "half \ud83d a pair",
    "]]><script>alert(1)</script> & <!-- \ufffe",
    "| a | `b` ``c`` [d](e) *f* _g_ # h @everyone \\",
    "[bold]rich[/bold] :bomb: {0} %s ${HOME}",
    "two\nlines\r\nand\u2028a\ttab",
    "",
    "x" * 5_000,
)
text = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
name = st.one_of(st.sampled_from(["a", "b", "db.read"]), text)
seconds = st.floats(min_value=-1, max_value=1e6, allow_nan=False)
number = st.integers(min_value=-1, max_value=1_000)
maybe = st.one_of(st.none(), number)
whole = st.one_of(st.none(), st.integers(min_value=0, max_value=1_000))
data = st.dictionaries(text, st.one_of(text, number, st.just({1, 2}), st.just(object())), max_size=2)
outcomes, verdicts, severities = (st.sampled_from(list(kind)) for kind in (Outcome, Verdict, Severity))
errors = st.builds(ErrorInfo, text, text, st.one_of(st.none(), name), text, text, st.one_of(st.none(), name))
injections = st.builds(InjectionInfo, name, name, data, st.one_of(st.none(), name), text, text)
expectations = st.builds(ExpectationInfo, name, name, data, severities)
thresholds: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([preset.as_dict() for preset in PRESETS.values()]), st.just({}), st.just({"nonsense": 1})
)
started = st.builds(
    RunStarted,
    seconds,
    st.just(1),
    text,
    text,
    number,
    st.one_of(seconds, st.just(1e300)),
    text,
    text,
    st.lists(name, max_size=3).map(tuple),
    st.lists(injections, max_size=3).map(tuple),
    st.lists(expectations, max_size=3).map(tuple),
    thresholds,
    st.dictionaries(text, text, max_size=2),
    text,
    text,
    st.integers(min_value=1, max_value=3),
    whole,
    st.one_of(st.none(), st.floats(min_value=0, max_value=100)),
)
events: st.SearchStrategy[Event] = st.one_of(
    started,
    st.builds(Phase, seconds, st.one_of(st.just("workload"), text)),
    st.builds(Opened, seconds, name),
    st.builds(Lifted, seconds, name, whole, whole, data),
    st.builds(Fired, seconds, name, name, name, text, number, number, st.just(()), number, text),
    st.builds(StepEnded, seconds, number, number, name, outcomes, seconds, st.one_of(st.none(), errors)),
    st.builds(IterationEnded, seconds, number, number, outcomes, seconds),
    st.builds(Stuck, seconds, number, number, name, seconds, text),
    st.builds(Recorded, seconds, name, number, number, name, st.one_of(st.none(), seconds), data),
    st.builds(Found, seconds, name, severities, text, verdicts, maybe, maybe, st.one_of(st.none(), name)),
    st.builds(Trouble, seconds, name, name, errors, verdicts),
    st.builds(Interrupted, seconds, text),
    st.builds(Stopped, seconds, text, verdicts),
    st.builds(Ended, seconds),
)
streams = st.lists(events, max_size=30)
