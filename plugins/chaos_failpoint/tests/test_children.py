"""Child processes: armed by the environment or by their parent, counted anew, and not all struck alike."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chaos_failpoint import (
    Failpoint,
    NotAllowedError,
    ParseError,
    arm,
    armed,
    child_environment,
    disarm,
    disarm_all,
    failpoint,
    failpoints,
)
from chaos_failpoint.production import in_production
from chaoscore.testing import run_once

FORKS = hasattr(os, "fork")
forks = pytest.mark.skipif(not FORKS, reason="cannot run here: no fork")

HIT = """
import json, sys
from chaos_failpoint import failpoint
fp = failpoint("db.commit")
values = [returned and returned.value for returned in (fp.hit() for _ in range(int(sys.argv[1])))]
print(json.dumps({"values": values, "hits": fp.hits, "fired": fp.fired}))
"""


def start(code: str, *args: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run *code* in a Python of its own."""
    environment = {**(os.environ if env is None else env), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], env=environment, capture_output=True, text=True, check=False
    )


def result(code: str, *args: object, env: Mapping[str, str] | None = None) -> Any:
    done = start(code, *args, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def forked(call: Callable[[], object]) -> Any:
    """What *call* returns in a child that is forked, by way of JSON."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, json.dumps(call()).encode())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            os.write(writer, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def values(fp: Failpoint, hits: int) -> list[object]:
    return [returned and returned.value for returned in (fp.hit() for _ in range(hits))]


# -- the environment


def test_environment() -> None:
    """A process is armed by its environment from its first failpoint on."""
    env = {"CHAOS_FAILPOINTS": "db.commit=2*return(5); other=panic"}
    found = result(HIT + "failpoint('other')", 3, env=env)
    assert found == {"values": [5, 5, None], "hits": 3, "fired": 2}


def test_environment_of_a_child() -> None:
    """`child_environment` arms a child, which may then end itself, as crash tests need it."""
    env = child_environment("db.commit=1+exit(7)", environ={})
    assert start(HIT, 5, env=env).returncode == 7
    assert start(HIT, 1, env=env).returncode == 0
    env = child_environment("db.commit=kill(SIGTERM)", environ={})
    assert start(HIT, 1, env=env).returncode == -signal.SIGTERM


def test_environment_in_production() -> None:
    """Where the environment is named production nothing is armed, and stderr says so."""
    env = {"CHAOS_FAILPOINTS": "db.commit=return(5)", "CHAOSCORE_ENVIRONMENT": "Production"}
    done = start(HIT, 1, env=env)
    assert json.loads(done.stdout)["values"] == [None]
    assert done.stderr == ("chaos_failpoint: $CHAOS_FAILPOINTS arms nothing, as the environment is named production\n")


@pytest.mark.parametrize(
    ("name", "is_production"),
    [("prod-eu-1", True), ("EU_PRD", True), ("live2", True), ("pre-production", False), ("products", False)],
)
def test_production_has_many_names(name: str, is_production: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of the name decides, as it does for runs."""
    monkeypatch.setenv("CHAOSCORE_ENVIRONMENT", name)
    assert in_production() is is_production


def test_environment_with_a_typo() -> None:
    """Terms with a typo stop the process at its first failpoint, with the position."""
    done = start(HIT, 1, env={"CHAOS_FAILPOINTS": "db.commit=retrun(5)"})
    assert done.returncode == 1
    assert "ParseError" in done.stderr
    assert "did you mean 'return'" in done.stderr
    assert "    db.commit=retrun(5)\n" in done.stderr.replace("  db", "    db")


def test_environment_with_an_unknown_name() -> None:
    """A failpoint that was armed and never declared is named at the end, with the nearest one."""
    done = start(HIT, 1, env={"CHAOS_FAILPOINTS": "db.comit=panic"})
    assert done.returncode == 0
    assert done.stderr == "chaos_failpoint: 'db.comit' was armed and never declared (did you mean 'db.commit'?)\n"


def test_environment_that_names_what_comes_later() -> None:
    """What terms name is looked up at the first fault: at the start of a program it is not there yet."""
    code = "import sys, types; from chaos_failpoint import failpoint; fp = failpoint('db.commit')\n"
    code += "module = sys.modules['later'] = types.ModuleType('later'); module.Oops = KeyError\n"
    code += "try: fp.hit()\nexcept KeyError as error: print(repr(error.args))"
    done = start(code, env={"CHAOS_FAILPOINTS": "db.commit=raise(later:Oops, 1)"})
    assert (done.stdout, done.stderr) == ("(1,)\n", "")


def test_seed_of_the_environment() -> None:
    """With the seed in the environment, a process is struck at the same hits each time."""
    env = child_environment("db.commit=20%return(1)", seed=7, environ={})
    first = result(HIT, 50, env=env)["values"]
    assert first == result(HIT, 50, env=env)["values"]
    assert first != result(HIT, 50, env=child_environment("db.commit=20%return(1)", seed=8, environ={}))["values"]
    assert 1 in first


def test_seed_that_is_no_number() -> None:
    """A seed that is no number is named when the first number is needed."""
    done = start(HIT, 1, env={"CHAOS_FAILPOINTS": "db.commit=20%panic", "CHAOS_FAILPOINTS_SEED": "x"})
    assert "$CHAOS_FAILPOINTS_SEED is 'x', not a whole number" in done.stderr


def test_wrong_terms_for_a_child() -> None:
    """Terms with a typo are refused before there is a child."""
    with pytest.raises(ParseError):
        child_environment("db.commit=oops")


# -- ending a process


@pytest.mark.parametrize("terms", ["exit(3)", "kill"])
def test_this_process_is_not_ended(fp: Failpoint, terms: str) -> None:
    """A process that is no child is not ended, unless that is allowed: the hit raises, and says what would allow it."""
    with (
        armed("db.commit", terms),
        pytest.raises(NotAllowedError, match=r"no.* a child .* pass allow=\('(exit|kill)',\)"),
    ):
        fp.hit()


def test_this_process_is_ended_where_that_is_allowed() -> None:
    """With the permission, it is."""
    code = "from chaos_failpoint import armed, failpoint; fp = failpoint('x')\n"
    code += "with armed('x', 'exit(3)', allow=('exit',)): fp.hit()"
    assert start(code, env={}).returncode == 3
    assert start(HIT, 1, env={"CHAOS_FAILPOINTS": "db.commit=exit(4)"}).returncode == 1
    env = {"CHAOS_FAILPOINTS": "db.commit=exit(4)", "CHAOS_FAILPOINTS_ALLOW": "exit"}
    assert start(HIT, 1, env=env).returncode == 4


@forks
def test_a_forked_child_is_ended(fp: Failpoint) -> None:
    """What the parent has armed ends a child that it forks, and not itself."""
    with armed("db.commit", "exit(5)"):
        child = os.fork()
        if not child:
            fp.hit()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 5
        with pytest.raises(NotAllowedError):
            fp.hit()


# -- fork


@forks
def test_a_fork_begins_to_count_anew(fp: Failpoint) -> None:
    """A forked child keeps what is armed, and begins to count anew; its parent goes on as before."""
    arm("db.commit", "3*return(5)")
    assert values(fp, 2) == [5, 5]
    child = forked(lambda: [values(fp, 4), fp.hits, fp.fired])
    assert child == [[5, 5, 5, None], 4, 3]
    assert [values(fp, 2), fp.hits, fp.fired] == [[5, None], 4, 3]
    disarm("db.commit")


@forks
def test_children_are_not_struck_alike(fp: Failpoint) -> None:
    """Parent and children draw numbers of their own."""
    with armed("db.commit", "30%return(1)"):
        drawn = [forked(lambda: values(fp, 40)) for _ in range(3)]
        drawn.append(values(fp, 40))
    assert len({tuple(each) for each in drawn}) == 4


@forks
def test_a_fork_in_the_middle(fp: Failpoint) -> None:
    """A child that is forked while other threads hold every lock there is neither hangs nor waits for them."""
    over = threading.Event()

    def hit() -> None:
        while not over.is_set():
            fp.hit()
            failpoint.hit("cold")

    arm("db.commit", "1000000*yield")
    hitting = [threading.Thread(target=hit) for _ in range(4)]
    for each in hitting:
        each.start()
    try:
        for _ in range(20):
            child = forked(lambda: [fp.hits, values(fp, 1), disarm_all(), fp.armed, fp.waiting])
            assert child == [0, [None], ["db.commit"], False, 0]
    finally:
        over.set()
        for each in hitting:
            each.join()
    disarm("db.commit")


@forks
def test_a_fork_in_a_run(fp: Failpoint) -> None:
    """A child that a step forks is struck as a task of its own, in the same places in every run."""
    seen: list[object] = []

    def step(target: object) -> None:
        seen.append([values(fp, 30), forked(lambda: values(fp, 30)), forked(lambda: values(fp, 30))])

    for _ in range(2):
        run_once(step, inject=failpoints("*", "20%return(1)"), seed=3)
    assert seen[0] == seen[1]
    assert len({json.dumps(each) for each in seen[0]}) == 3  # type: ignore[attr-defined]


# -- multiprocessing


def hit_in_child(hits: int) -> list[object]:
    """Is called in children."""
    fp = failpoint("db.commit", shared=True)
    return values(fp, hits)


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=forks)])
def test_multiprocessing(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """The environment reaches children of `multiprocessing`, spawned and forked; each counts for itself."""
    for name, value in child_environment("db.commit=2*return(5)", environ={}).items():
        monkeypatch.setenv(name, value)
    if method == "fork":
        arm("db.commit", "2*return(5)", lazy=True)  # as the environment would have done when this process began
    context: Any = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        assert pool.map(hit_in_child, [3]) == [[5, 5, None]]
    if method == "fork":
        disarm("db.commit")
