"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from hepad.core.files import atomic_write_bytes, atomic_write_text, remove_if_empty


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    path = tmp_path / "folder"
    path.mkdir()
    return path


def test_the_content_arrives_and_nothing_else_stays(folder: Path):
    path = atomic_write_text(folder / "metrics.json", "η → φ\n")
    assert path.read_bytes() == "η → φ\n".encode()
    assert os.listdir(folder) == ["metrics.json"]


def test_an_older_file_is_replaced_and_keeps_its_permissions(folder: Path):
    path = folder / "a"
    path.write_text("old")
    path.chmod(0o640)
    atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_ordinary_permissions(folder: Path):
    (folder / "plain").write_text("")
    atomic_write_bytes(folder / "new", b"")
    assert (folder / "new").stat().st_mode == (folder / "plain").stat().st_mode


def test_a_failure_leaves_the_old_file_and_no_traces(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "a").write_text("old")

    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        atomic_write_bytes(folder / "a", b"new")
    assert (folder / "a").read_text() == "old"
    assert os.listdir(folder) == ["a"]


def test_a_missing_directory_is_an_error(folder: Path):
    with pytest.raises(FileNotFoundError):
        atomic_write_bytes(folder / "missing" / "a", b"")


def test_what_a_refused_run_leaves_goes_but_not_where_the_user_stands(tmp_path, monkeypatch):
    (tmp_path / "here/day/run").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    remove_if_empty(tmp_path / "here/day/run")
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]
    assert list((tmp_path / "here").iterdir()) == []
    remove_if_empty(tmp_path / "here")
    assert (tmp_path / "here").is_dir()
