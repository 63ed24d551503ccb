"""Notes in a file: a program as many of us have written it. It knows nothing of chaos."""

import json
import os
from pathlib import Path


class Notebook:
    """Keeps all notes in one JSON file, and rewrites it with each new note."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self.save([])

    def add(self, note: str) -> None:
        self.save([*self.load(), note])

    def load(self) -> list[str]:
        with self.path.open(encoding="utf-8") as file:
            notes: list[str] = json.load(file)
        return notes

    def save(self, notes: list[str]) -> None:
        with self.path.open("w", encoding="utf-8") as file:
            file.write(json.dumps(notes))


class CarefulNotebook(Notebook):
    """Writes beside the file, and puts the new one in its place when it is complete."""

    def save(self, notes: list[str]) -> None:
        beside = self.path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(notes))
        os.replace(beside, self.path)  # noqa: PTH105 - as programs do
