"""`python -m hepad.fetch`: from a server on this machine, whole, checked, resumed, and never unasked."""

import errno
import shlex
from types import SimpleNamespace

import pytest

from hepad import fetch, train
from hepad.core.errors import JobError, UserError
from hepad.formats import downloading
from hepad.formats.downloading import RemoteFile, chosen_files, fetch_file, missing_bytes, part_of, record_files
from hepad.formats.public_sets import PUBLIC_SETS, command_for, record_of
from tests.layouts import LAYOUTS
from tests.local_zenodo import zenodo
from tests.runs.conftest import call

RECORD = 6466204
CONTENT = bytes(range(256)) * 40_000
"""Ten megabytes."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with zenodo({RECORD: {"a.bin": CONTENT, "notes.txt": b"read me"}}) as state:
        yield state


def first_of(server) -> RemoteFile:
    return record_files(RECORD, server.url)[0]


def test_a_set_is_downloaded_and_its_command_trains(server, tmp_path):
    LAYOUTS["lhco_features"].write(tmp_path / "made.h5", 1)
    server.records[RECORD] = {"features.h5": (tmp_path / "made.h5").read_bytes(), "notes.txt": b"read me"}
    words = ["lhco", "output=sets", f"server={server.url}"]
    done = call(fetch.main, tmp_path, *words)
    assert done.code == 0, done.err
    assert (tmp_path / "sets" / "features.h5").read_bytes() == (tmp_path / "made.h5").read_bytes()
    assert sorted(path.name for path in (tmp_path / "sets").iterdir()) == ["features.h5", "notes.txt"]
    (line,) = [line for line in done.out.splitlines() if line.startswith("use it:")]
    assert "data=lhco" in line
    trained = call(
        train.main,
        tmp_path,
        *shlex.split(line.partition("hepad.train ")[2]),
        "trainer.max_epochs=1",
        "evaluation.plots=false",
        "logger=none",
        "hydra.run.dir=run",
    )
    assert trained.code == 0, trained.err
    # What is there is looked at, and not downloaded again.
    n_downloads = len(server.downloads)
    assert call(fetch.main, tmp_path, *words).code == 0
    assert len(server.downloads) == n_downloads


def test_nothing_is_downloaded_unasked(server, tmp_path):
    listed = call(fetch.main, tmp_path)
    assert listed.code == 0
    assert all(name in listed.out for name in PUBLIC_SETS)
    assert not server.asked
    done = call(fetch.main, tmp_path, "lhco", f"server={server.url}")
    assert done.code == 0
    assert "10.2 MB  a.bin  md5:" in done.out
    assert "2 files, 10.2 MB; output=DIR downloads them" in done.out
    assert not server.downloads
    assert not list(tmp_path.iterdir())


def test_a_download_goes_on_where_it_was(server, tmp_path):
    file = first_of(server)
    server.cut = 4_000_000
    told: list[int] = []
    for _ in range(2):
        with pytest.raises(JobError, match="same command goes on") as raised:
            fetch_file(file, tmp_path, told.append)
        assert "\n" not in str(raised.value)
        assert [path.name for path in tmp_path.iterdir()] == [part_of(file, tmp_path).name]
    left = len(CONTENT) - part_of(file, tmp_path).stat().st_size
    assert 0 < left < len(CONTENT)
    assert missing_bytes([file], tmp_path) == left
    server.cut = None
    assert fetch_file(file, tmp_path, told.append).read_bytes() == CONTENT
    assert server.downloads[-1] == f"bytes={len(CONTENT) - left}-"
    assert sum(told) == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_server_without_ranges_sends_the_whole_and_a_part_that_is_too_long_begins_anew(server, tmp_path):
    file = first_of(server)
    server.ranges = False
    for there in (CONTENT[:1000], CONTENT + b"more", CONTENT):
        part_of(file, tmp_path).write_bytes(there)
        assert fetch_file(file, tmp_path).read_bytes() == CONTENT
        (tmp_path / "a.bin").unlink()
    assert server.downloads == ["bytes=1000-", None]


def test_another_checksum_leaves_nothing(server, tmp_path):
    server.wrong = True
    done = call(fetch.main, tmp_path, "lhco", "output=.", "files=[a.bin]", f"server={server.url}")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "a.bin came with another checksum than its record says" in done.err
    assert not list(tmp_path.iterdir())
    # A part of other bytes is found out too.
    server.wrong = False
    file = first_of(server)
    part_of(file, tmp_path).write_bytes(b"\1" * 5000)
    with pytest.raises(JobError, match="another checksum"):
        fetch_file(file, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_and_a_full_disk(server, tmp_path, monkeypatch):
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(UserError, match="is there and is another file"):
        missing_bytes([first_of(server)], tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == b"mine"
    (tmp_path / "a.bin").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(downloading.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        with pytest.raises(JobError, match=r"has no room: 0\.01 GB are needed"):
            missing_bytes([first_of(server)], tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloading, "_receive", full)
    with pytest.raises(JobError, match="the disk is full; the same command goes on"):
        fetch_file(first_of(server), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none_such"], 2, "none_such: no such set; there are lhco"),
        (["12345"], 2, "/api/records/12345 is not there (HTTP 404)"),
        (["lhco", "files=[b.bin]"], 2, "files=b.bin: lhco has a.bin, notes.txt"),
        (["lhco", "server=http://127.0.0.1:9"], 1, "cannot reach 127.0.0.1:9"),
        (["lhco", "server=zenodo.org"], 2, "an address such as https://zenodo.org"),
        (["lhco", "output=here"], 2, "here is no directory"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(words, code, said, server, tmp_path):
    (tmp_path / "here").write_text("a file")
    words = words if any(word.startswith("server=") for word in words) else [*words, f"server={server.url}"]
    words = words if any(word.startswith("output=") for word in words) else [*words, "output=sets"]
    done = call(fetch.main, tmp_path, *words)
    assert done.code == code
    assert done.err.count("\n") == 1
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"files": None},
        {"files": [{"key": "../a", "size": 1, "checksum": f"md5:{'0' * 32}"}]},
        {"files": [{"key": ".bashrc", "size": 1, "checksum": f"md5:{'0' * 32}"}]},
        {"files": [{"key": "a/b", "size": 1, "checksum": f"md5:{'0' * 32}"}]},
        {"files": [{"key": "a", "size": -1, "checksum": f"md5:{'0' * 32}"}]},
        {"files": [{"key": "a", "size": 1, "checksum": "md5:0"}]},
        {"files": [{"key": 5, "size": 1, "checksum": f"md5:{'0' * 32}"}]},
    ],
)
def test_an_answer_that_is_none_is_one_line(answer, server):
    server.answer = answer
    with pytest.raises(JobError, match=r"does not answer as Zenodo does|nothing is downloaded") as raised:
        record_files(RECORD, server.url)
    assert "\n" not in str(raised.value)


def test_files_are_chosen_by_name_and_the_command_is_that_of_their_format(server, tmp_path):
    files = record_files(RECORD, server.url)
    assert [file.name for file in chosen_files(files, ["*.txt"], "lhco")] == ["notes.txt"]
    assert len(chosen_files(files, None, "lhco")) == 2
    assert files[0].url == f"{server.url}/api/records/{RECORD}/files/a.bin/content"
    assert record_of("top_tagging") == 2603256
    for name, words in (("top_tagging", "model=conv_ae data=top_tagging"), ("lhco", "hepad.convert")):
        path = tmp_path / f"{name}{LAYOUTS[name].suffix}"
        LAYOUTS[name].write(path, 1)
        assert words in command_for(path)
    (tmp_path / "a.tar").write_bytes(b"")
    assert "unpack" in command_for(tmp_path / "a.tar")
    (tmp_path / "notes.txt").write_text("read me\n")
    assert command_for(tmp_path / "notes.txt") == ""
