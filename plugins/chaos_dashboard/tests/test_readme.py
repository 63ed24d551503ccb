"""The README keeps its word."""

import importlib.util
import re
import shlex
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos_dashboard import plugin
from tests.services.browsers import Browser

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scenario of the README in it, which is the current one."""
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_its_commands_run(shop: Path) -> None:
    """Each command of the README does what is said of it; the page of a log is served until it is interrupted."""
    ran = []
    for line in "".join(blocks("sh")).splitlines():
        words = [sys.executable, "-m", *shlex.split(line)]
        ran.append(words[3])
        if words[3] == "live":
            with subprocess.Popen(words, cwd=shop, stdout=subprocess.PIPE, text=True) as serving:
                assert serving.stdout is not None
                assert serving.stdout.readline().startswith("http://127.0.0.1:")
                serving.send_signal(signal.SIGINT)
                assert serving.wait(60) == 0
        else:
            done = subprocess.run(words, cwd=shop, capture_output=True, text=True, check=False, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
    assert ran == ["run", "report", "live"]
    for name in ("report.html", "again.html"):
        assert "slow database" in (shop / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_python_runs(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of Python run one after the other, and leave the report that they speak of."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert "slow database" in (shop / "report.html").read_text(encoding="utf-8")
    assert "landed" not in names["report"]._repr_html_() or "slow" in names["report"]._repr_html_()
    assert "live page: http://127.0.0.1:" in capsys.readouterr().err


def test_it_names_every_part() -> None:
    """Every reporter stands in the README with its option."""
    for each in plugin.chaos_reporters():
        assert f"--{each.kind}" in README


def size(picture: Path) -> tuple[int, int]:
    """Return width and height of a PNG."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height


@pytest.mark.slow
def test_its_pictures_are_what_the_browser_shows(browser: Browser, tmp_path: Path) -> None:
    """The pictures can be made anew, in the size of those that are shown, and are small files."""
    spec = importlib.util.spec_from_file_location("pictures", Path(__file__).with_name("pictures.py"))
    assert spec is not None
    assert spec.loader is not None
    pictures = importlib.util.module_from_spec(spec)
    before = sys.path[:]
    spec.loader.exec_module(pictures)
    sys.path[:] = before
    pictures.make(browser, tmp_path)
    for name in pictures.NAMES:
        shown = FOLDER / "docs" / name
        assert f"docs/{name}" in README
        assert size(shown) == size(tmp_path / name)
        assert shown.stat().st_size < 200_000
