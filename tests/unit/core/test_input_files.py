"""Only regular files are input, whatever a path names."""

import os
import socket

import pytest

from hepad.core.errors import UserError
from hepad.core.files import is_regular_file, read_small_file, require_file


def test_a_regular_file_is_taken_and_read_up_to_its_limit(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert require_file("~/file") == path
    assert is_regular_file(path)
    assert read_small_file(path, 5) == b"12345"
    with pytest.raises(UserError, match=r"metrics: .* is larger than 4 bytes"):
        read_small_file(path, 4, "metrics")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no file"),
        (lambda path: path.mkdir(), "a directory; a file is needed"),
        (lambda path: os.mkfifo(path), "a pipe"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "a socket"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: path.symlink_to("/proc/self/mem"), "a view of the system"),
        (lambda path: path.symlink_to("/proc/self/status"), "a view of the system"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_anything_else_is_refused_without_being_opened(tmp_path, make, said):
    path = tmp_path / "p"
    make(path)
    with pytest.raises(UserError, match=f"^input: .*{said}"):
        require_file(path, "input")
    assert not is_regular_file(path)
    with pytest.raises(UserError, match=said):
        read_small_file(path, 100)


@pytest.mark.parametrize(("name", "said"), [("x" * 300, "File name too long"), ("a\0b", "embedded null")])
def test_names_that_no_file_has(name, said):
    with pytest.raises(UserError, match=said):
        require_file(name)
