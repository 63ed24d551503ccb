"""The files that reporters write."""

import errno
import os
from pathlib import Path

import pytest

from chaoscore.errors import ChaosError, UnwritableError
from chaoscore.reporters.files import append, file_path, optional_file_path, write_whole


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The new content stands there, and nothing else is left in the directory."""
    path = tmp_path / "report.json"
    path.write_text("old")
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written whole is not written at all, and the error says where and why."""
    path = tmp_path / "report.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableError, match=r"cannot write .*report\.json: No space left on device; free or create"):
        write_whole(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_file_is_an_error_of_both_kinds() -> None:
    """It can be caught as the framework's error and as an ordinary one."""
    assert issubclass(UnwritableError, ChaosError)
    assert issubclass(UnwritableError, OSError)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file behind a symbolic link is replaced, not the link."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="cannot run here: there is no /dev/full")
def test_a_device_is_written_to_and_never_replaced() -> None:
    """Root must not turn /dev/full, or /dev/stdout, into a file."""
    with pytest.raises(UnwritableError, match="No space left"):
        write_whole(Path("/dev/full"), b"x")
    assert not Path("/dev/full").is_file()


def test_a_dash_is_the_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The name that every shell user expects works."""
    write_whole(file_path("-"), b"hello")
    assert capsysbinary.readouterr().out == b"hello"


def test_append_keeps_what_is_there(tmp_path: Path) -> None:
    """A summary page that others write to is not overwritten."""
    path = tmp_path / "summary.md"
    append(path, b"one\n")
    append(path, b"two\n")
    assert path.read_text() == "one\ntwo\n"


def test_append_to_a_directory_that_went_away(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(UnwritableError, match=r"gone/summary\.md: No such file"):
        append(tmp_path / "gone" / "summary.md", b"x")


def test_a_missing_directory_is_refused_at_once(tmp_path: Path) -> None:
    """It is not created silently, and not noticed only after the run."""
    with pytest.raises(ValueError, match=r"its directory .*missing does not exist; create it"):
        file_path(tmp_path / "missing" / "report.json")
    assert not (tmp_path / "missing").exists()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """The path of a directory is refused with what to do."""
    with pytest.raises(ValueError, match="is a directory; name a file in it"):
        optional_file_path(tmp_path)
    assert optional_file_path(None) is None
