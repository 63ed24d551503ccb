"""How much memory a cgroup still allows."""

from pathlib import Path

from chaos_process.cgroup import rooms_bytes


def group(folder: Path, limit: str, used: int, inactive_file: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive_file}\n")


def test_every_group_up_to_the_root_counts(tmp_path: Path) -> None:
    """A limit of the own group and one of a group above it both apply; "max" is none."""
    root, own = tmp_path / "cgroup", tmp_path / "own"
    own.write_text("0::/app/worker\n")
    group(root / "app" / "worker", "1000", 400)
    group(root / "app", "max", 900)
    group(root, "700", 600)
    assert list(rooms_bytes(root, own)) == [600, 100]


def test_pages_of_files_are_given_up_first(tmp_path: Path) -> None:
    """What a group only caches from files is no memory that is used up."""
    root, own = tmp_path / "cgroup", tmp_path / "own"
    own.write_text("0::/\n")
    group(root, "1000", 900, inactive_file=500)
    assert list(rooms_bytes(root, own)) == [600]


def test_a_group_beyond_its_limit_allows_nothing(tmp_path: Path) -> None:
    """A group that uses more than its limit has room for nothing, not for less than nothing."""
    root, own = tmp_path / "cgroup", tmp_path / "own"
    own.write_text("0::/\n")
    group(root, "1000", 1200)
    assert list(rooms_bytes(root, own)) == [0]


def test_where_there_are_no_groups_nothing_limits(tmp_path: Path) -> None:
    """A system without cgroups, and one whose files cannot be read, know no limit."""
    assert list(rooms_bytes(tmp_path / "cgroup", tmp_path / "own")) == []
    (tmp_path / "own").write_text("0::/gone\n")
    assert list(rooms_bytes(tmp_path / "cgroup", tmp_path / "own")) == []
