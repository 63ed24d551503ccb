"""A program that puts one value after the other, and prints each number when it is safe."""

import sys
from pathlib import Path

import store


def main(kind: str, folder: str, count: str) -> None:
    storage = getattr(store, kind)(Path(folder))
    for number in range(int(count)):
        storage.put(f"key {number}", number)
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
