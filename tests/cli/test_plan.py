from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Chaos = Callable[..., Result]

MORE = """
    on_failure = "continue"
    steps = [{ name = "buy", use = "shop:buy", limit = "2s" }, ".buy"]

    [target]
    use = "shop:Shop"

    [workload]
    repeat = 400
    for = "60s"
    workers = 8

    [inject.slow]
    use = "delay"
    low = "1ms"
    high = "5ms"
    at = "db.*"
    scope = "db"
    window = { start = "5s", every = "10s", for = "2s", probability = "50%" }

    [inject.both]
    use = "composite"
    injectors = [{ use = "panic", message = "${CHAOS_TEST_PASSWORD}" }]

    [expect.threads]
    use = "thread_limit"
    limit = 200

    [expect.holds]
    use = "shop:holds"

    [thresholds]
    min_success_rate = "90%"
    warning = ["threads"]

    [limits]
    hook = "5s"
"""


def test_the_whole_plan(chaos: Chaos, folder: Path) -> None:
    """The plan says what would be run and injected, where, when and how it is undone, and what has to hold."""
    (folder / "more.toml").write_text(MORE.replace('buy" }, ".buy', "buy").replace(', ".buy"]', "]"))
    text = chaos("plan", "more.toml").stdout
    for line in (
        "scenario  more (more.toml)",
        "target    Shop",
        "step      buy, a thread, given up after 2 s",
        "workload  400 iterations, at most 60 s, 8 workers",
        "seed      a new one in each run",
        "failure   does not stop the run",
        "limits    hook 5 s, drain 10 s",
        "  db.slow: delay (low 1 ms, high 5 ms, probability 1, at db.*)",
        "    does    Hold the caller up for a time between low and high, at maybe_delay and point.",
        "    where   at points of the component 'db', and of none, named 'db.*'",
        "    when    from 5 s, every 10 s for 2 s, in 50% of openings",
        "    undone  by the kernel: it ends with this process or a child of it",
        "  both: composite (injectors [panic (probability 1, message ***)], probability 1)",
        "  threads: thread_limit (limit 200, severity critical)",
        "    weighs   warning",
        "  holds: state_consistency (call shop:holds, severity critical)",
        "  min success rate  0.9",
        "  warning           [threads]",
    ):
        assert line in text.splitlines()


def test_an_empty_plan(chaos: Chaos) -> None:
    """A scenario without injectors and expectations says that there are none."""
    text = chaos("plan", "shop.py:losing").stdout
    assert "INJECTORS: none" in text
    assert "EXPECTATIONS: none" in text


def test_planning_touches_nothing(chaos: Chaos, folder: Path) -> None:
    """The target is neither made nor set up, and no injector is opened."""
    source = """
class T:
    def __init__(self): 1 / 0
    def setup(self): 1 / 0

def step(target): 1 / 0

class Loud:
    kind = "loud"
    def open(self, site): 1 / 0
    from chaoscore import Undo
    undo = Undo.MANUAL
"""
    (folder / "loud.py").write_text(source)
    toml = 'steps = ["loud:step"]\n[target]\nuse = "loud:T"\n[inject.x]\nuse = "loud:Loud"\n'
    (folder / "loud.toml").write_text(toml)
    text = chaos("plan", "loud.toml").stdout
    assert "undone  by you: the injector's documentation says how" in text
    assert "where" not in text


def test_no_secret_is_shown(chaos: Chaos) -> None:
    """What came from the environment is masked."""
    assert "hunter2" not in chaos("plan", "shop.toml").output


def test_an_invalid_scenario_has_no_plan(chaos: Chaos) -> None:
    """What cannot be run cannot be planned either."""
    assert "it has no target" in chaos("plan", "shop.py:half", code=4).stderr


PROVIDED = """
import attrs
from chaoscore import Undo

@attrs.frozen
class Shelf:
    \"\"\"A place for things.\"\"\"
    kind = "shelf"
    undo = Undo.JOURNAL
    aims = (("127.0.0.1", 80),)
    size_bytes: int = attrs.field(alias="size")
    def open(self, site): 1 / 0

class Target:
    def setup(self, shelf): 1 / 0

class Strikes(Shelf):
    undo = Undo.PROVIDED

def step(target): 1 / 0
"""


def test_the_plan_says_what_is_provided(chaos: Chaos, folder: Path) -> None:
    """What is there before the target stands in the plan: what it is, where it goes, and how it is taken away."""
    (folder / "provided.py").write_text(PROVIDED)
    toml = (
        'steps = ["provided:step"]\ntarget = { use = "provided:Target" }\n'
        '[provide.shelf]\nuse = "provided:Shelf"\nsize = 1024\n'
        '[inject.strike]\nuse = "provided:Strikes"\nsize = 1\n'
    )
    (folder / "provided.toml").write_text(toml)
    lines = chaos("plan", "provided.toml").stdout.splitlines()
    at = lines.index("PROVIDED before the target is set up, taken away last first")
    assert lines[at + 1 : at + 5] == [
        "  shelf: shelf (size 1.0 KiB)",
        "    does    A place for things.",
        "    aims    127.0.0.1:80, which stands for 127.0.0.1",
        "    undone  from the journal: how is on disk before it is applied",
    ]
    assert "    undone  with what it strikes in, which this scenario provides" in lines


def test_a_setup_that_lacks_something_has_no_plan(chaos: Chaos, folder: Path) -> None:
    """Without the provider that the target's setup needs, the scenario is found invalid before anything is made."""
    (folder / "provided.py").write_text(PROVIDED)
    (folder / "lacking.toml").write_text('steps = ["provided:step"]\ntarget = { use = "provided:Target" }\n')
    assert "its setup takes 'shelf', which nothing provides" in chaos("plan", "lacking.toml", code=4).stderr


def test_a_plan_says_what_names_stand_for_now(chaos: Chaos, folder: Path) -> None:
    """Names of hosts are resolved; one that is not allowed is told, and so is what an injector finds to strike."""
    source = """
from chaoscore import ChaosError, Scenario, Undo

class Opens:
    def open(self, site): raise AssertionError("a plan opens nothing")

class Far(Opens):
    kind = "far"
    undo = Undo.TTL
    aims = (("127.0.0.1", 80), ("192.0.2.1", 443), ("no-such-host.invalid", 1))

class Near(Opens):
    kind = "near"
    undo = Undo.KERNEL
    def __init__(self, *found): self.found = found
    def finds(self):
        if None in self.found:
            raise ChaosError("nobody is at home")
        return self.found

chaos = Scenario("s").target(object()).step("s", print).inject("far", Far()).inject("some", Near("a", "b"))
chaos = chaos.inject("none", Near()).inject("broken", Near(None)).inject("many", Near(*map(str, range(13))))
"""
    (folder / "aims.py").write_text(source)
    lines = chaos("plan", "aims.py:chaos").stdout.splitlines()
    assert "    aims    127.0.0.1:80, which stands for 127.0.0.1" in lines
    assert [line[12:40] for line in lines if "FORBIDDEN" in line] == [
        "FORBIDDEN: 192.0.2.1:443: it"[:28],
        "FORBIDDEN: no-such-host.inva"[:28],
    ]
    assert [line[12:] for line in lines if line.startswith("    finds")] == [
        "a, b",
        "nothing now; it looks again when it is opened",
        "NOTHING: nobody is at home",
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more",
    ]
