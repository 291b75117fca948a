"""Conversions as they are asked for: lists, selections, missing columns, truth, features, and going on after a kill."""

import json
import math
import os
import signal
import subprocess
import sys
import time
import zlib

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
from tests.layouts import LAYOUTS

from hepad.core.errors import UserError
from hepad.core.inputs import input_files
from hepad.formats import Request, conversion, convert_files, planning
from hepad.formats.converted_file import _packed, _packed_anywhere
from hepad.formats.slots import into_slots


@pytest.fixture
def nano(tmp_path):
    """Two NanoAOD files of one version."""
    paths = [tmp_path / f"nano_{seed}.root" for seed in (1, 2)]
    for seed, path in enumerate(paths):
        LAYOUTS["nanoaod"].write(path, seed)
    return paths


def branches(path, *names):
    with uproot.open(path) as root:
        return [ak.to_list(root["Events"][name].array()) for name in names]


def converted(paths, target, **wishes):
    found = convert_files(paths, target, Request(**wishes))
    with h5py.File(target) as file:
        return found, {name: file[name][:] for name in file}


def test_several_files_are_joined_in_their_order(nano, tmp_path):
    assert input_files(str(tmp_path / "nano_*.root"), "input") == nano
    _, both = converted(nano, tmp_path / "both.h5")
    _, second = converted(nano[1:], tmp_path / "second.h5")
    assert len(both["event"]) == 80
    for name in both:
        np.testing.assert_array_equal(both[name][40:], second[name])
    _, few = converted(nano, tmp_path / "few.h5", limit=50)
    np.testing.assert_array_equal(few["event"], both["event"][:50])


def test_a_selection_of_triggers_and_cuts(nano, tmp_path):
    words = "HLT_PFJet500 and any(Jet_pt > 100) and not (MET_pt > 80)"
    found, arrays = converted(nano[:1], tmp_path / "cut.h5", select=words)
    triggered, pts, met, events = branches(nano[0], "HLT_PFJet500", "Jet_pt", "MET_pt", "event")
    kept = [
        event
        for event, hlt, jets, missing in zip(events, triggered, pts, met, strict=True)
        if hlt and max(jets, default=0) > 100 and not missing > 80
    ]
    assert 0 < len(kept) < 40
    assert arrays["event"].tolist() == kept
    assert found.counts["events not selected"] == 40 - len(kept)


def test_a_lumi_mask(nano, tmp_path):
    (tmp_path / "golden.json").write_text(json.dumps({"320000": [[2, 3], [7, 7]], "1": [[1, 9]]}))
    _, arrays = converted(nano[:1], tmp_path / "good.h5", lumi_mask=str(tmp_path / "golden.json"))
    sections, events = branches(nano[0], "luminosityBlock", "event")
    assert arrays["event"].tolist() == [e for e, s in zip(events, sections, strict=True) if s in (2, 3, 7)]


def test_a_missing_column_is_named_and_filled_only_when_asked(tmp_path):
    path = tmp_path / "new.root"
    LAYOUTS["nanoaod_upart"].write(path, 1)
    found, arrays = converted([path], tmp_path / "left_out.h5", format="nanoaod")
    assert "Jet_btagDeepB" in found.lacking
    assert arrays["jet_event_data"].shape[2] == 10
    filled, arrays = converted([path], tmp_path / "filled.h5", format="nanoaod", on_missing=-2)
    assert filled.lacking == found.lacking
    real = arrays["jet_event_data"][..., 0] > 0
    assert (arrays["jet_event_data"][real][:, 9] == -2).all()
    assert (arrays["jet_event_data"][~real] == 0).all()
    with pytest.raises(UserError, match="lacks the branches Jet_btagDeepB"):
        convert_files([path], tmp_path / "refused.h5", Request(format="nanoaod", on_missing="refuse"))


