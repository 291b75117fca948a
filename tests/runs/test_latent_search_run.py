"""`inference=latent_search`: from the command line to scores.h5, stopped and continued, and what is refused."""

import json
import re
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepad import evaluate, train
from hepad.core.errors import Interrupted
from hepad.core.schema import JET_DATASET
from hepad.inference import LatentSearch, SearchSettings, draw_codes
from hepad.inference.code_prior import NEAR
from hepad.losses import MSE
from hepad.run.loading import load_run
from tests.runs.conftest import Finished, call, two_samples

SEARCH = ["inference=latent_search", "inference.steps=3", "inference.gamma_theta=1e-2", "logger=none"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    """The directory of a run of a VAE scored by a search; the data lie beside it."""
    directory = tmp_path_factory.mktemp("searched")
    words = ["model=vae", "trainer.max_epochs=1", "data.limit=150", "hydra.run.dir=run", *SEARCH]
    done = call(train.main, directory, *two_samples(directory), *words)
    assert done.code == 0, done.err
    assert "Latent search: 3 restarts of 3 steps" in done.out
    return directory / "run"


def scores(directory: Path, name: str = "score") -> dict[str, np.ndarray]:
    with h5py.File(directory / "scores.h5") as file:
        return {sample: file[sample][name][()] for sample in file}


def test_scores_are_the_mean_of_what_restarts_left(searched) -> None:
    losses, steps = scores(searched, "restart_loss"), scores(searched, "restart_steps")
    for sample, score in scores(searched).items():
        assert losses[sample].shape == (len(score), 3)
        np.testing.assert_allclose(score, losses[sample].mean(axis=1), rtol=1e-6)
        assert (steps[sample] == 3).all()
    assert not (searched / "latent_search").exists()


@pytest.mark.parametrize("start", ["prior", "encoder"])
def test_scores_are_those_of_the_library(searched, start) -> None:
    """Rows of scores.h5, found again from the checkpoint, the file and the seed alone; `prior` is the default."""
    directory = searched
    if start == "encoder":
        done = again(searched, "name=near", "inference.start=encoder")
        assert done.code == 0, done.err
        directory = searched / "evaluations" / "near"
    model = load_run(searched).model
    with h5py.File(directory / "scores.h5") as file, h5py.File(searched.parent / "signal.h5") as source:
        index, slot = file["signal/index"][()], file["signal/slot"][()]
        x = torch.from_numpy(source[JET_DATASET][()][index, slot].astype(np.float32))
    network = model.latent_network()
    assert network is not None
    codes = torch.from_numpy(draw_codes(42, np.stack([index, slot], axis=1), 3, network.latent_shape)).float()
    with torch.no_grad():
        z = model.normalizer(x)
        if start == "encoder":
            # The first restart begins at the entry's own code, the others near it.
            codes = model.code(z).unsqueeze(1) + NEAR * codes
            codes[:, 0] = model.code(z)
    found = LatentSearch(network, SearchSettings(steps=3, gamma_theta=1e-2), MSE())(z, codes)
    np.testing.assert_allclose(scores(directory)["signal"], found.scores("mean").numpy(), rtol=1e-5)


def test_the_forward_score_stands_beside_it(searched) -> None:
    metrics = json.loads((searched / "metrics.json").read_text())
    assert metrics["test/auc_forward/signal_vs_background"] > 0.9
    moved = scores(searched, "restart_moved")
    for sample, distances in moved.items():
        assert metrics[f"test/search/moved/{sample}"] == pytest.approx(distances.mean(dtype=float))
    report = (searched / "report.html").read_text()
    for figure in ("search_losses", "search_areas", "search_examples_signal"):
        assert (searched / "plots" / f"{figure}.png").is_file()
    assert "Latent search" in report


def test_evaluate_searches_with_other_numbers(searched) -> None:
    done = again(searched, "name=lowest", "inference.n_seed=3", "inference.reduction=min")
    assert done.code == 0, done.err
    lowest = {sample: losses.min(axis=1) for sample, losses in scores(searched, "restart_loss").items()}
    for sample, values in scores(searched / "evaluations" / "lowest").items():
        assert np.array_equal(values, lowest[sample])


def again(run: Path, *words: str) -> Finished:
    return call(evaluate.main, run.parent, "run=run", "evaluation.plots=false", *SEARCH, *words)


def test_a_search_that_was_stopped_goes_on_and_ends_alike(searched, monkeypatch) -> None:
    searched_blocks = LatentSearch.search
    calls: list[int] = []

    def stopped_in_the_second_sample(self: LatentSearch, *args: torch.Tensor) -> object:
        # One of a single entry comes first, to see whether it can be done.
        calls.append(len(args[0]))
        if len(calls) == 4:
            raise Interrupted(signal.SIGINT)
        return searched_blocks(self, *args)

    # A few blocks for each sample.
    small = f"inference.memory={3 * one_entry(searched)}"
    whole = again(searched, "name=whole", small)
    assert whole.code == 0, whole.err
    monkeypatch.setattr(LatentSearch, "search", stopped_in_the_second_sample)
    stopped = again(searched, "name=stopped", small)
    assert stopped.code == 130
    kept = [line for line in stopped.out.splitlines() if "are kept" in line]
    assert len(kept) == 1
    assert re.fullmatch(r"\d+ of \d+ entries of \w+ are kept; the same command goes on there", kept[0])
    assert not (searched / "evaluations" / "stopped").exists()
    assert len(list((searched / "latent_search").glob("*.npz"))) == 1
    monkeypatch.setattr(LatentSearch, "search", searched_blocks)
    done = again(searched, "name=continued", small)
    assert done.code == 0, done.err
    assert "were there already" in done.out
    for name in ("score", "restart_loss"):
        one, other = (scores(searched / "evaluations" / run, name) for run in ("whole", "continued"))
        for sample in one:
            assert np.array_equal(one[sample], other[sample])
    assert not (searched / "latent_search").exists()


def test_half_a_file_of_a_stopped_search_counts_as_none(searched, monkeypatch) -> None:
    monkeypatch.setattr("hepad.inference.LatentSearchInference.clear", lambda self: None)
    assert again(searched, "name=kept").code == 0
    for path in (searched / "latent_search").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:200])
    monkeypatch.undo()
    done = again(searched, "name=torn")
    assert done.code == 0, done.err
    assert "were there already" not in done.out
    assert np.array_equal(*(scores(searched / "evaluations" / name)["signal"] for name in ("kept", "torn")))


