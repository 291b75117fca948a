"""`python -m hepad.score`: every entry of a file once, in bounded memory, and what it refuses."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import hepad
from hepad import score, train
from hepad.data import calo, jet_table
from hepad.run import scored_entries, scoring, scoring_input
from hepad.scores import forward
from tests.conftest import write_image_file, write_jet_file
from tests.runs.conftest import Finished, call

WRITERS = {"jets": write_jet_file, "events": write_jet_file, "calo": write_image_file}
MODELS = {
    "jets": ["model=dense_ae"],
    "events": ["model=td_ae"],
    "calo": ["model=denoising_ae", "model.network=dense", "data=calo"],
}


@pytest.fixture(scope="module")
def run_of(tmp_path_factory) -> Callable[[str], Path]:
    """Return a trainer of one short run for each kind of data."""
    found: dict[str, Path] = {}

    def trained(kind: str) -> Path:
        if kind not in found:
            directory = tmp_path_factory.mktemp(kind)
            background = WRITERS[kind](directory / "background.h5", n_events=300, seed=1)
            signal = WRITERS[kind](directory / "signal.h5", n_events=60, seed=2)
            words = [
                *MODELS[kind],
                "data.bundled=false",
                "data.background=background",
                f"data.samples.background={background}",
                f"data.samples.signal={signal}",
                "trainer.max_epochs=1",
                "evaluation.plots=false",
                "logger=none",
                "hydra.run.dir=run",
            ]
            done = call(train.main, directory, *words)
            assert done.code == 0, done.err
            found[kind] = directory / "run"
        return found[kind]

    return trained


def scored(run: Path, source: Path, target: Path, *words: str) -> Finished:
    return call(score.main, target.parent, f"run={run}", f"input={source}", f"output={target}", *words)


@pytest.mark.parametrize("kind", WRITERS)
def test_scores_are_those_of_the_loaded_run_bit_for_bit(run_of, tmp_path, monkeypatch, kind):
    # Rows and entries in other steps than the file's length, so that every seam is crossed.
    monkeypatch.setattr(scoring_input, "ROWS", 170)
    source = WRITERS[kind](tmp_path / "new.h5", n_events=5000, seed=7)
    run = run_of(kind)
    done = scored(run, source, tmp_path / "scores.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as file, h5py.File(source) as held:
        (data,) = (held[name][:] for name in held)
        index = file["index"][:]
        entries = data[index, file["slot"][:]] if kind == "jets" else data[index]
        assert file["score"].dtype == np.float32
        assert len(file["score"]) == ((data[..., 0] > 0).sum() if kind == "jets" else 5000)
        np.testing.assert_array_equal(file["score"][:], hepad.load_run(run).score(entries))
        assert (np.diff(index) >= 0).all()
        assert dict(file.attrs) == {
            "run": "run",
            "checkpoint_sha256": hashlib.sha256((run / "checkpoints/best.ckpt").read_bytes()).hexdigest(),
            "hepad_version": hepad.__version__,
            "input": "new.h5",
            "input_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "kind": kind,
            "inference": "forward",
            "dropped": 0,
            "nonfinite_scores": 0,
            "trained_on_input": False,
            "left_out": json.dumps({} if kind == "calo" else {"empty slots": int((data[..., 0] == 0).sum())}),
        }


@pytest.mark.parametrize(("kind", "module"), [("jets", jet_table), ("calo", calo)])
def test_no_more_rows_are_read_at_once_than_fit(run_of, tmp_path, monkeypatch, kind, module):
    largest = []
    whole = module.read_rows

    def spied(*arguments, **named):
        rows = whole(*arguments, **named)
        largest.append(len(rows))
        return rows

    run = run_of(kind)
    monkeypatch.setattr(module, "read_rows", spied)
    monkeypatch.setattr(scoring_input, "ROWS", 128)
    source = WRITERS[kind](tmp_path / "new.h5", n_events=1000)
    assert scored(run, source, tmp_path / "scores.h5").code == 0
    assert sum(largest) == 1000
    assert max(largest) == 128


def test_entries_with_nan_are_left_out_on_request(run_of, tmp_path):
    source = write_jet_file(tmp_path / "holed.h5", n_events=50, mean_jets=6.0, seed=3)
    with h5py.File(source, "r+") as file:
        file["jet_event_data"][20, 0, 3] = np.inf
    run = run_of("jets")
    done = scored(run, source, tmp_path / "scores.h5")
    assert done.code == 2
    assert "row 20 holds NaN or inf" in done.err
    assert "on_nonfinite=drop" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"holed.h5"}
    done = scored(run, source, tmp_path / "scores.h5", "on_nonfinite=drop")
    assert "1 with NaN or inf left out" in done.out
    with h5py.File(tmp_path / "scores.h5") as file:
        assert (20, 0) not in set(zip(file["index"][:], file["slot"][:], strict=True))
        assert file.attrs["dropped"] == 1


@pytest.mark.parametrize("n_threads", [1, 2])
def test_stopped_in_the_middle_nothing_is_left(run_of, tmp_path, monkeypatch, n_threads):
    run, threads, torch_threads = run_of("jets"), threading.active_count(), torch.get_num_threads()
    source = write_jet_file(tmp_path / "new.h5", n_events=3000)
    monkeypatch.setattr(scoring_input, "ROWS", 100)
    monkeypatch.setattr(forward, "rows_at_once", lambda *shape: 64)
    n_done = 0

    def stop(*arguments):
        nonlocal n_done
        n_done += 1
        if n_done == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(scored_entries.GrowingColumns, "add", stop)
    torch.set_num_threads(n_threads)
    try:
        with pytest.raises(KeyboardInterrupt):
            scoring.score_file(run, source, tmp_path / "scores.h5")
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(torch_threads)
    assert {path.name for path in tmp_path.iterdir()} == {"new.h5"}
    assert threading.active_count() == threads


def test_a_fault_in_the_middle_is_told_in_one_line(run_of, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring_input, "ROWS", 100)
    source = write_jet_file(tmp_path / "new.h5", n_events=3000)
    with h5py.File(source, "r+") as file:
        file["weight"] = np.where(np.arange(3000) == 2500, -1.0, 1.0)
    done = scored(run_of("jets"), source, tmp_path / "scores.h5")
    assert done.code == 2
    assert "negative, first that of row 2500" in done.err
    assert done.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"new.h5"}


def test_the_training_file_is_recognised(run_of, tmp_path):
    run = run_of("jets")
    done = scored(run, run.parent / "background.h5", tmp_path / "scores.h5")
    assert "trained on this very file" in done.out
    with h5py.File(tmp_path / "scores.h5") as file:
        assert file.attrs["trained_on_input"]


def test_an_output_is_replaced_only_when_asked(run_of, tmp_path):
    source = write_jet_file(tmp_path / "new.h5", n_events=20)
    target = tmp_path / "scores.h5"
    target.write_text("mine")
    done = scored(run_of("jets"), source, target)
    assert done.code == 2
    assert "overwrite=true" in done.err
    assert target.read_text() == "mine"
    assert scored(run_of("jets"), source, target, "overwrite=true").code == 0
    with h5py.File(target) as file:
        assert "score" in file


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run=null"], "run is missing"),
        (["run=nothing"], "is not a run"),
        (["input=nothing.h5"], "no file nothing.h5"),
        (["output=nowhere/scores.h5"], "no directory nowhere"),
        (["output=new.h5", "overwrite=true"], "is the input"),
        (["output=.", "overwrite=true"], "exists"),
        (["on_nonfinite=ignore"], "allowed: refuse, drop"),
        (["overwrite=maybe"], "true or false"),
        (["device=tpu"], "auto, cpu, gpu, cuda, mps"),
        (["inputt=x"], "did you mean 'input'?"),
    ],
)
def test_wrong_words(run_of, tmp_path, words, said):
    source = write_jet_file(tmp_path / "new.h5", n_events=20)
    done = scored(run_of("jets"), source, tmp_path / "scores.h5", *words)
    assert done.code == 2, done.out
    assert said in done.err
    assert done.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"new.h5"}


@pytest.mark.parametrize("flaw", ["features", "kind", "empty", "padding", "cut", "external", "huge"])
def test_files_that_cannot_be_scored(run_of, tmp_path, flaw):
    source = tmp_path / "new.h5"
    write_jet_file(source, n_events=0 if flaw == "empty" else 40, mean_jets=0.0 if flaw == "padding" else 3.0)
    said = {
        "features": "no attribute 'features'",
        "kind": "no data set 'jet_event_data'",
        "empty": "nothing to score",
        "padding": "nothing to score",
        "cut": "truncated",
        "external": "in other files",
        "huge": "refused as damaged",
    }[flaw]
    if flaw == "cut":
        source.write_bytes(source.read_bytes()[:3000])
    else:
        with h5py.File(source, "r+") as file:
            if flaw in ("features", "kind", "external", "huge"):
                del file["jet_event_data"]
            if flaw == "features":
                file["jet_event_data"] = np.ones((10, 8, 5), dtype=np.float32)
            if flaw == "kind":
                file["calo_regions"] = np.ones((10, 18, 14))
            if flaw == "external":
                file.create_dataset("jet_event_data", (4, 8, 17), "f4", external=[("/etc/passwd", 0, 2176)])
            if flaw == "huge":
                file.create_dataset("jet_event_data", (10**9, 8, 17), "f4", chunks=(100, 8, 17))
    done = scored(run_of("jets"), source, tmp_path / "scores.h5")
    assert done.code == 2, done.out
    assert said in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"new.h5"}


def test_a_file_that_lacks_a_feature_is_refused_with_advice_that_a_run_can_follow(run_of, tmp_path):
    source = write_jet_file(tmp_path / "new.h5", n_events=20)
    with h5py.File(source, "r+") as file:
        jets = file["jet_event_data"]
        kept, names = jets[..., 1:], [str(name) for name in jets.attrs["features"]]
        del file["jet_event_data"]
        file["jet_event_data"] = kept
        file["jet_event_data"].attrs["features"] = names[1:]
    done = scored(run_of("jets"), source, tmp_path / "scores.h5")
    assert done.code == 2, done.out
    assert f"has no feature {names[0]}; it has: {names[1]}" in done.err
    assert "this run was trained on it: score a file that has it" in done.err
    assert f"hepad.train data.features=[{names[1]}" in done.err
    assert not (tmp_path / "scores.h5").exists()
