"""`python -m hepad.generate`: a sample made up by a run, evaluated beside the background, and what is refused."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import hepad
from hepad import evaluate, generate, train
from hepad.core.files import file_sha256
from hepad.core.schema import JET_FEATURES
from hepad.models import Generative
from tests.conftest import write_image_file
from tests.every_model import WRITERS
from tests.left_out import covering
from tests.runs.conftest import Finished, call, two_samples
from tests.runs.killing import start

QUICK = ["trainer.max_epochs=8", "evaluation.plots=false", "logger=none"]


def trained(directory: Path, name: str, *words: str) -> Path:
    done = call(train.main, directory, *two_samples(directory), *QUICK, f"hydra.run.dir={name}", *words)
    assert done.code == 0, done.err
    return directory / name


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A VAE of made-up jets."""
    return trained(tmp_path_factory.mktemp("generative"), "run", "model=vae", "model.beta=0.1")


def made(run: Path, directory: Path, name: str, *words: str) -> Path:
    done = call(generate.main, directory, f"run={run}", f"output={name}", *words)
    assert done.code == 0, done.err
    assert f"entries written to {name}" in done.out
    return directory / name


def test_the_file_is_the_models_sample_in_the_layout_of_its_kind(run, tmp_path):
    # More than one block.
    path = made(run, tmp_path, "made.h5", "n=5000", "seed=3")
    model = hepad.load_run(run).model
    assert isinstance(model, Generative)
    generator = torch.Generator().manual_seed(3)
    expected = torch.cat([model.sample(4096, generator).x, model.sample(904, generator).x])
    with h5py.File(path) as file:
        jets = file["jet_event_data"]
        assert jets.shape == (5000, 1, 17)
        assert jets.dtype == np.float32
        assert list(jets.attrs["features"]) == list(JET_FEATURES)
        assert np.array_equal(jets[:, 0], expected.numpy())
        assert dict(file.attrs) == {
            "sample": "made",
            "source": "hepad generate: VariationalAutoencoder",
            "run": "run",
            "checkpoint_sha256": file_sha256(run / "checkpoints" / "best.ckpt"),
            "seed": 3,
            "hepad_version": hepad.__version__,
        }
    assert [child.name for child in tmp_path.iterdir()] == ["made.h5"]


def test_the_same_seed_gives_the_same_bytes(run, tmp_path):
    first = made(run, tmp_path, "first.h5", "n=300").read_bytes()
    (tmp_path / "b").mkdir()
    assert made(run, tmp_path / "b", "first.h5", "n=300").read_bytes() == first
    assert made(run, tmp_path, "other.h5", "n=300", "seed=1").read_bytes() != first


def test_a_command_that_was_killed_goes_on_to_the_same_bytes(run, tmp_path):
    words = [f"run={run}", "output=made.h5", "n=20000"]
    alone = made(run, tmp_path, "made.h5", "n=20000")
    whole = alone.read_bytes()
    alone.unlink()
    # In its own process and by itself, before the third of five blocks is in its place.
    process = start(tmp_path, words, ("00000002.part", 0), main=generate.main)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    left = tmp_path / ".made.h5.parts"
    assert not alone.exists()
    assert sorted(path.name for path in left.glob("*.part")) == ["00000000.part", "00000001.part"]
    # A part that was spoilt is made anew, with the random numbers that it had.
    with (left / "00000000.part").open("r+b") as part:
        part.truncate(1000)
    done = call(generate.main, tmp_path, *words)
    assert "generate: 8192 of 20000 entries were there already" in done.out
    assert alone.read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {"made.h5", "log.txt"}


def test_blocks_of_another_request_are_not_taken(run, tmp_path):
    process = start(tmp_path, [f"run={run}", "output=made.h5", "n=9000", "seed=1"], ("whole.h5", 0), main=generate.main)
    process.join()
    assert len(list((tmp_path / ".made.h5.parts").glob("*.part"))) == 3
    other = made(run, tmp_path, "made.h5", "n=9000", "seed=2").read_bytes()
    (tmp_path / "b").mkdir()
    assert made(run, tmp_path / "b", "made.h5", "n=9000", "seed=2").read_bytes() == other


def test_it_is_evaluated_beside_the_background(run, tmp_path):
    path = made(run, tmp_path, "made.h5", "n=400")
    done = call(evaluate.main, tmp_path, f"run={run}", "name=made", f"data.samples.generated={path}")
    assert done.code == 0, done.err
    numbers = json.loads((run / "evaluations/made/metrics.json").read_text())
    assert 0 <= numbers["test/auc/generated_vs_background"] <= 1
    # Entries that the model made up itself are no stranger to it than a signal of other pT.
    assert numbers["test/auc/generated_vs_background"] < numbers["test/auc/signal_vs_background"]
    with h5py.File(run / "evaluations/made/scores.h5") as file:
        assert len(file["generated/score"]) == 400


