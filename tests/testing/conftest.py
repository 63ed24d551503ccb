"""What the tests of the kit share."""

from collections.abc import Iterator

import pytest

from chaoscore.testing import traces
from tests.testing import lost


@pytest.fixture(autouse=True)
def cleared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away what broken parts leave, and do not wait long for it to go by itself."""
    monkeypatch.setattr(traces, "PATIENCE_S", 0.1)
    yield
    lost.clear()