def test_files_with_other_columns_are_refused_unless_filled(nano, tmp_path):
    other = tmp_path / "other.root"
    LAYOUTS["nanoaod_upart"].write(other, 5)
    with pytest.raises(UserError, match=r"different columns \(btagDeepB.*on_missing=NUMBER"):
        convert_files([nano[0], other], tmp_path / "x.h5", Request(format="nanoaod"))
    _, arrays = converted([nano[0], other], tmp_path / "y.h5", format="nanoaod", on_missing=0)
    assert arrays["jet_event_data"].shape == (80, 8, 17)


def test_jets_beyond_the_slots_are_counted(nano, tmp_path):
    (pts,) = branches(nano[0], "Jet_pt")
    found, _ = converted(nano[:1], tmp_path / "a.h5", slots=3)
    assert found.counts["objects beyond the 3 slots of jet_event_data"] == sum(max(0, len(jets) - 3) for jets in pts)


def test_features_of_the_jets_are_those_of_their_definitions(nano, tmp_path):
    names = ("m_jj", "m_all", "delta_eta", "delta_phi", "delta_r", "mht", "sum_pt_objects", "n_objects")
    convert_files(nano[:1], tmp_path / "a.h5", Request(high_level=names))
    columns = branches(nano[0], "Jet_pt", "Jet_eta", "Jet_phi", "Jet_mass")
    wanted = []
    for event in zip(*columns, strict=True):
        jets = sorted(zip(*event, strict=True), key=lambda jet: -jet[0])[:8]
        momenta = [
            (pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), math.hypot(pt * math.cosh(eta), mass))
            for pt, eta, phi, mass in jets
        ]
        masses = []
        for several in (momenta[:2] if len(jets) > 1 else [], momenta):
            px, py, pz, energy = (sum(p[i] for p in several) for i in range(4))
            masses.append(math.sqrt(max(energy**2 - px**2 - py**2 - pz**2, 0)))
        pair = [0.0, 0.0, 0.0]
        if len(jets) > 1:
            turn = abs(math.remainder(jets[0][2] - jets[1][2], 2 * math.pi))
            pair = [abs(jets[0][1] - jets[1][1]), turn, math.hypot(jets[0][1] - jets[1][1], turn)]
        mht = math.hypot(sum(p[0] for p in momenta), sum(p[1] for p in momenta))
        wanted.append([*masses, *pair, mht, sum(jet[0] for jet in jets), len(jets)])
    with h5py.File(tmp_path / "a.h5") as file:
        columns = list(file["event_features"].attrs["features"])
        assert columns[-8:] == list(names)
        np.testing.assert_allclose(file["event_features"][:, -8:], wanted, rtol=1e-4, atol=2e-3)


def test_extra_background_without_truth_is_the_same_format(tmp_path):
    LAYOUTS["lhco_features"].write(tmp_path / "rd.h5", 1)
    with h5py.File(tmp_path / "rd.h5") as full, h5py.File(tmp_path / "extra.h5", "w") as extra:
        extra["df/block0_values"] = full["df/block0_values"][:, :-1]
        extra["df/block0_items"] = full["df/block0_items"][:-1]
    _, full_arrays = converted([tmp_path / "rd.h5"], tmp_path / "a.h5")
    found, arrays = converted([tmp_path / "extra.h5"], tmp_path / "b.h5")
    assert found.preset == "lhco_features"
    assert "label" in full_arrays
    assert set(arrays) == {"table"}
    np.testing.assert_array_equal(arrays["table"], full_arrays["table"])


def test_truth_of_a_file_of_its_own(tmp_path):
    LAYOUTS["lhco_blackbox"].write(tmp_path / "box.h5", 1)
    key = [int(i % 5 == 0) + int(i % 10 == 0) for i in range(40)]
    (tmp_path / "box.masterkey").write_text("\n".join(map(str, key)) + "\n")
    labels = str(tmp_path / "box.masterkey")
    _, arrays = converted([tmp_path / "box.h5"], tmp_path / "a.h5", labels=labels, chunk=9)
    assert arrays["label"].tolist() == [int(value > 0) for value in key]
    (tmp_path / "box.masterkey").write_text("0\n1\n")
    with pytest.raises(UserError, match="has 2 lines, the input 40 rows"):
        convert_files([tmp_path / "box.h5"], tmp_path / "b.h5", Request(labels=labels))


