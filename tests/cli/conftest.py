"""A scenario to run, and a command line to run it with."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from chaoscore.cli import main

Chaos = Callable[..., Result]

SOURCE = """
    import threading
    from chaoscore import Scenario, maybe_delay, maybe_error
    from chaoscore.injectors import delay, error

    class Shop:
        def __init__(self, stock: int = 10, dsn: str = ""):
            self.stock, self.dsn = stock, dsn

        def buy(self):
            maybe_delay("db.read")
            maybe_error("db.write")

    def buy(shop):
        shop.buy()

    def lose(shop):
        raise LookupError(f"lost: {shop.dsn}")

    def holds(shop):
        return True

    base = Scenario("shop").target(Shop())
    scenario = base.step("buy", buy).inject("slow", delay("1us")).repeat(5)
    losing = base.step("lose", lose).repeat(5).thresholds("strict")
    half = Scenario("half")
"""
TOML = """
    name = "shop"
    seed = 42
    steps = [{ name = "buy", use = "shop:buy" }]

    [target]
    use = "shop:Shop"
    dsn = "db://me:${CHAOS_TEST_PASSWORD}@host"

    [workload]
    repeat = 5

    [inject.slow]
    use = "delay"
    low = "1us"
    scope = "db"

    [expect.threads]
    use = "thread_limit"
    limit = 500
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with ``shop.py`` and ``shop.toml`` in it."""
    (tmp_path / "shop.py").write_text(dedent(SOURCE))
    (tmp_path / "shop.toml").write_text(dedent(TOML))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAOS_TEST_PASSWORD", "hunter2")
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "argv", ["chaoscore"])
    which = shutil.which
    monkeypatch.setattr(
        "shutil.which", lambda name: str(Path("chaoscore").absolute()) if name == "chaoscore" else which(name)
    )
    yield tmp_path
    sys.modules.pop("shop", None)


@pytest.fixture
def chaos(folder: Path) -> Chaos:
    """Return a function that runs the command line, in this process."""

    def chaos(*words: str, code: int | None = 0) -> Result:
        result = CliRunner().invoke(main, list(words))
        assert "Traceback" not in result.stderr
        if code is not None:
            assert result.exit_code == code, result.output
        return result

    return chaos
