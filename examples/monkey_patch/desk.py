"""Somebody who takes notes: the target, the step, and what must hold."""

import shutil
import tempfile
from itertools import count
from pathlib import Path

from notebook import CarefulNotebook, Notebook


class Desk:
    """Has a notebook, and remembers which notes it has confirmed."""

    def __init__(self, careful: bool = False) -> None:
        self.make = CarefulNotebook if careful else Notebook
        self.name = "careful notebook" if careful else "notebook"

    def setup(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="notebook-"))
        self.notebook: Notebook = self.make(self.folder / "notes.json")
        self.confirmed: list[str] = []
        self.numbers = count(1)

    def take_note(self) -> None:
        note = f"note {next(self.numbers)}"
        self.notebook.add(note)
        self.confirmed.append(note)

    def lost(self) -> str | None:
        """What must not be: confirmed notes that nobody can read any more."""
        size = self.notebook.path.stat().st_size
        try:
            kept = self.notebook.load()
        except ValueError:
            return f"all {len(self.confirmed)} confirmed notes are lost: {self.notebook.path.name} has {size} bytes"
        missing = [note for note in self.confirmed if note not in kept]
        return f"confirmed notes are lost: {', '.join(missing)}" if missing else None

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