def test_weights_and_labels_by_expression(nano, tmp_path):
    _, arrays = converted(nano[:1], tmp_path / "a.h5", weight="abs(genWeight)", label="MET_pt > 30")
    weights, met = branches(nano[0], "genWeight", "MET_pt")
    np.testing.assert_allclose(arrays["weight"], np.abs(weights), rtol=1e-6)
    assert arrays["label"].tolist() == [int(value > 30) for value in met]
    for wishes, said in (
        ({"weight": "genWeight"}, "finite numbers from 0"),
        ({"label": "PV_npvs"}, "0 for background"),
    ):
        with pytest.raises(UserError, match=said):
            convert_files(nano[:1], tmp_path / "b.h5", Request(**wishes))
        assert not list(tmp_path.glob("*b.h5*"))


def test_what_was_stopped_goes_on_and_ends_with_the_same_file(nano, tmp_path, monkeypatch):
    request = Request(chunk=15)
    convert_files(nano, tmp_path / "whole.h5", request)
    made = []

    def stopping(source, step, asked):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(step)
        return original(source, step, asked)

    original = conversion._make
    monkeypatch.setattr(conversion, "_NO_PARTS_FOR", 0)
    monkeypatch.setattr(conversion, "_make", stopping)
    with pytest.raises(KeyboardInterrupt):
        convert_files(nano, tmp_path / "again.h5", request)
    monkeypatch.setattr(conversion, "_make", original)
    (tmp_path / ".again.h5.parts" / "00000001.part").write_bytes(b"{}")
    found = convert_files(nano, tmp_path / "again.h5", request)
    assert found.found_parts == 3
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert not list(tmp_path.glob(".again*"))