def one_entry(run: Path) -> int:
    network = load_run(run).model.latent_network()
    assert network is not None
    return LatentSearch(network, SearchSettings(gamma_theta=1e-2)).bytes_per_entry


def test_kept_findings_serve_another_reduction(searched, monkeypatch) -> None:
    monkeypatch.setattr("hepad.inference.LatentSearchInference.clear", lambda self: None)
    assert again(searched, "name=means").code == 0
    monkeypatch.undo()
    done = again(searched, "name=minima", "inference.reduction=min")
    assert done.code == 0, done.err
    assert done.out.count("were there already") == 2


def test_a_training_that_is_stopped_in_its_search_says_how_to_go_on(tmp_path, monkeypatch) -> None:
    searched_blocks = LatentSearch.search
    calls: list[int] = []

    def stopped_in_the_second_block(self: LatentSearch, *args: torch.Tensor) -> object:
        # One of a single entry was before the training, to see whether it can be done.
        calls.append(len(args[0]))
        if len(calls) == 3:
            raise Interrupted(signal.SIGINT)
        return searched_blocks(self, *args)

    monkeypatch.setattr(LatentSearch, "search", stopped_in_the_second_block)
    words = ["model=vae", "trainer.max_epochs=1", "data.limit=150", "hydra.run.dir=run", "evaluation.plots=false"]
    samples = two_samples(tmp_path)
    small = "inference.memory=20000"
    stopped = call(train.main, tmp_path, *samples, *words, *SEARCH, small)
    assert stopped.code == 130, stopped.err
    assert re.search(r"\d+ of \d+ entries of background are kept\n", stopped.out)
    assert "same command" not in stopped.out + stopped.err
    assert " -m hepad.train resume=" in stopped.err
    monkeypatch.setattr(LatentSearch, "search", searched_blocks)
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert "were there already" in done.out


def test_warns_of_a_rate_that_moves_nothing(searched) -> None:
    done = again(searched, "name=still", "inference.gamma_theta=1e-12")
    assert done.code == 0, done.err
    # Before the search, not after it.
    first, *_ = done.err.splitlines()
    assert first.startswith("warning: latent search: gamma_theta=1e-12 is below what float32 resolves")
    assert "Latent search: gamma_theta=1e-12 is" in (searched / "evaluations/still/report.html").read_text()