@pytest.mark.parametrize(
    "case",
    covering(
        [
            ("bigan", "calo"),
            ("gan", "events"),
            ("vae", "table"),
            ("vae", "constituents"),
            ("vae", "events"),
            ("vae", "jet_images"),
        ],
        (0,),
    ),
)
def test_every_kind_of_data_is_generated_and_read_again(tmp_path, case):
    model, data = case
    for name, seed in (("background", 1), ("signal", 2)):
        WRITERS[data](tmp_path / f"{name}.h5", n_events=80, seed=seed)
    samples = [f"data.samples.{name}={tmp_path / name}.h5" for name in ("background", "signal")]
    words = ["data.bundled=false", "data.background=background", *samples, f"model={model}", f"data={data}", *QUICK]
    done = call(train.main, tmp_path, *words, "trainer.max_epochs=1", "data.batch_size=16", "hydra.run.dir=run")
    assert done.code == 0, done.err
    path = made(tmp_path / "run", tmp_path, "made.h5", "n=90")
    words = ["name=made", f"data.samples.generated={path}", "evaluation.symmetry_entries=0"]
    done = call(evaluate.main, tmp_path, f"run={tmp_path / 'run'}", *words)
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "run/evaluations/made/scores.h5") as file:
        assert len(file["generated/score"]) == 90


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], marks=pytest.mark.thorough, id="found"),
        pytest.param(["data.dataset=CaloRegions"], id="asked for"),
    ],
)
def test_images_under_the_name_of_cicada_are_evaluated_by_the_printed_command(tmp_path, words):
    for name, seed in (("background", 1), ("signal", 2)):
        images = np.random.default_rng(seed).exponential(size=(80, 18, 14)).astype(np.float32)
        write_image_file(tmp_path / f"{name}.h5", images=images, dataset="CaloRegions")
    samples = [f"data.samples.{name}={tmp_path / name}.h5" for name in ("background", "signal")]
    words = ["data.bundled=false", "data.background=background", *samples, "model=vae", "data=calo", *QUICK, *words]
    done = call(train.main, tmp_path, *words, "trainer.max_epochs=1", "data.batch_size=16", "hydra.run.dir=run")
    assert done.code == 0, done.err
    done = call(generate.main, tmp_path, "run=run", "output=made.h5", "n=90")
    assert done.code == 0, done.err
    printed = shlex.split(done.out.splitlines()[-1])
    words = printed[printed.index("hepad.evaluate") + 1 :]
    done = call(evaluate.main, tmp_path, *words, "name=made", "evaluation.symmetry_entries=0")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "run/evaluations/made/scores.h5") as file:
        assert len(file["generated/score"]) == 90


@pytest.mark.parametrize("name", ["a\0b", "eta", "", "a\nb", "a" * 2000])
def test_names_of_features_that_no_file_may_have_are_refused(run, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    facts = json.loads((copy / "provenance.json").read_text())
    facts["entries"]["definition"]["features"][0] = name
    (copy / "provenance.json").write_text(json.dumps(facts))
    assert "provenance.json names a feature" in refused(copy, tmp_path, "output=new.h5").err


def refused(run: Path, directory: Path, *words: str) -> Finished:
    before = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    done = call(generate.main, directory, f"run={run}", *words)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert {path: path.read_bytes() for path in directory.iterdir() if path.is_file()} == before
    return done


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["output=new.h5", "n=0"], "n=0: an integer of at least 1"),
        (["output=new.h5", "n=many"], "n=many: an integer"),
        (["output=new.h5", "seed=-1"], "seed=-1: an integer"),
        (["output=there.h5"], "there.h5 exists; choose another name"),
        (["output=nowhere/new.h5"], "no directory nowhere"),
        ([f"output={'a' * 300}"], "File name too long; choose another name"),
        ([], "output is missing"),
    ],
)
def test_wrong_words_are_refused_in_one_line(run, tmp_path, words, said):
    (tmp_path / "there.h5").write_text("mine")
    assert said in refused(run, tmp_path, *words).err


def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path):
    words = ["hepad.generate", f"run={run}", "output=big.h5", "n=20000"]
    command = ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash", sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "error: cannot write big.h5: File too large; nothing is left of it"
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_no_file_is_one_line(run, tmp_path):
    done = call(generate.main, tmp_path, f"run={run}", "output=/proc/new.h5", "n=10")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error: cannot write /proc/new.h5: ")
    assert "Traceback" not in done.err


def test_what_is_no_run_is_refused(tmp_path):
    assert "is not a run" in refused(tmp_path / "nothing", tmp_path, "output=new.h5").err


def test_a_run_that_cannot_generate_is_refused(tmp_path_factory, tmp_path):
    run = trained(tmp_path_factory.mktemp("plain"), "run", "model=dense_ae", "trainer.max_epochs=1")
    said = refused(run, tmp_path, "output=new.h5").err
    assert "DenseAutoencoder makes no entries up; runs of models such as gan, bigan and vae can" in said


def test_a_normalizer_without_a_way_back_is_refused(tmp_path_factory, tmp_path):
    directory = tmp_path_factory.mktemp("layer")
    run = trained(directory, "run", "model=vae", "model.normalizer=layer", "trainer.max_epochs=1")
    assert "model.normalizer=layer" in refused(run, tmp_path, "output=new.h5").err


def test_entries_that_are_not_finite_end_the_job_and_leave_nothing(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    model = type(hepad.load_run(copy).model)
    whole = model.sample

    def broken(self, n, generator):
        found = whole(self, n, generator)
        found.x[7, 0] = float("nan")
        return found

    monkeypatch.setattr(model, "sample", broken)
    done = call(generate.main, tmp_path, f"run={copy}", "output=new.h5", "n=10")
    assert done.code == 1
    assert "entry 7 that VariationalAutoencoder makes up holds NaN or inf" in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
