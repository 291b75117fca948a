"""`python -m hepad.generator_card`: the card of a run's generator, its files, and what it refuses."""

import json
import shutil

import h5py
import numpy as np
import pytest

from hepad import compare, generate, generator_card, train
from hepad.core.schema import JET_DATASET, MASK_DATASET
from tests.conftest import write_jet_file
from tests.every_model import WRITERS
from tests.fake_runs import fake_scores, write_fake_run
from tests.left_out import covering
from tests.runs.conftest import call
from tests.runs.test_documented_files import blocks, commands

QUICK = ["evaluation.plots=false", "logger=none", "trainer.max_epochs=1"]
ENERGY = ["data.context=[incident_energy]"]
FEW = ["classifiers=[]", "plots=false", "logger=none"]


def trained(directory, name, model, data="jets", n_events=700, *words):
    files = {sample: directory / f"{sample}.h5" for sample in ("background", "signal")}
    for seed, path in enumerate(files.values(), start=1):
        if not path.exists():
            WRITERS[data](path, n_events=n_events, seed=seed)
    samples = [f"data.samples.{sample}={path}" for sample, path in files.items()]
    chosen = [f"model={model}", f"data={data}", "data.bundled=false", "data.background=background"]
    done = call(train.main, directory, *samples, *chosen, *QUICK, f"hydra.run.dir={name}", *words)
    assert done.code == 0, done.err
    return directory / name


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A VAE of made-up jets, which a classifier tells from real ones at once."""
    return trained(tmp_path_factory.mktemp("carded"), "run", "vae")


def card(directory, run, name, *words):
    return call(generator_card.main, directory, f"run={run}", f"name={name}", *words)


def numbers(run, name):
    return json.loads((run / "evaluations" / name / "metrics.json").read_text())


def test_the_card_is_an_evaluation_with_numbers_figures_page_and_record(run, tmp_path):
    done = card(tmp_path, run, "whole", "classifiers=[trees]", "logger=csv")
    assert done.code == 0, done.err
    directory = run / "evaluations" / "whole"
    assert {path.name for path in directory.iterdir()} >= {
        "config.yaml",
        "metrics.json",
        "plots",
        "provenance.json",
        "report.html",
    }
    metrics = numbers(run, "whole")
    if "generator/auc/trees" in metrics:
        assert metrics["generator/auc/trees"] > metrics["generator_floor/auc/trees"]
    assert metrics["generator/differing"] > 0 == metrics["generator_floor/differing"]
    assert {path.stem for path in (directory / "plots").iterdir()} >= {"generator_separation", "generator_memorisation"}
    page = (directory / "report.html").read_text()
    assert "observables differ from the real ones beyond the floor" in page
    assert page.index("beyond the floor") < page.index("Separation power of each observable")
    assert "observables differ" in done.out
    facts = json.loads((directory / "provenance.json").read_text())
    assert facts["generator_card"]["sample"] == "VariationalAutoencoder, seed 42"
    # The CSV logger was given the same numbers.
    (record,) = directory.rglob("metrics.csv")
    assert "generator/separation_mean" in record.read_text()


def test_a_file_of_its_own_entries_and_two_files_of_halves_give_the_same_numbers(run, tmp_path):
    assert card(tmp_path, run, "own", *FEW).code == 0
    n = int(numbers(run, "own")["generator/entries"])
    made = tmp_path / "made.h5"
    assert call(generate.main, tmp_path, f"run={run}", f"output={made}", f"n={n}").code == 0
    with h5py.File(made) as whole:
        for name, rows in (("one.h5", slice(0, n // 2)), ("two.h5", slice(n // 2, n))):
            with h5py.File(tmp_path / name, "w") as part:
                part[JET_DATASET], part[MASK_DATASET] = whole[JET_DATASET][rows], whole[MASK_DATASET][rows]
                part[JET_DATASET].attrs["features"] = whole[JET_DATASET].attrs["features"]
    assert card(tmp_path, run, "file", *FEW, f"sample={made}").code == 0
    both = f"sample=[{tmp_path / 'one.h5'},{tmp_path / 'two.h5'}]"
    done = card(tmp_path, run, "files", *FEW, both)
    assert done.code == 0, done.err
    assert numbers(run, "file") == numbers(run, "own") == numbers(run, "files")


def test_real_entries_in_place_of_generated_ones_pass(run, tmp_path):
    with h5py.File(run.parent / "background.h5") as trained_on, h5py.File(tmp_path / "real.h5", "w") as part:
        part[JET_DATASET] = trained_on[JET_DATASET][:300]
        part[JET_DATASET].attrs["features"] = trained_on[JET_DATASET].attrs["features"]
    other = write_jet_file(tmp_path / "other.h5", n_events=700, seed=77)
    done = card(tmp_path, run, "real", *FEW, f"sample={other}", f"reference={tmp_path / 'real.h5'}")
    assert done.code == 2
    assert "among those that train" in done.err
    done = card(tmp_path, run, "real", *FEW, f"sample={other}")
    assert done.code == 0, done.err
    metrics = numbers(run, "real")
    assert metrics["generator/differing"] == 0
    assert metrics["generator/kpd/p_value"] > 0.001


WORDS = {
    ("vae", "constituents"): [],
    ("bigan", "calo"): ["model.generator=[4]", "model.discriminator=[4]"],
    ("flow", "table"): ["data.context=[mass]"],
    ("bib_ae", "showers"): [*ENERGY, "model.generator=[16]", "model.discriminator=[4]"],
    ("gan", "events"): [],
    ("flow_matching", "showers"): [*ENERGY, "model.hidden=[16]", "model.n_steps=2", "model.noises=1"],
    ("flow_matching", "jets"): ["model.hidden=[16]", "model.n_steps=2"],
}


@pytest.mark.parametrize("case", covering(list(WORDS), (1,)))
def test_every_generative_run_has_one(tmp_path, case):
    (model, data), words = case, WORDS[case]
    run = trained(tmp_path, "run", model, data, 1100, *words)
    done = card(tmp_path, run, "card", *FEW)
    assert done.code == 0, done.err
    metrics = numbers(run, "card")
    assert metrics["generator/observables"] >= 4
    assert "generator/kpd" in metrics or any("kernel distance needs" in line for line in done.out.splitlines())
    of_its_kind = {"calo": "p_value/centre_row", "jets": "p_value/pt", "showers": "profile_p_value/layer"}
    if data in of_its_kind:
        assert f"generator/{of_its_kind[data]}" in metrics


def test_generators_are_ranked(run, tmp_path):
    for name, *words in (("a", "seed=1"), ("b", f"sample={write_jet_file(tmp_path / 'real.h5', seed=5)}")):
        assert card(tmp_path, run, name, *FEW[1:], "classifiers=[trees]", *words).code == 0
    cards = [str(run / "evaluations" / name) for name in ("a", "b")]
    done = call(compare.main, tmp_path, *cards, "output=out")
    assert done.code == 0, done.err
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert [name.rpartition("/")[2] for name in content["generators"]] == ["b", "a"]
    page = (tmp_path / "out/comparison.html").read_text()
    assert "floor of" in page
    done = call(compare.main, tmp_path, cards[0], str(run), "output=out2")
    assert (done.code, "is a generator card" in done.err) == (2, True)


def test_a_comparison_of_runs_has_the_cards_of_those_that_have_one(run, tmp_path):
    card(tmp_path, run, "for_runs", *FEW)
    for i in range(2):
        directory = write_fake_run(tmp_path / f"runs/r{i}", fake_scores(i, 0.5))
        if i:
            shutil.copytree(run / "evaluations" / "for_runs", directory / "evaluations" / "card")
    done = call(compare.main, tmp_path, "runs", "output=out")
    assert done.code == 0, done.err
    assert "floor of r1" in done.out
    assert "floor of r0" not in done.out


def spoiled(path, run, change):
    write_jet_file(path, n_events=200, seed=9)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def test_what_cannot_be_compared_is_refused_in_one_line(run, tmp_path):
    def with_nan(file):
        file[JET_DATASET][0, 0, 1] = np.nan

    bad = spoiled(tmp_path / "nan.h5", run, with_nan)
    dense = write_fake_run(tmp_path / "dense", fake_scores(0, 0.5))
    cases = {
        "which run?": ["name=x"],
        "is not a run": ["run=nothing"],
        "hold NaN or inf": [f"run={run}", f"sample={bad}"],
        "no file missing.h5": [f"run={run}", "sample=missing.h5"],
        "is the file that the run was trained on": [f"run={run}", f"reference={run.parent / 'background.h5'}"],
        "exists; choose another name": [f"run={run}", "name=taken"],
        "has no checkpoints/best.ckpt": [f"run={dense}"],
        "classifiers": [f"run={run}", "classifiers=[forest]"],
    }
    (run / "evaluations" / "taken").mkdir(parents=True)
    before = sorted(path.name for path in (run / "evaluations").iterdir())
    for said, words in cases.items():
        done = call(generator_card.main, tmp_path, *words, "logger=none")
        assert done.code == 2, (said, done.err, done.out)
        assert said in done.err, done.err
        assert done.err.count("\n") == 1
    assert sorted(path.name for path in (run / "evaluations").iterdir()) == before


def test_a_model_that_makes_nothing_up_and_too_few_real_entries_are_refused(tmp_path):
    dense = trained(tmp_path, "dense", "dense_ae", "jets", 200)
    done = card(tmp_path, dense, "card", *FEW)
    assert (done.code, "cannot generate: DenseAutoencoder" in done.err) == (2, True), done.err
    made = write_jet_file(tmp_path / "made.h5", n_events=30)
    done = card(tmp_path, dense, "card", *FEW, f"sample={made}", f"reference={made}")
    assert (done.code, "too few for a card" in done.err) == (2, True), done.err
    assert not (dense / "evaluations").exists()


def test_the_commands_of_the_page_run_as_they_stand(run, tmp_path):
    shutil.copytree(run, tmp_path / "runs" / "flow", ignore=shutil.ignore_patterns("evaluations"))
    mains = {"generator_card": generator_card.main, "generate": generate.main, "compare": compare.main}
    lines = [line for block in blocks("docs/generators.md")[1:] for line in commands(block)]
    assert len(lines) >= 4
    for name, *words in lines:
        main = mains[name.removeprefix("hepad.")]
        quick = FEW if main is generator_card.main else []
        done = call(main, tmp_path, *words, *quick)
        assert done.code == 0, done.err
    assert (tmp_path / "ranked" / "comparison.html").is_file()
