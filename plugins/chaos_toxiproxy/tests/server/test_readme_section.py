"""What the README says of the embedded server holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

from chaos_toxiproxy.server import start
from chaos_toxiproxy.server.toxics import TYPES
from tests.services.proxied import Api

HERE = Path(__file__).parent
README = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
[SECTION] = re.findall(r"^## The embedded server\n(.*?)^## ", README, re.DOTALL | re.MULTILINE)


def test_the_configuration_works(tmp_path: Path) -> None:
    """The configuration is taken as it stands, toxics included."""
    [text] = re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)
    config = tmp_path / "config.json"
    config.write_text(text)
    with start(config=config) as server:
        shown = Api(int(server.url.rpartition(":")[2]))("GET", "/proxies").json
    plans = {plan["name"]: plan for plan in json.loads(text)}
    assert {name: len(each["toxics"]) for name, each in shown.items()} == {"db": 2, "dns": 0}
    assert shown["db"]["toxics"][1]["attributes"] == plans["db"]["toxics"][1]["attributes"]


def test_each_difference_has_its_test() -> None:
    """Every line of the table names a test, and every test of a difference is named there or shows an extra."""
    tests = {*re.findall(r"^def (test_\w+)", "".join(path.read_text() for path in HERE.glob("*.py")), re.MULTILINE)}
    named = re.findall(r"`(test_\w+)` \|$", SECTION, re.MULTILINE)
    assert len(named) > 20
    assert [name for name in named if name not in tests] == []


def test_every_type_is_there() -> None:
    """Every toxic that Toxiproxy does not have is explained."""
    theirs = ["bandwidth", "latency", "limit_data", "noop", "reset_peer", "slicer", "slow_close", "timeout"]
    assert [kind for kind in TYPES if kind not in theirs and f"`{kind}`" not in SECTION] == []
