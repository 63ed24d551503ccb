from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Chaos = Callable[..., Result]


@pytest.mark.parametrize("file", ["shop.toml", "shop.py", "shop.py:losing"])
def test_a_valid_file(chaos: Chaos, file: str) -> None:
    """A file with nothing wrong ends with 0 and says so."""
    assert chaos("check", file).stdout == f"{file}: scenario 'shop' is valid\n"


def test_everything_wrong_at_once(chaos: Chaos, folder: Path) -> None:
    """All problems of a file are listed, one in a line, and the exit code is 4."""
    (folder / "bad.toml").write_text('sed = 1\nsteps = ["shop:by"]\n[target]\nuse = "shop:Shop"\nstok = 1\n')
    lines = chaos("check", "bad.toml", code=4).stderr.splitlines()
    assert lines[0] == "Error: bad.toml: 3 problem(s):"
    assert [line.split(": ")[1] for line in lines[1:]] == ["sed", "target.stok", "steps[0].use"]


def test_nothing_is_executed(chaos: Chaos, folder: Path) -> None:
    """The target of a TOML file is not even made, and no step is run."""
    (folder / "loud.py").write_text("class T:\n    def __init__(self): 1 / 0\n\ndef step(target): 1 / 0\n")
    (folder / "loud.toml").write_text('steps = ["loud:step"]\n[target]\nuse = "loud:T"\n')
    assert chaos("check", "loud.toml").stdout == "loud.toml: scenario 'loud' is valid\n"


def test_no_terminal_sequence_gets_through(chaos: Chaos, folder: Path) -> None:
    """What a file says is shown with its control characters escaped."""
    (folder / "bad.toml").write_text('"\\u001b[31m" = 1\nsteps = ["shop:buy"]\n[target]\nuse = "shop:Shop"\n')
    output = chaos("check", "bad.toml", code=4).stderr
    assert "\x1b" not in output
    assert "\\x1b[31m" in output
