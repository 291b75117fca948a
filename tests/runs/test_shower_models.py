"""Showers made up by runs that are conditioned on the incident energy: by ranges and files, remarked on, compared."""

import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
from scripts import shower_study

from hepad import generate, train
from hepad.checks.combinations import validate
from hepad.config import compose
from tests.every_model import write_showers
from tests.runs.conftest import Finished, call

QUICK = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "data.batch_size=32"]


def trained(directory: Path, model: str, *words: str) -> Path:
    for name, seed in (("background", 1), ("signal", 2)):
        if not (directory / f"{name}.h5").exists():
            write_showers(directory / f"{name}.h5", n_events=200, seed=seed)
    samples = [f"data.samples.{name}={directory / name}.h5" for name in ("background", "signal")]
    data = ["data=showers", "data.bundled=false", "data.background=background", *samples]
    done = call(train.main, directory, f"model={model}", *data, *QUICK, f"hydra.run.dir={model}", *words)
    assert done.code == 0, done.err
    return directory / model


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("showers")
    trained(found, "bib_ae", "model.generator=[16]")
    trained(found, "flow_matching", "model.hidden=[16]", "model.n_steps=2", "data.context=[incident_energy]")
    trained(found, "vae", "model.hidden=[4,4]", "data.context=[incident_energy]")
    return found


def documented(command: str) -> list[list[str]]:
    """Return the words of every command of a kind in docs/shower_models.md."""
    page = Path(__file__).parents[2] / "docs" / "shower_models.md"
    lines = [
        shlex.split(line, comments=True) for line in page.read_text(encoding="utf-8").splitlines() if command in line
    ]
    return [line[line.index(command) + 1 :] for line in lines if command in line]


@pytest.mark.parametrize("words", documented("hepad.train"), ids=lambda words: words[0])
def test_trainings_of_the_page_fit_together(words):
    cfg = compose("train", [*words, "paths.run=run"])
    validate(cfg)
    assert list(cfg.data.context) == ["incident_energy"]


def made(directory: Path, *words: str) -> Finished:
    return call(generate.main, directory, *words)


@pytest.mark.parametrize("model", ["bib_ae", "flow_matching", "vae"])
def test_energies_are_drawn_from_a_range_and_written_beside_the_showers(directory, model, tmp_path):
    documented_words = documented("hepad.generate")[0]
    assert "context={incident_energy: [10, 100]}" in documented_words
    words = [f"run={directory / model}", "context={incident_energy: [20, 80]}", "n=300"]
    for name in ("one.h5", "again.h5"):
        done = made(tmp_path, *words, f"output={name}")
        assert (done.code, done.err.count("warning")) == (0, 0), done.err
    with h5py.File(tmp_path / "one.h5") as file, h5py.File(tmp_path / "again.h5") as again:
        energy, cells = file["incident_energy"][:], file["shower_volume"][:]
        assert np.array_equal(cells, again["shower_volume"][:])
    assert cells.shape == (300, 9, 8, 7)
    assert energy.min() >= 20
    assert energy.max() <= 80
    assert energy.std() == pytest.approx(60 / np.sqrt(12), rel=0.1)
    assert bool((cells >= 0).all())


def test_a_search_for_codes_is_refused_where_they_are_not_all_that_is_decoded(directory):
    data = ["data=showers", "data.bundled=false", "data.background=background", "data.context=[incident_energy]"]
    sample = f"data.samples.background={directory / 'background.h5'}"
    done = call(
        train.main, directory, "model=vae", *data, sample, *QUICK, "inference=latent_search", "hydra.run.dir=no"
    )
    assert done.code == 2
    assert "VariationalAutoencoder is conditioned on incident_energy too" in done.err


def test_energies_outside_of_the_range_trained_on_are_remarked_on(directory, tmp_path):
    done = made(tmp_path, f"run={directory / 'bib_ae'}", "context={incident_energy: 500}", "n=7", "output=new.h5")
    assert done.code == 0
    assert "incident_energy of 7 of 7 entries is outside " in done.err
    with h5py.File(tmp_path / "new.h5") as file:
        assert set(file["incident_energy"][:]) == {500.0}


def test_showers_are_made_up_for_the_energies_of_a_file(directory, tmp_path):
    done = made(tmp_path, f"run={directory / 'bib_ae'}", f"context={directory / 'signal.h5'}", "output=new.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "new.h5") as file, h5py.File(directory / "signal.h5") as given:
        assert np.array_equal(file["incident_energy"][:], given["incident_energy"][:])


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("{energy: 50}", "the run is conditioned on incident_energy"),
        ("{incident_energy: [80, 20]}", "the lower one first"),
        ("{incident_energy: [1, 2, 3]}", "a list of 2 numbers"),
        ("nowhere.h5", "nowhere.h5"),
    ],
)
def test_a_context_of_no_use_is_refused_in_one_line(directory, tmp_path, context, said):
    done = made(tmp_path, f"run={directory / 'bib_ae'}", f"context={context}", "output=new.h5", "n=5")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_study_compares_responses_and_counts_showers_per_second(directory, capsys):
    shower_study.main([str(directory / "signal.h5"), str(directory / "bib_ae"), str(directory / "flow_matching")])
    printed = capsys.readouterr().out
    assert printed.count("| bib_ae | ") == len(shower_study.EDGES)
    assert "| hepad.simulate samples=photon_showers | cpu | " in printed


def test_the_errors_of_a_comparison_are_those_of_many():
    rng = np.random.default_rng(0)
    found = [shower_study.compare(rng.normal(1, 0.1, 400), rng.normal(1, 0.1, 800)) for _ in range(300)]
    for value, error in (("mean", "mean_error"), ("width", "width_error")):
        values, errors = ([getattr(ratio, name) for ratio in found] for name in (value, error))
        assert np.mean(values) == pytest.approx(1, abs=0.01)
        assert np.std(values) == pytest.approx(np.mean(errors), rel=0.15)