def test_parts_of_another_request_are_not_taken(nano, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "ConvertedFile", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            convert_files(nano, tmp_path / "a.h5", Request(chunk=15))
    assert (tmp_path / ".a.h5.parts").is_dir()
    found = convert_files(nano, tmp_path / "a.h5", Request(chunk=15, slots=2))
    assert found.found_parts == 0


def test_a_process_killed_at_once_leaves_what_the_next_one_ends(nano, tmp_path):
    words = ["input=nano_*.root", "chunk=1", "workers=1"]
    command = [sys.executable, "-m", "hepad.convert", *words]
    target = tmp_path / "killed.h5"
    # So small a conversion would be over before it keeps parts.
    at_once = (
        "import sys; from hepad import convert; from hepad.formats import conversion; conversion._NO_PARTS_FOR = 0; "
    )
    first = [sys.executable, "-c", f"{at_once}convert.main(sys.argv[1:])", *words]
    process = subprocess.Popen([*first, f"output={target.name}"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob(".killed.h5.parts/*.part"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists()
    request = Request(sample="killed", chunk=1)
    done = subprocess.run([*command, f"output={target.name}"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "of an earlier conversion went on from" in done.stdout
    convert_files(nano, tmp_path / "whole.h5", request)
    assert target.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_several_processes_make_the_same_file(nano, tmp_path):
    convert_files(nano, tmp_path / "one.h5", Request(chunk=15))
    convert_files(nano, tmp_path / "two.h5", Request(chunk=15, workers=2))
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_large_events_are_read_in_smaller_parts(tmp_path, monkeypatch):
    LAYOUTS["calochallenge2"].write(tmp_path / "a.hdf5", 1)
    assert len(planning.plan_steps([tmp_path / "a.hdf5"], Request())) == 1
    monkeypatch.setattr(planning, "_STEP_BYTES", 8 * 6481 * 15)
    steps = planning.plan_steps([tmp_path / "a.hdf5"], Request())
    assert [step.stop - step.start for step in steps] == [15, 15, 10]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_objects_fall_by_their_key_as_a_sort_of_each_entry_says(dtype):
    random = np.random.default_rng(3)
    counts = random.integers(0, 7, 300)
    special = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-40, -2.5, 7.0, 7.0], dtype=dtype)
    key = random.choice(np.concatenate([special, random.normal(size=10).astype(dtype)]), counts.sum())
    found = into_slots(
        {"pt": ak.unflatten(key, counts), "number": ak.unflatten(np.arange(len(key)), counts)}, 4, 300, sort="pt"
    )
    start = 0
    for row, n in enumerate(counts):
        own = key[start : start + n]
        order = sorted(range(n), key=lambda i: (np.isnan(own[i]), -own[i] if not np.isnan(own[i]) else 0.0))[:4]
        assert found.values[row, : len(order), 1].tolist() == [start + i for i in order]
        start += n


def test_chunks_are_what_hdf5_itself_unpacks(nano, tmp_path):
    for direct in (False, True):
        convert_files(nano, tmp_path / f"{direct}.h5", Request(format="nanoaod", sample="a", direct=direct))
    with h5py.File(tmp_path / "False.h5") as fast, h5py.File(tmp_path / "True.h5") as anywhere:
        for name in fast:
            np.testing.assert_array_equal(fast[name][:], anywhere[name][:])
            assert (fast[name].compression, fast[name].shuffle) == ("gzip", True)


@pytest.mark.parametrize("pack", [_packed, _packed_anywhere])
@pytest.mark.parametrize("n_bytes", [0, 1, 7, 100_000])
def test_both_packers_make_deflate(pack, n_bytes):
    content = np.random.default_rng(1).integers(0, 3, n_bytes).astype("u1").tobytes()
    assert zlib.decompress(pack(content)) == content


def test_the_last_chunk_is_stored_as_the_others_are(nano, tmp_path):
    convert_files(nano, tmp_path / "a.h5", Request())
    with h5py.File(tmp_path / "a.h5") as file:
        for name, dataset in file.items():
            n_whole = len(dataset) - len(dataset) % dataset.chunks[0]
            assert n_whole < len(dataset)
            at = (n_whole, *(0,) * (dataset.ndim - 1))
            skipped, content = dataset.id.read_direct_chunk(at)
            planes = np.frombuffer(zlib.decompress(content), np.uint8).reshape(dataset.dtype.itemsize, -1)
            rows = np.ascontiguousarray(planes.T).view(dataset.dtype).reshape(dataset.chunks)
            assert not skipped
            np.testing.assert_array_equal(rows[: len(dataset) - n_whole], dataset[n_whole:], err_msg=name)
            assert not rows[len(dataset) - n_whole :].any()


def test_a_file_alone_is_opened_once(nano, tmp_path, monkeypatch):
    monkeypatch.setattr(conversion.OpenFile, "hold", counted := Counted(conversion.OpenFile.hold))
    convert_files(nano[:1], tmp_path / "one.h5", Request(chunk=15))
    assert counted.calls == 1
    convert_files(nano, tmp_path / "all.h5", Request(chunk=15))
    assert counted.calls == 1 + len(nano)


def test_a_feature_that_is_none_is_named_before_anything_is_read(nano, tmp_path):
    with pytest.raises(UserError, match=r"^high_level=m_jk; allowed: m_jj, "):
        convert_files(nano, tmp_path / "a.h5", Request(high_level=("m_jj", "m_jk")))
    assert not list(tmp_path.glob(".a.h5*"))


class Counted:
    """A method, and how often it is called."""

    def __init__(self, call):
        self.call = call
        self.calls = 0

    def __get__(self, of, _):
        def call(*given):
            self.calls += 1
            return self.call(of, *given)

        return call
