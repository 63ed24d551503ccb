"""The root conftest.py, tried on small sessions of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.projects import ROOT

LEAKS = {
    "child process": "subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)",
    "thread": "threading.Thread(target=threading.Event().wait, args=[1], name='lost').start()",
    "listening socket": "socket.create_server(('127.0.0.1', 0)).detach()",
    "environment variable": "os.environ['LEFT'] = 'a secret'",
    "file": "open('left.txt', 'w').close()",
}


def session(folder: Path, test: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in *folder* on one test with the given body."""
    shutil.copy(ROOT / "conftest.py", folder)
    imports = "import os, socket, subprocess, sys, threading\nimport pytest\n"
    (folder / "test_it.py").write_text(f"{imports}\n{test}")
    env = {k: v for k, v in os.environ.items() if k != "CHAOSCORE_CI"} | variables
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=env, check=False, text=True, capture_output=True, timeout=60)


def test_a_clean_session_passes(tmp_path: Path) -> None:
    """A session that cleans up after itself is left alone."""
    done = session(tmp_path, "def test_it(tmp_path):\n    (tmp_path / 'file').touch()\n")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", LEAKS)
def test_what_a_session_leaves_behind_fails_it(tmp_path: Path, kind: str) -> None:
    """Whatever a session leaves behind is named, and fails it."""
    done = session(tmp_path, f"def test_it():\n    {LEAKS[kind]}\n")
    assert done.returncode == 1, done.stdout
    assert f"\n{kind}: " in done.stdout
    assert "1 passed, 1 error in" in done.stdout.splitlines()[-1]
    assert "a secret" not in done.stdout


SKIPS = {
    "a mark": "@pytest.mark.skip(reason='{reason}')\ndef test_it():\n    pass\n",
    "a call": "def test_it():\n    pytest.skip('{reason}')\n",
    "a fixture": ("@pytest.fixture\ndef it():\n    pytest.skip('{reason}')\n\ndef test_it(it):\n    pass\n"),
    "a module": "pytest.skip('{reason}', allow_module_level=True)\n",
    "an import": "pytest.importorskip('no_such_module', reason='{reason}')\n",
}


@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_fails_in_ci(tmp_path: Path, kind: str) -> None:
    """However a test is skipped, CI fails unless the reason is that it cannot run there."""
    test = SKIPS[kind].format(reason="too slow")
    refused = session(tmp_path, test, CHAOSCORE_CI="1")
    assert refused.returncode != 0
    assert "'Skipped: too slow' must not happen in CI" in refused.stdout
    allowed = SKIPS[kind].format(reason="cannot run here: no database")
    assert session(tmp_path, allowed, CHAOSCORE_CI="1").returncode in (0, 5)


def test_a_skip_passes_elsewhere(tmp_path: Path) -> None:
    """Outside of CI any skip is fine."""
    assert session(tmp_path, SKIPS["a call"].format(reason="too slow")).returncode == 0


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    """In CI too, a test that is expected to fail may fail."""
    test = "@pytest.mark.xfail\ndef test_it():\n    assert False\n"
    assert session(tmp_path, test, CHAOSCORE_CI="1").returncode == 0
