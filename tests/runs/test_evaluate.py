"""`python -m hepad.evaluate`: the run's own numbers again, other data, and what it refuses."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from omegaconf.errors import ReadonlyConfigError

import hepad
from hepad import evaluate, train
from tests.conftest import write_jet_file
from tests.runs.conftest import Finished, call, two_samples
from tests.runs.wandb_records import entries, records, summary

LOGGED = ["logger.wandb.group=team", "logger.wandb.log_model=best", "logger.wandb.id=theonlyone"]
QUICK = ["trainer.max_epochs=2", "evaluation.plots=false", "hydra.run.dir=run"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The directory of a run with a W&B record; its samples lie beside it."""
    directory = tmp_path_factory.mktemp("trained")
    done = call(train.main, directory, *two_samples(directory), *QUICK, *LOGGED, "data.limit=900")
    assert done.code == 0, done.err
    return directory / "run"


def again(run: Path, *words: str) -> Finished:
    """Evaluate the run from a directory that is not its own."""
    return call(evaluate.main, run.parent.parent, f"run={run}", *words)


def numbers(directory: Path) -> dict[str, float]:
    return json.loads((directory / "metrics.json").read_text())


@pytest.fixture(scope="module")
def unchanged(trained) -> Path:
    done = again(trained, "name=unchanged")
    assert done.code == 0, done.err
    return trained / "evaluations/unchanged"


def test_nothing_changed_gives_the_same_numbers_to_the_last_bit(trained, unchanged):
    for name in ("metrics.json", "scores.h5"):
        assert (unchanged / name).read_bytes() == (trained / name).read_bytes()
    assert {path.name for path in unchanged.iterdir()} == {
        "config.yaml",
        "provenance.json",
        "metrics.json",
        "scores.h5",
        "report.html",
        "wandb",
    }
    facts = json.loads((unchanged / "provenance.json").read_text())
    assert facts["evaluated_run"] == str(trained)
    assert facts["status"] == "finished"
    assert "run, evaluation unchanged" in (unchanged / "report.html").read_text()


def test_the_wandb_run_is_an_evaluation_in_the_run_s_group(unchanged):
    (record,) = records(unchanged)
    (begun,) = entries(record, "run")
    assert (begun["project"], begun["run_group"], begun["job_type"]) == ("hepad", "team", "evaluate")
    assert begun["display_name"] == "run_unchanged"
    assert begun["run_id"] != "theonlyone"
    found = summary(record)
    assert (found["state"], found["exit_code"]) == ("finished", 0)
    assert {"parameters", "seconds/train", "seconds/score"} <= found["summary"].keys()
    assert {name: found["summary"][name] for name in numbers(unchanged)} == numbers(unchanged)


def test_other_samples_and_references(trained, tmp_path):
    other = write_jet_file(tmp_path / "other.h5", n_events=100, mean_pt=25.0, seed=8)
    words = [f"data.samples.other={other}", "data.samples.signal=null", "evaluation.references=[background,other]"]
    assert again(trained, "name=other", "logger=none", *words).code == 0
    found = numbers(trained / "evaluations/other")
    assert "test/auc/other_vs_background" in found
    assert not any("signal_vs" in name for name in found)
    with h5py.File(trained / "evaluations/other/scores.h5") as file:
        jets = h5py.File(other)["jet_event_data"][:][file["other/index"][:], file["other/slot"][:]]
        np.testing.assert_allclose(hepad.load_run(trained).score(jets), file["other/score"][:], rtol=1e-5)
    # What was not asked for is as it was.
    assert found["test/pearson/pt"] == numbers(trained)["test/pearson/pt"]


def test_a_copy_of_the_training_file_is_tested_on_its_test_part_alone(trained, tmp_path):
    copy = shutil.copy(trained.parent / "background.h5", tmp_path / "copy.h5")
    done = again(trained, "name=copy", "logger=none", f"data.samples.copy={copy}", "data.limit=null")
    assert done.code == 0, done.err
    with h5py.File(trained / "evaluations/copy/scores.h5") as file, h5py.File(trained / "scores.h5") as first:
        np.testing.assert_array_equal(file["copy/index"][:], first["background/index"][:])
        # The limit of the training belongs to its split; other samples have the one asked for.
        np.testing.assert_array_equal(file["background/slot"][:], first["background/slot"][:])
        assert len(file["signal/index"]) > len(first["signal/index"]) == 900
    assert "copy is the file that the run was trained on" in (trained / "evaluations/copy/report.html").read_text()


