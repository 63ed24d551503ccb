"""A state directory of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state directory of the test."""
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CHAOSCORE_ENVIRONMENT", raising=False)
    return tmp_path / "state"
