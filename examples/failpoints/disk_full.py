"""One write in ten finds the disk full: does the store still say after a restart what it said before?"""

import shutil
import tempfile
from pathlib import Path

from store import CarefulStore, HastyStore, Store

from chaos_failpoint import failpoints
from chaoscore import Scenario


class Storage:
    """A store in a temporary folder, and what was put into it."""

    def __init__(self, kind: type[Store]) -> None:
        self.kind, self.name = kind, kind.__name__

    def setup(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="failpoints-"))
        self.store = self.kind(self.folder, compact_after=1000)
        self.count = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def put(self) -> None:
        self.count += 1
        self.store.put(f"key {self.count}", self.count)

    def differences(self) -> list[str]:
        """What must not be, in sentences."""
        restarted = self.kind(self.folder)
        return [
            f"{key} was refused, and is there after a restart"
            for key in sorted(restarted.values.keys() - self.store.values.keys())
        ]


def disk_full(kind: type[Store]) -> Scenario:
    return (
        Scenario(f"disk full, {kind.__name__}")
        .target(Storage(kind))
        .step("put", Storage.put)
        .inject("disk", failpoints("store.logged", "10%raise(OSError, 28, 'no space left')", markers=["store"]))
        .expect("same-after-restart", Storage.differences)
        .repeat(50)
        .continue_on_failure()
        .thresholds(min_success_rate="50%")
    )


scenario = disk_full(HastyStore)
careful = disk_full(CarefulStore)
