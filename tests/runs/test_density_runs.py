"""Runs of flow, classifier and others on dijets with a resonance: trained, averaged, resumed, generated, refused."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepad import load_run, score, train
from tests.runs.conftest import call
from tests.runs.test_additions import dijets

QUICK = ["logger=none", "evaluation.plots=false", "data=table", "data.bundled=false"]
DATA = ["data.background=data", "data.samples.data=data.h5", "data.batch_size=256", "scheduler=none"]
CONDITIONAL = [
    "model=flow", "model.kind=maf", "model.transforms=2", "model.hidden=[16]", "model.average=2", "optimizer.lr=0.01",
    "data.train=[{sample: data, region: sidebands}]", "data.context=[m_jj]",
    "data.regions={sidebands: {m_jj: [[null, 3300], [3700, null]]}}",
]  # fmt: skip
MATCHING = [
    "model=flow_matching", "model.hidden=[32,32]", "model.n_steps=8", "optimizer.lr=0.01", *CONDITIONAL[6:],
]  # fmt: skip
CWOLA = [
    "model=classifier", "model.hidden=[16]", "model.average=3", "optimizer.lr=0.01", "data.features=[m_1,tau]",
    "data.train=[{sample: data, region: signal, label: 1}, {sample: data, region: sidebands, label: 0}]",
    "data.regions={signal: {m_jj: [3300, 3700]}, sidebands: {m_jj: [[2900, 3300], [3700, 4500]]}}",
]  # fmt: skip
NAE = [
    "model=nae", "model.hidden=[16]", "model.latent=2", "model.pretrain=1", "model.chains=256",
    "data.features=[m_1,tau]", "optimizer.lr=0.003",
]  # fmt: skip


def finished(directory, name, *words):
    done = call(train.main, directory, *QUICK, *words, f"hydra.run.dir={name}")
    assert done.code == 0, done.err
    return directory / name


def metrics(run):
    return json.loads((run / "metrics.json").read_text())


def checkpoint(run, name="best.ckpt"):
    return torch.load(run / "checkpoints" / name, weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("densities")
    dijets(directory / "data.h5", 6000, n_signal=300)
    return directory


@pytest.fixture(scope="module")
def conditional(place) -> Path:
    return finished(place, "flow", *DATA, *CONDITIONAL, "trainer.max_epochs=8")


@pytest.fixture(scope="module")
def matching(place) -> Path:
    return finished(place, "matching", *DATA, *MATCHING, "trainer.max_epochs=12")


@pytest.fixture(scope="module")
def cwola(place) -> Path:
    return finished(place, "cwola", *DATA, *CWOLA, "trainer.max_epochs=12")


@pytest.fixture(scope="module")
def nae(place) -> Path:
    return finished(place, "nae", *DATA, *NAE, "trainer.max_epochs=3")


def test_a_conditional_flow_finds_the_resonance_in_the_gap_it_never_saw(conditional):
    found = metrics(conditional)
    assert found["test/auc/data_signal_vs_data"] > 0.9
    assert {"test/auc_nll/data_signal_vs_data", "test/auc_norm/data_signal_vs_data"} <= found.keys()
    assert 0 <= found["test/density/ks_probability"] <= 1
    run = load_run(conditional)
    context = torch.full((2000, 1), 3500.0)
    made = run.model.sample(context, torch.Generator().manual_seed(0)).x
    # m_1 is 0.1 m_jj; between the side bands it is interpolated.
    assert float(made[:, 0].mean()) == pytest.approx(350, abs=30)
    likely, unlikely = run.score(np.array([[350, 0.6], [500, 0.2]]), context=np.array([[3500.0], [3500.0]]))
    assert likely < unlikely


def test_conditional_flow_matching_finds_the_resonance_too(matching):
    found = metrics(matching)
    assert found["test/auc/data_signal_vs_data"] > 0.85
    assert found["test/auc/data_signal_vs_data"] == found["test/auc_nll/data_signal_vs_data"]
    assert {"test/auc_velocity/data_signal_vs_data", "test/density/ks_probability"} <= found.keys()
    run = load_run(matching)
    made = run.model.sample(torch.full((2000, 1), 3500.0), torch.Generator().manual_seed(0)).x
    assert float(made[:, 0].mean()) == pytest.approx(350, abs=40)


@pytest.mark.parametrize("run", ["conditional", "cwola"])
def test_the_checkpoint_holds_exactly_the_best_epochs(request, run):
    directory = request.getfixturevalue(run)
    rows = np.genfromtxt(directory / "history.csv", delimiter=",", names=True)
    losses = rows[next(name for name in rows.dtype.names if name.startswith("valloss"))]
    state = checkpoint(directory)
    keep = len(state["best_epochs.epoch"])
    assert sorted(state["best_epochs.epoch"].tolist()) == sorted(np.argsort(losses, kind="stable")[:keep].tolist())
    last = checkpoint(directory, "last.ckpt")
    assert torch.equal(state["best_epochs.weights"], last["best_epochs.weights"])


def test_a_classifier_of_regions_finds_the_resonance(cwola):
    assert metrics(cwola)["test/auc/data_signal_vs_data"] > 0.8


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ("conditional", CONDITIONAL),
        *(
            pytest.param(*case, marks=pytest.mark.thorough)
            for case in (("matching", MATCHING), ("cwola", CWOLA), ("nae", NAE))
        ),
    ],
)
def test_a_run_that_was_stopped_ends_with_the_same_bits(request, place, tmp_path, whole, words):
    whole = request.getfixturevalue(whole)
    shutil.copy(place / "data.h5", tmp_path)
    stopped = finished(tmp_path, "run", *DATA, *words, f"trainer.max_epochs={2 if words is NAE else 3}")
    epochs = len((whole / "history.csv").read_text().splitlines()) - 1
    done = call(train.main, tmp_path, f"resume={stopped}", f"trainer.max_epochs={epochs}")
    assert done.code == 0, done.err
    for name in ("metrics.json", "scores.h5", "history.csv"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name
    left, right = checkpoint(stopped), checkpoint(whole)
    assert all(torch.equal(left[key], right[key]) for key in left.keys() | right.keys())


def test_a_file_is_scored_as_the_run_did(conditional, place):
    done = call(score.main, place, "run=flow", "input=data.h5", "output=scores.h5")
    assert done.code == 0, done.err
    with h5py.File(place / "scores.h5") as file, h5py.File(conditional / "scores.h5") as tested:
        found = file[next(iter(file))]["score"][:] if "score" not in file else file["score"][:]
        np.testing.assert_allclose(found[tested["data/index"][:]], tested["data/score"][:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=classifier"], "the labels in data.train are: none; give roles of both"),
        (["model=classifier", "data.train=[{sample: data, label: 1}]"], "the labels in data.train are: 1; give roles"),
        (["model=flow", "model.kind=glow"], "allowed: "),
        (["model=flow", "model.periodic=[7]"], "column 7 is not among the 3"),
        (["model=flow", "data=calo"], "not the images of data=calo"),
        (["model=flow_matching", "model.score=nll", "model.exact_up_to=1"], "use model.score=velocity, or norm"),
        (["model=flow_matching", "model.objective=hard"], "allowed: velocity, noise"),
        (["model=nae", "data=events"], "not the sets of data=events"),
        (["model=nae", "model.chains=100"], "data.batch_size=512 is above model.chains=100"),
        (
            ["model=nae", "trainer.accelerator=cpu", "trainer.devices=2"],
            "trains on one device; choose trainer.devices=1",
        ),
        (["model=pyod", "model.detector=ECO"], "did you mean ECOD"),
        (["model=pyod", "model.parameters={n: 1}"], "ECOD has no such argument"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(place, words, said):
    done = call(train.main, place, *QUICK, *DATA[:2], *words, "hydra.run.dir=refused")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (place / "refused").exists()


OTHERS = {
    "trees": ["model=trees", "model.members=2", "model.max_iter=20", *CWOLA[4:]],
    "isolation_forest": ["model=isolation_forest", "model.n_trees=20", "data.features=[m_1,tau]"],
    "gmm": ["model=gmm", "data.features=[m_1,tau]"],
    "pyod": ["model=pyod", "data.features=[m_1,tau]"],
    "deep_svdd": ["model=deep_svdd", "data.features=[m_1,tau]", "trainer.max_epochs=2", "optimizer.lr=0.001"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_family_has_a_run_like_any_model(place, name):
    run = finished(place, name, *DATA, *OTHERS[name])
    loaded = load_run(run)
    with h5py.File(place / "data.h5") as data, h5py.File(run / "scores.h5") as tested:
        rows = tested["data/index"][:]
        found = loaded.score(data["table"][:][:, 1:])[rows]
        np.testing.assert_allclose(found, tested["data/score"][:], rtol=1e-4, atol=1e-4)
    metric = metrics(run)["test/auc/data_signal_vs_data"]
    assert metric > (0.7 if name in ("trees", "isolation_forest") else 0.3)
    assert (run / "report.html").is_file()
