"""All benchmarks, by name, in the order in which they run."""

from benchmarks.lab import Benchmark
from benchmarks.suite.dashboard import dashboard
from benchmarks.suite.exporting import prometheus
from benchmarks.suite.failpoints import failpoints
from benchmarks.suite.memory import memory
from benchmarks.suite.patching import patching
from benchmarks.suite.points import decision, point
from benchmarks.suite.safety import guard, interrupt, kill
from benchmarks.suite.sagas import many_sagas, sagas
from benchmarks.suite.sketches import histogram
from benchmarks.suite.starting import command, imports, install
from benchmarks.suite.steps import idle, step
from benchmarks.suite.toxiproxy import toxiproxy
from benchmarks.suite.toxiproxy_client import toxiproxy_client

BENCHMARKS: dict[str, Benchmark] = {
    each.__name__: each
    for each in (
        install,
        imports,
        command,
        step,
        idle,
        point,
        decision,
        failpoints,
        patching,
        histogram,
        memory,
        guard,
        kill,
        interrupt,
        sagas,
        many_sagas,
        prometheus,
        dashboard,
        toxiproxy,
        toxiproxy_client,
    )
}
