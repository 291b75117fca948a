"""`python -m hepad.train model=bigan` from end to end: what a run leaves, and what is refused."""

import csv
import json

import h5py
import numpy as np
import pytest

import hepad
from hepad import train
from tests.conftest import write_image_file
from tests.runs.conftest import call, two_samples


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two epochs on small events, in its own directory."""
    directory = tmp_path_factory.mktemp("bigan")
    words = [*two_samples(directory), "logger=none", "data.batch_size=32", "trainer.max_epochs=2"]
    words.append("model.discriminator_steps=2")
    done = call(train.main, directory, "model=bigan", "data=events", *words, "hydra.run.dir=run")
    assert done.code == 0, done.err
    return directory / "run"


def test_both_parts_of_the_score_have_areas_of_their_own(run):
    metrics = json.loads((run / "metrics.json").read_text())
    names = [f"test/auc{part}/signal_vs_background" for part in ("", "_reconstruction", "_discriminator")]
    assert all(0 <= metrics[name] <= 1 for name in names)
    assert len({metrics[name] for name in names}) > 1
    with h5py.File(run / "scores.h5") as scores:
        for sample in ("background", "signal"):
            group = scores[sample]
            parts = 0.9 * group["part_reconstruction"][:] + 0.1 * group["part_discriminator"][:]
            np.testing.assert_allclose(parts, group["score"][:], rtol=1e-4)


def test_the_watch_is_in_the_history_and_in_the_report(run):
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    wanted = {"loss", "spread_median", "pairwise_ratio", "accuracy", "accuracy_real", "accuracy_generated"}
    wanted |= {"coverage", "coverage_real"}
    assert {f"val/{name}" for name in wanted} <= set(rows[0])
    assert all(float(row["val/loss"]) > 0 for row in rows)
    # Seven batches an epoch; the discriminator takes two steps for one of the generator, over the end of an epoch too.
    assert [float(row["train/discriminator_steps"]) for row in rows] == [7, 14]
    assert [float(row["train/generator_steps"]) for row in rows] == [3, 7]
    pictures = {path.stem for path in (run / "plots").glob("*.png")}
    assert {"adversarial_training", "generated_entries", "learning_curves", "parts_roc_vs_background"} <= pictures


def test_a_loaded_run_gives_the_scores_that_were_written(run):
    with h5py.File(run / "scores.h5") as scores, h5py.File(run.parent / "signal.h5") as source:
        events = source["jet_event_data"][:][scores["signal/index"][:]]
        written = scores["signal/score"][:]
    np.testing.assert_allclose(hepad.load_run(run).score(events), written, rtol=1e-4)


def test_a_gan_on_images(tmp_path):
    background = write_image_file(tmp_path / "background.h5", n_events=200, seed=1)
    words = ["data.bundled=false", "data.background=b", f"data.samples.b={background}", f"data.samples.s={background}"]
    words += [
        "logger=none",
        "data.batch_size=32",
        "trainer.max_epochs=1",
        "hydra.run.dir=run",
        "evaluation.plots=false",
    ]
    done = call(train.main, tmp_path, "model=gan", "loss=non_saturating", "model.r1=1", "scheduler=cosine", *words)
    assert done.code == 0, done.err
    assert hepad.load_run(tmp_path / "run").model.loss.label_smoothing == 0.1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("trainer.gradient_clip_val=1.0", "use model.gradient_clip=1.0"),
        ("trainer.accumulate_grad_batches=2", "use a larger data.batch_size"),
        ("trainer.max_steps=100", "use trainer.max_epochs"),
        ("model.r1=-1", "a number of at least 0"),
        ("model.generator=[]", "at least one layer"),
        ("model.alpha=2", "between 0 and 1"),
        ("loss=mse", "loss=non_saturating"),
        ("callbacks.early_stopping.monitor=val/mae", "val/loss"),
        ("data=calo model.discriminator=[8,8,8,8]", "cannot be halved"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(word, said, tmp_path):
    done = call(train.main, tmp_path, "model=bigan", "data=jets", "data.limit=300", "logger=none", *word.split())
    assert done.code == 2, done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1, done.err
    assert said in done.err
    assert not list(tmp_path.iterdir())