def test_loggers_write_into_the_evaluation_wherever_the_run_s_wrote(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    config = yaml.safe_load((run / "config.yaml").read_text())
    outside = tmp_path / "outside"
    csv = {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": str(outside), "name": "csv", "version": "one"}
    config["logger"] = {"csv": csv}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert again(run, "name=inside", "evaluation.plots=false").code == 0
    assert not outside.exists()
    assert (run / "evaluations/inside/csv").is_dir()
    assert again(run, "name=asked", "evaluation.plots=false", "logger=csv", f"logger.csv.save_dir={outside}").code == 0
    assert (outside / "csv").is_dir()


def test_a_run_without_loggers_has_those_that_its_evaluation_is_told_of(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"logger": {}}))
    done = again(run, "name=logged", "evaluation.plots=false", "logger.wandb.mode=offline", "logger.wandb.project=late")
    assert done.code == 0, done.err
    (record,) = records(run / "evaluations/logged")
    (begun,) = entries(record, "run")
    assert (begun["project"], begun["job_type"]) == ("late", "evaluate")


def test_the_config_of_a_loaded_run_is_there_to_be_read(trained):
    run = hepad.load_run(trained)
    assert run.config.model.loss["_target_"] == run.settings.model["loss"]["_target_"] == "hepad.losses.MSE"
    with pytest.raises(ReadonlyConfigError):
        run.config.model.latent = 3


def test_another_file_as_background_is_tested_whole_and_that_is_said(trained, tmp_path):
    other = write_jet_file(tmp_path / "later.h5", n_events=50, mean_pt=10.0, seed=9)
    assert again(trained, "name=later", "logger=none", f"data.samples.background={other}").code == 0
    facts = json.loads((trained / "evaluations/later/provenance.json").read_text())
    assert facts["tested_on"]["background"] == "all entries of another file than the run was trained on"
    with h5py.File(other) as file:
        n_jets = int((file["jet_event_data"][:, :, 0] > 0).sum())
    assert facts["data"]["background"]["tested"] == n_jets
    assert "background is another file" in (trained / "evaluations/later/report.html").read_text()


def test_in_place_adds_the_plots_that_were_left_out(trained, tmp_path):
    run = Path(shutil.copytree(trained, tmp_path / "moved", ignore=shutil.ignore_patterns("evaluations", "wandb")))
    (run / "metrics.json").unlink()
    done = again(run, "in_place=true", "evaluation.plots=true", "logger=none")
    assert done.code == 0, done.err
    assert numbers(run) == numbers(trained)
    assert (run / "plots/learning_curves.png").is_file()
    assert json.loads((run / "provenance.json").read_text())["evaluated_again"]["command"][1] == "in_place=true"
    assert (run / "config.yaml").read_bytes() == (trained / "config.yaml").read_bytes()
    assert not (run / "evaluations").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run=nothing"], "nothing is not a run"),
        (["name=../../x"], "letters, digits"),
        (["logger.wandb.name=../../x"], "logger.wandb.name=../../x: 1 to 64 letters, digits"),
        (["name=unchanged"], "exists; choose another name"),
        (["evaluation.references=[nobody]"], "allowed: background, signal"),
        (["data.samples.x=nothing.h5"], "data.samples.x: no file nothing.h5"),
        (["data.samples.background=null"], "cannot be left out"),
        (["data.limit=0"], "at least 1"),
        (["data.batchsize=3"], "no key"),
        (["in_place=true", "data.limit=3"], "leave data out"),
        (["in_place=true", "inference=latent_search"], "leave inference out"),
        (["in_place=true", "name=x"], "leave name out"),
        (["logger.wandb.mode=onlin", "name=y"], "allowed: auto"),
    ],
)
def test_wrong_words(trained, unchanged, words, said, monkeypatch):
    monkeypatch.delenv("WANDB_MODE")
    before = sorted(trained.rglob("*"))
    done = again(trained, *words)
    assert done.code == 2, done.out
    assert said in done.err
    assert done.err.count("\n") == 1
    assert sorted(trained.rglob("*")) == before


def test_an_evaluation_is_no_run(unchanged):
    done = again(unchanged)
    assert done.code == 2
    assert f"{unchanged} is an evaluation; its run is {unchanged.parent.parent}" in done.err


def test_the_training_file_is_gone(trained, tmp_path):
    run = Path(shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluations", "wandb")))
    facts = json.loads((run / "provenance.json").read_text())
    facts["data"]["background"]["file"] = str(tmp_path / "gone.h5")
    (run / "provenance.json").write_text(json.dumps(facts))
    config = (run / "config.yaml").read_text().replace(str(trained.parent / "background.h5"), str(tmp_path / "gone.h5"))
    (run / "config.yaml").write_text(config)
    done = again(run, "logger=none")
    assert done.code == 2
    assert "say where it is with data.samples.background=FILE" in done.err
    assert not (run / "evaluations").exists()
    found = again(run, "logger=none", "name=found", f"data.samples.background={trained.parent / 'background.h5'}")
    assert found.code == 0, found.err
    assert numbers(run / "evaluations/found") == numbers(trained)


def test_a_run_without_checkpoint(trained, tmp_path):
    run = Path(shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "wandb")))
    done = again(run, "logger=none")
    assert done.code == 2
    assert "best.ckpt" in done.err
