"""Files on xrootd servers: converted, inspected and trained on as local ones are; what fails is one line.

Against xrootd itself where it is installed, and a server that is pretended below fsspec everywhere.
"""

import os
import re
import shutil
from contextlib import nullcontext

import h5py
import numpy as np
import pytest
from tests.layouts import LAYOUTS
from tests.xrootd_servers import PRETENDED, SERVERS, PretendedXrootd, server

from hepad.core import remote
from hepad.core.errors import JobError, UserError
from hepad.core.inputs import input_files, sample_files_by_part
from hepad.core.remote import RemoteFile
from hepad.formats import Request, conversion, convert_files, inspect_file
from hepad.formats.direct import direct_file
from hepad.formats.parts import file_facts


@pytest.fixture(params=SERVERS, scope="module")
def served(request):
    with server(request.param) as found:
        yield found


@pytest.fixture
def pretended():
    with server(PRETENDED) as found:
        yield found


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPAD_CACHE", str(tmp_path / "cache"))


def nano(served, name, seed):
    LAYOUTS["nanoaod"].write(served.store / name, seed)
    return served.url(name)


def arrays(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def assert_same(first, second):
    assert list(first) == list(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_remote_file_becomes_what_the_local_one_does(served, tmp_path):
    urls = [nano(served, f"nano_{seed}.root", seed) for seed in (1, 2)]
    local = [served.store / f"nano_{seed}.root" for seed in (1, 2)]
    # A list of both kinds, in its order.
    convert_files(input_files([str(local[0]), urls[1]], "input"), tmp_path / "mixed.h5", Request(chunk=7, sample="a"))
    convert_files(local, tmp_path / "local.h5", Request(chunk=7, sample="a"))
    assert (tmp_path / "mixed.h5").read_bytes() == (tmp_path / "local.h5").read_bytes()
    found = input_files(served.url("nano_[12]*.root"), "input")
    assert [str(each) for each in found] == urls
    convert_files(found, tmp_path / "glob.h5", Request(sample="a"))
    assert_same(arrays(tmp_path / "glob.h5"), arrays(tmp_path / "local.h5"))


def test_inspect_names_the_url_in_its_command(served):
    url = nano(served, "shown.root", 3)
    lines = list(inspect_file(input_files(url, "inspect")[0]).lines())
    assert lines[0].startswith(f"{url}: CMS NanoAOD")
    assert f"input={url} output=shown.h5" in lines[-1]


def test_samples_of_a_run_are_kept_in_the_cache_until_they_change(served):
    (served.store / "mine.csv").write_text("energy,mass\n1,2\n2,3\n")
    first = direct_file(served.url("mine.csv"), "data.samples.mine")
    assert direct_file(served.url("mine.csv"), "data.samples.mine") == first
    (served.store / "mine.csv").write_text("energy,mass\n1,2\n2,3\n4,5\n")
    second = direct_file(served.url("mine.csv"), "data.samples.mine")
    assert [len(next(iter(arrays(path).values()))) for path in (first, second)] == [2, 3]
    # A file of hepad's own is copied as it is, under its own name.
    shutil.copy(first, served.store / "own.h5")
    own = direct_file(served.url("own.h5"), "data.samples.mine")
    assert own.name == "own.h5"
    assert own.read_bytes() == first.read_bytes()
    with pytest.raises(UserError, match=r"data\.samples\.mine: root:.* is no HDF5 file \(root\); convert it first"):
        direct_file(nano(served, "raw.root", 1), "data.samples.mine")
    nano_file = direct_file(nano(served, "raw.root", 1), "data.samples.mine", "nanoaod")
    assert "jet_event_data" in arrays(nano_file)


def test_what_the_server_does_not_have_is_one_line(served, tmp_path):
    for name, said in (("no.root", "input: no file root://"), ("no*.root", "input: no file matches root://")):
        with pytest.raises(UserError, match=said):
            input_files(served.url(name), "input")
    url = nano(served, "cut.root", 1)
    whole = (served.store / "cut.root").read_bytes()
    for content, said in ((whole[: len(whole) // 2], "damaged"), (b"", "it is empty"), (b"\0" * 99, "damaged")):
        (served.store / "cut.root").write_bytes(content)
        with pytest.raises(UserError, match=f"cannot read {re.escape(url)}: .*{said}"):
            convert_files(input_files(url, "input"), tmp_path / "out.h5", Request())
    assert not list(tmp_path.glob("*out*"))


def test_a_server_that_is_not_there_is_told_at_once():
    # The port 1 of this machine answers nobody; xrootd's own client is asked.
    for name in ("a.root", "a*.root"):
        with pytest.raises(UserError, match=r"input: cannot read root:.*: its server does not answer \(Conn"):
            input_files(f"root://localhost:1//store/{name}", "input")


@pytest.mark.parametrize("module", ["fsspec_xrootd", "XRootD"])
def test_a_missing_extra_names_the_command(module, monkeypatch):
    found = remote.find_spec
    monkeypatch.setattr(remote, "find_spec", lambda name: None if name == module else found(name))
    with pytest.raises(UserError, match=rf'needs {module}; install it with pip install "hepad\[root,xrootd\]"'):
        input_files("root://host//a.root", "input")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("root://", "names no file; root://HOST//PATH is needed"),
        ("root://host/", "names no file"),
        ("https://host/a.root", "neither a local file nor root://HOST//PATH"),
    ],
)
def test_urls_that_name_nothing(given, said):
    with pytest.raises(UserError, match=f"input: {given}.*{said}"):
        input_files(given, "input")


def test_one_url_twice_or_for_two_parts_is_refused(pretended):
    url = nano(pretended, "a.root", 1)
    with pytest.raises(UserError, match="is named twice"):
        input_files([url, url], "input")
    with pytest.raises(UserError, match="is named for train and for test"):
        sample_files_by_part({"train": url, "test": url}, "data.samples.a")


def test_a_server_that_falls_silent_leaves_the_parts_for_the_next_time(pretended, tmp_path, monkeypatch):
    files = input_files([nano(pretended, f"{i}.root", i) for i in range(3)], "input")
    target, known = tmp_path / "out.h5", PretendedXrootd.hosts
    steps = []

    def advance(_):
        steps.append(1)
        if len(steps) == 2:
            PretendedXrootd.hosts = {}

    monkeypatch.setattr(conversion, "progress", lambda *_: nullcontext(advance))
    monkeypatch.setattr(conversion, "_NO_PARTS_FOR", 0)
    with pytest.raises(JobError, match=r"cannot read root:.*its server does not answer \(Connection error\)"):
        convert_files(files, target, Request(chunk=3), quiet=False)
    assert not target.exists()
    PretendedXrootd.hosts = known
    found = convert_files(files, target, Request(chunk=3))
    assert found.found_parts >= 1
    convert_files(files, tmp_path / "again.h5", Request(chunk=3))
    assert target.read_bytes() == (tmp_path / "again.h5").read_bytes()


def test_a_changed_file_is_converted_anew(pretended, tmp_path):
    url = nano(pretended, "a.root", 1)
    before = list(file_facts([RemoteFile(url)]))
    assert list(file_facts([RemoteFile(url)])) == before
    os.utime(pretended.store / "a.root", (1, 1))
    assert list(file_facts([RemoteFile(url)])) != before


def test_a_late_answer_says_what_would_wait_longer():
    expired = OSError("File stat request failed: [ERROR] Operation expired")
    assert "(Operation expired); XRD_REQUESTTIMEOUT=SECONDS waits longer" in str(remote.remote_fault("a", expired))
    denied = OSError("No: [ERROR] Server responded with an error: [3010] Unable to open /a; permission denied\n")
    assert remote.remote_fault("a", denied) == "cannot read a: Unable to open /a; permission denied"
    assert remote.remote_fault("a", OSError("expected Chunk")) is None