def test_warns_of_weights_that_did_not_move(searched) -> None:
    """Plain gradient descent moves by the gradient, so only the search itself tells."""
    done = again(searched, "name=sgd", "inference.gamma_theta=1e-30", "inference.optimizer=sgd")
    assert done.code == 0, done.err
    assert "warning: latent search: the weights of 100% of all restarts did not move at all" in done.err
    metrics = json.loads((searched / "evaluations/sgd/metrics.json").read_text())
    assert metrics["test/search/moved/signal"] == 0


def test_a_search_that_fails_everywhere_fails_the_job(searched) -> None:
    done = again(searched, "name=lost", "inference.optimizer=sgd", "inference.gamma_z=1e38", "inference.steps=5")
    assert done.code == 1
    *_, last = done.err.strip().splitlines()
    assert last.startswith("error: latent search: no restart of 100% of the entries of ")
    assert "Traceback" not in done.err
    assert not (searched / "evaluations" / "lost").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inference.seed=-1"], "inference.seed=-1: an integer of at least 0"),
        (["inference.seed=1.5"], "inference.seed=1.5: an integer"),
        (["inference.seed=abc"], "inference.seed=abc: an integer"),
        (["inference.loss._target_=hepad.losses.SSIM"], "SSIM is defined for images, not for vectors"),
        (["inference.loss._target_=hepad.losses.NCC"], "NCC is defined for images or volumes, not for vectors"),
        (["inference.loss=null"], "loss=None; one of those in hepad.losses is needed"),
        (["inference.gamma_z=nan"], "inference.gamma_z=nan: a number of at least 0"),
        (["inference.memory=nan"], "inference.memory=nan: a positive number"),
        (["inference.memory=1000"], "memory=1e+03 bytes; one entry with 3 restarts takes"),
        (["inference.n_seed=0"], "inference.n_seed=0: an integer from 1"),
        (["inference.start=middle"], "allowed: prior, encoder"),
        (["model=distilled", "data=events"], "needs a generator or a decoder; Distilled has none"),
    ],
)
def test_refuses_before_anything_is_written(tmp_path, words, message) -> None:
    given = ["model=vae", "hydra.run.dir=run", "inference=latent_search", "logger=none"]
    kind = [] if "data=events" in words else ["data=jets"]
    done = call(train.main, tmp_path, *two_samples(tmp_path), *given, *kind, *words)
    assert done.code == 2, done.err
    assert message in " ".join(done.err.split())
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["model=gan", "data=events"],
        ["model=bigan", "data=jets"],
        ["model=td_ae"],
        ["model=cicada_ae"],
        ["model=sparse_ae", "data=events"],
    ],
)
def test_every_model_with_a_decoder_can_be_searched(tmp_path, words) -> None:
    quick = [
        "trainer.max_epochs=1",
        "data.limit=60",
        "data.samples={jet_ht:null,wprime:null,radion:null,soft_qcd:null}",
    ]
    done = call(train.main, tmp_path, *words, *quick, *SEARCH, "evaluation.plots=false", "hydra.run.dir=run")
    assert done.code == 0, done.err
    for values in scores(tmp_path / "run").values():
        assert np.isfinite(values).all()
        # Half of the events of zero bias are empty, and nothing is searched for in them.
        searched = values[values > 0]
        assert len(searched) > 3
        assert len(np.unique(searched)) > len(searched) / 2


def test_contributions_of_the_first_entries_sum_to_their_searched_scores(searched) -> None:
    forward = scores(searched, "forward_score")
    with h5py.File(searched / "scores.h5") as file:
        found = {name: file[name] for name in file if "top_entry" in file[name]}
        kept = {name: (each["top_entry"][()], each["top_contributions"][()]) for name, each in found.items()}
    assert sum(len(rows) for rows, _ in kept.values()) == 20
    for name, (rows, values) in kept.items():
        score = scores(searched)[name][rows]
        np.testing.assert_allclose(values.sum(axis=1), score, rtol=1e-5)
        # They are not those of one pass.
        assert (np.abs(forward[name][rows] - score) > 1e-3 * score).all()
    page = (searched / "report.html").read_text(encoding="utf-8")
    assert "Contributions are the terms of the score" in page
    top = load_run(searched).top(5)
    assert top.explanation is not None
    np.testing.assert_allclose(top.explanation.values.sum(dim=1), [entry.score for entry in top.entries], rtol=1e-5)
    assert load_run(searched).top(30).explanation is None
