"""
Numbers about a run that stay small however long it runs.

Everything here takes the same memory after a thousand events and after a billion. What several workers counted apart
can be merged (`Histogram`, `Samples`, `TopCounts`) and written as JSON, as if one had counted everything. Nothing reads
a clock: time is an argument.

A `Histogram` may be written and read by several threads at once. The others expect one thread at a time, which the
event stream provides.
"""

from chaoscore.stats.histogram import Histogram
from chaoscore.stats.proportions import Interval, wilson
from chaoscore.stats.rates import Rate
from chaoscore.stats.samples import Samples
from chaoscore.stats.top_counts import TopCounts
from chaoscore.stats.trends import Trend

__all__ = ["Histogram", "Interval", "Rate", "Samples", "TopCounts", "Trend", "wilson"]
